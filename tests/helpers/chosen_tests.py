"""Which tests are run, and in which order; a plugin of pytest."""

import pathlib

import pytest

SLOW = ("browser", "docs", "ray")
"""Marks of tests that are slow, without being marked so."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("glo_tf", "tests in environments of which one has more installed")
    group.addoption("--passed-to", metavar="FILE", help="Writes there which tests have passed.")
    group.addoption(
        "--not-again",
        metavar="FILE",
        help="Leaves out the tests that a file names, but for those that are marked `installed`.",
    )


def pytest_configure(config: pytest.Config) -> None:
    name = config.getoption("--passed-to")
    if name and not hasattr(config, "workerinput"):  # workers report to the one that has none
        config.pluginmanager.register(_Passed(pathlib.Path(name)))


class _Passed:
    """Writes a line for each test that has passed."""

    def __init__(self, path: pathlib.Path) -> None:
        self._file = path.open("w")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            print(report.nodeid, file=self._file)

    def pytest_unconfigure(self) -> None:
        self._file.close()


@pytest.hookimpl(tryfirst=True)  # before others are left out by their marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if named := config.getoption("--not-again"):
        passed = set(pathlib.Path(named).read_text().splitlines())
        of_installed = {item.nodeid for item in items if item.get_closest_marker("installed")}
        left = passed - of_installed
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in left])
        items[:] = [item for item in items if item.nodeid not in left]
    for item in items:
        if any(item.get_closest_marker(name) for name in SLOW):
            item.add_marker("slow")
    # First what waits much, by modules and so that one process has Ray's cluster; last what is
    # made meanwhile.
    waiting = {item.path for item in items if item.get_closest_marker("ray")}
    items.sort(key=lambda item: (bool(item.get_closest_marker("beside")), item.path not in waiting))

"""A distribution that is registered in a folder of a test, without an installation."""

import pathlib
from collections.abc import Mapping, Sequence

import pytest


def register(
    folder: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    entries: Mapping[str, Sequence[str]],
) -> None:
    """Makes a package's entry points, and the modules in `folder`, known to this process.

    Args:
        folder: Put on the path; made if absent.
        monkeypatch: Of the test, with which it ends.
        package: Name of the distribution.
        entries: Group to entry points, such as `"digits = glo_tf.datasets:digits"`.
    """
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [line for group, names in entries.items() for line in (f"[{group}]", *names)]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(folder))

"""What an installation contains."""

import importlib.metadata
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

from glo_tf import plugins

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> pathlib.Path:
    """What is packaged; building inside the checkout would leave folders behind."""
    source = tmp_path_factory.mktemp("source")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, source)
    for name in ("glo_tf", "configs"):
        shutil.copytree(ROOT / name, source / name)
    return source


@pytest.mark.slow
def test_a_wheel_holds_the_configurations_and_the_type_marker(source, tmp_path) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, f"--wheel-dir={tmp_path}", str(source)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        contents = set(archive.namelist())
    flagfiles = {f"glo_tf/configs/{path.name}" for path in (ROOT / "configs").glob("*.flags")}
    assert flagfiles
    templates = {
        f"glo_tf/plugins/templates/{path.name}"
        for path in (ROOT / "glo_tf" / "plugins" / "templates").iterdir()
    }
    assert templates
    report = {f"glo_tf/report/vendor/{name}" for name in ("plotly-basic.min.js", "plotly-LICENSE")}
    assert report <= contents
    assert flagfiles | templates | {"glo_tf/py.typed", "glo_tf/testing/plugin.py"} <= contents


@pytest.mark.slow
def test_plugins_are_found_where_an_sdist_is_unpacked(source, tmp_path) -> None:
    """Metadata without its entry points would take the place of what is installed."""
    command = [sys.executable, "setup.py", "--quiet", "sdist", f"--dist-dir={tmp_path}"]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (path,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("glo_tf-*/")
    (found,) = importlib.metadata.distributions(name="glo_tf", path=[str(unpacked)])
    ours = importlib.metadata.distribution("glo_tf").entry_points
    assert {(one.group, one.name, one.value) for one in found.entry_points} == {
        (one.group, one.name, one.value) for one in ours
    }


def test_the_registry_holds_what_the_package_registers() -> None:
    entries = importlib.metadata.distribution("glo_tf").entry_points
    for group in plugins.GROUPS:
        assert {entry.name for entry in entries if entry.group == group} <= set(
            plugins.names(group)
        )


def test_the_readme_leads_from_anywhere_to_files_that_are_here() -> None:
    repository = re.search(r'^REPOSITORY = "(.+)"', (ROOT / "setup.py").read_text(), re.MULTILINE)
    assert repository is not None
    raw = repository[1].replace("github.com", "raw.githubusercontent.com")
    targets = re.findall(r"\]\(([^)\s]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(targets) > 10
    for target in targets:
        assert target.startswith("https://"), target
        for own in (f"{repository[1]}/blob/main/", f"{repository[1]}/tree/main/", f"{raw}/main/"):
            if target.startswith(own):
                assert (ROOT / target.removeprefix(own)).exists(), target
    assert repository[1] in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_citation_has_the_packages_version() -> None:
    version = importlib.metadata.version("glo_tf")
    assert f"version: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")

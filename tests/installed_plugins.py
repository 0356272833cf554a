"""Installation of the example plugins into a folder of a test."""

import pathlib
import subprocess
import sys

PLUGINS = pathlib.Path(__file__).parents[1] / "plugins"


def install(name: str, folder: pathlib.Path) -> pathlib.Path:
    """Installs `plugins/NAME` and returns the folder to import it from."""
    source = folder / "source"  # building inside the checkout would leave build/ behind
    source.mkdir()
    for file in ("setup.py", f"{name}.py"):
        (source / file).write_text((PLUGINS / name / file).read_text())
    target = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, f"--target={target}", str(source)], check=True, timeout=120)
    return target


def run(code: str, target: pathlib.Path, *arguments: object) -> str:
    """Runs Python code in a process of its own that finds what was installed; its output."""
    with_target = f"import sys; sys.path.insert(0, {str(target)!r})\n{code}"
    command = [sys.executable, "-c", with_target, *map(str, arguments)]
    return subprocess.run(
        command, check=True, timeout=240, stdout=subprocess.PIPE, text=True
    ).stdout

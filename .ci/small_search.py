"""Runs a small search by an installation's own `glo-tf`, and checks what it writes.

    cd ELSEWHERE && ENVIRONMENT/bin/python CHECKOUT/.ci/small_search.py [FLAG...]

Flags are added to those of the small search.
"""

import csv
import importlib.metadata
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

import glo_tf

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
NAMED = ("tensorflow", "keras", "numpy", "scipy", "scikit-learn", "gplearn", "cma", "sympy")
FLAGS = (
    *("--flagfile=digits.flags", "--train_steps=50", "--population_size=12", "--generations=2"),
    *("--coefficient_generations=2", "--finalists=2", "--finalist_seeds=1"),
    "--comparison_seeds=1",
)


def main() -> None:
    """Runs it; any AssertionError is a failure."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    source = pathlib.Path(glo_tf.__file__).resolve()
    assert CHECKOUT not in source.parents, f"not the installed package: {source}"
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in NAMED)
    print(f"Python {platform.python_version()} with {versions}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder, "run")
        command = pathlib.Path(sys.executable).with_name("glo-tf")
        flags = [*FLAGS, *sys.argv[1:], f"--output_dir={output}"]
        done = subprocess.run([command, *flags], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
        loss = glo_tf.load_loss(output / "best_loss.json")
        with open(output / "history.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) >= 2 * 12, rows
        best = max(float(row["fitness"]) for row in rows)
        assert 0.0 < best <= 1.0, best
        assert "</html>" in (output / "report.html").read_text(encoding="utf-8")
    print(f"A small search ended well: {len(rows)} candidates, best {best:.4f}, {loss.expression}")


if __name__ == "__main__":
    main()

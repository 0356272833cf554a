"""Benchmarks belong to the repository, and not to the package: they are found from its root."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[2]))

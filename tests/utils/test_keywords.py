"""Functions that take what a dataclass declares: their calls, signatures and docstrings."""

from __future__ import annotations

import dataclasses
import inspect
import os
import pathlib
import subprocess
import sys
from typing import TypedDict

import pytest

from glo_tf.utils import keywords as keywords_module
from glo_tf.utils.keywords import descriptions, documented, keywords, made_of, narrowed, takes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wheels:
    """What a vehicle rolls on.

    Attributes:
        count: How many,
            all in all.
        tyre: What is
            around them: rubber.

    Raises:
        ValueError: If there are none.
    """

    count: int = 4
    tyre: str | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"Expected wheels. Received: count={self.count}")


@dataclasses.dataclass(frozen=True)
class Vehicle(Wheels):
    """What is driven.

    Attributes:
        driver: Who.
        tyre: Of this vehicle.
    """

    driver: str
    load: float = dataclasses.field(default=0.0, kw_only=True)


@documented(Vehicle)
class Trip:
    """Goes somewhere.

    Raises:
        ValueError: Without wheels.
    """

    @made_of(Vehicle)
    def __init__(self, vehicle: Vehicle):
        self.vehicle = vehicle


@documented(Vehicle)
@takes(Trip)
def drive(trip: Trip) -> str:
    """Goes at once."""
    return trip.vehicle.driver


SIGNATURE = "driver: 'str', *, count: 'int' = 4, tyre: 'str | None' = None, load: 'float' = 0.0"
ARGUMENTS = """\
Args:
    driver: Who.
    count: How many,
        all in all.
    tyre: Of this vehicle."""


def test_a_call_makes_the_declared() -> None:
    trip = Trip("Ada", count=3)
    assert (trip.vehicle.driver, trip.vehicle.count, trip.vehicle.load) == ("Ada", 3, 0.0)
    assert Trip(driver="Ada").vehicle == Vehicle("Ada")
    assert drive("Bea", tyre="steel") == "Bea"


def test_signatures_and_docstrings_show_every_argument_with_its_default() -> None:
    assert str(inspect.signature(Trip)) == f"({SIGNATURE}) -> None"
    assert str(inspect.signature(drive)) == f"({SIGNATURE}) -> 'str'"
    assert Trip.__doc__ == (
        f"Goes somewhere.\n\n{ARGUMENTS}\n\nRaises:\n    ValueError: Without wheels."
    )
    assert drive.__kwdefaults__ == {"count": 4, "tyre": None, "load": 0.0}
    assert drive.__doc__ == f"Goes at once.\n\n{ARGUMENTS}"
    assert (drive.__name__, drive.__module__) == ("drive", __name__)


def test_descriptions_are_of_one_line_and_those_of_the_class_itself_count() -> None:
    assert descriptions(Vehicle) == {
        "count": "How many, all in all.",
        "tyre": "Of this vehicle.",
        "driver": "Who.",
    }
    assert descriptions(Wheels)["tyre"] == "What is around them: rubber."


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Trip("Ada", cuont=3), r"^Trip\.__init__\(\) got an unexpected .* 'cuont'"),
        (lambda: Trip(), r"^Trip\.__init__\(\) missing a required argument: 'driver'"),
        (lambda: drive("Ada", "Bea"), r"^drive\(\) too many positional arguments"),
    ],
)
def test_what_is_no_argument_is_refused_in_the_name_of_what_was_called(call, message) -> None:
    with pytest.raises(TypeError, match=message):
        call()
    with pytest.raises(ValueError, match=r"^Expected wheels\. Received: count=0$"):
        Trip("Ada", count=0)


CALLS = """
from test_keywords import Trip, drive

reveal_type(Trip)
reveal_type(drive)
Trip("Ada", count="3")
drive("Ada", cuont=3)
drive()
"""

SETTINGS = """
[mypy]
follow_imports = silent
[mypy-glo_tf,pytest]
follow_imports = skip
"""
"""Without all that the package imports, which takes long."""


@pytest.mark.slow
def test_type_checkers_see_every_argument_with_its_type(tmp_path) -> None:
    (tmp_path / "test_keywords.py").write_text(pathlib.Path(__file__).read_text())
    (tmp_path / "calls.py").write_text(CALLS)
    (tmp_path / "mypy.ini").write_text(SETTINGS)
    command = [sys.executable, "-m", "mypy", "calls.py"]
    root = pathlib.Path(keywords_module.__file__).parents[2]
    found = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(root)},
        capture_output=True,
        text=True,
    ).stdout
    parameters = "driver: str, *, count: int =, tyre: str | None =, load: float ="
    assert f'note: Revealed type is "def ({parameters}) -> test_keywords.Trip"' in found
    assert f'note: Revealed type is "def ({parameters}) -> str"' in found
    assert 'Argument "count" to "Trip" has incompatible type "str"; expected "int"' in found
    assert 'Unexpected keyword argument "cuont" for "drive"' in found
    assert 'Missing positional argument "driver" in call to "drive"' in found
    assert "Found 3 errors in 1 file" in found


class SomeOfThem(TypedDict, total=False):
    count: int
    driver: str
    colour: str


def test_fields_become_keywords_and_other_dataclasses() -> None:
    assert keywords(SomeOfThem, Vehicle("Ada", count=2)) == {"driver": "Ada", "count": 2}
    vehicle = Vehicle("Ada", count=2, tyre="steel", load=1.5)
    assert narrowed(Wheels, vehicle) == Wheels(count=2, tyre="steel")
    assert narrowed(Wheels, vehicle, count=3) == Wheels(count=3, tyre="steel")

"""Checks of settings: types as declared, values within bounds."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glo_tf.utils import checks
from glo_tf.utils.checks import check_types


@dataclasses.dataclass(frozen=True)
class Settings:
    whole: int = 1
    number: float = 1.0
    flag: bool = False
    word: str = "word"
    perhaps: int | None = None
    either: bool | str = "auto"
    anything: list[int] | None = None

    def __post_init__(self) -> None:
        check_types(self)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        *(("whole", value, "a whole number") for value in ("5", 2.0, True, None, [1], np.ones(1))),
        *(("number", value, "a number") for value in ("0.1", None, False, 1j)),
        *(("flag", value, "True or False") for value in (1, 0.0, "yes", None)),
        ("word", b"word", "text"),
        ("perhaps", "3", "a whole number or None"),
        ("either", 1, "True or False or text"),
    ],
)
def test_values_of_another_type_are_refused(name, value, words) -> None:
    message = f"^Expected {name} to be {words}. Received: {name}=.+$"
    with pytest.raises(ValueError, match=message):
        Settings(**{name: value})


@pytest.mark.parametrize("value", [2**31, 10**21, np.uint64(2**32)])
def test_a_whole_number_that_nothing_counts_to_is_refused(value) -> None:
    for name in ("whole", "perhaps"):
        with pytest.raises(ValueError, match=rf"{name} of at most 2147483647\. Received: {name}="):
            Settings(**{name: value})


@given(st.integers(-(2**31), 2**31 - 1), st.sampled_from([np.int32, np.int64, int]))
def test_whole_numbers_of_numpy_are_those_of_python(value, kind) -> None:
    settings = Settings(whole=kind(value), perhaps=kind(value), number=kind(value))
    assert (settings.whole, settings.perhaps, settings.number) == (value, value, value)
    assert (type(settings.whole), type(settings.perhaps)) == (int, int)


@given(st.floats(width=32), st.booleans())
def test_numbers_and_flags_of_numpy_are_those_of_python(number, flag) -> None:
    settings = Settings(number=np.float32(number), flag=np.bool_(flag), either=np.bool_(flag))
    assert settings.number == number or math.isnan(number)
    assert type(settings.number) is float
    assert (settings.flag, settings.either) == (flag, flag)
    assert (type(settings.flag), type(settings.either)) == (bool, bool)


@pytest.mark.parametrize("value", [[1], "x", 3])
def test_other_types_are_nobodys_business(value) -> None:
    assert Settings(anything=value).anything == value


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("check", "inside", "outside", "message"),
    [
        (checks.check_between_0_and_1, [1e-7, 0.5], [0, 1, -1, NAN, INF], "value between 0 and 1"),
        (checks.check_share, [1e-7, 1], [0, 1.1, -1, NAN, "0.5", None], r"value in \(0, 1\]"),
        (checks.check_positive, [1e-9, 3, None], [0, -1, NAN, INF], "a positive, finite value"),
        (checks.check_not_negative, [0, 2.5, None], [-1, NAN, INF], "a finite value of at least 0"),
    ],
)
def test_values_out_of_bounds_are_refused(check, inside, outside, message) -> None:
    for value in inside:
        check(value=value)
    for value in outside:
        with pytest.raises(ValueError, match=f"^Expected {message}. Received: value={value!r}$"):
            check(value=value)


@given(st.integers(-5, 5), st.integers(-5, 5))
def test_a_least_value_is_the_least_that_passes(least, value) -> None:
    checks.check_at_least(least, value=None)
    if value >= least:
        checks.check_at_least(least, value=value)
    else:
        with pytest.raises(ValueError, match=f"^Expected value of at least {least}. Received: "):
            checks.check_at_least(least, value=value)


@pytest.mark.parametrize("value", [True, False, "auto"])
def test_choices(value) -> None:
    checks.check_one_of((True, False, "auto"), value=value)
    message = "^Expected value to be True, False or auto. Received: value='maybe'$"
    with pytest.raises(ValueError, match=message):
        checks.check_one_of((True, False, "auto"), value="maybe")


def test_a_name_or_the_thing_itself() -> None:
    checks.check_named_or(Settings, "setting", value="word", other=Settings())
    message = "^Expected value to be the name of a registered setting, or a Settings. Received: "
    for value in (None, 3, Settings, ["word"]):
        with pytest.raises(ValueError, match=message):
            checks.check_named_or(Settings, "setting", value=value)

"""Optimizers as a task holds them: functions that make a new one for each training."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import inspect
import re
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import keras
import numpy as np

from glo_tf.errors import InvalidArgumentError, shown
from glo_tf.identity.code_identity import code_of
from glo_tf.utils.alike import did_you_mean

Given: TypeAlias = keras.Optimizer | str | dict[str, Any] | Callable[[], keras.Optimizer]
"""What a user gives: an optimizer, its name, its configuration, or a function that makes one."""

_WHAT = (
    "Expected optimizer to be a Keras optimizer, its name, its configuration, or a function "
    "without arguments that makes a new one each time."
)
_LOOKED_AT = 64  # steps at which a learning rate that changes is looked at
_STATE = {"name", "built", "_lock", "_trainable_variables_indices"}
"""Attributes of optimizers that may differ between two that train alike."""


@dataclasses.dataclass(frozen=True)
class Configured:
    """Makes optimizers from a configuration, which stays as it is.

    Attributes:
        kind: Class of the optimizers. Keras would look it up by name, where a user's own class may
            hide behind one of its own, or not be found.
        config: As `get_config` gives it.
        custom_objects: Classes and functions that it names and Keras does not have.
    """

    kind: type[keras.Optimizer]
    config: Mapping[str, Any]
    custom_objects: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __call__(self) -> keras.Optimizer:
        """A new optimizer."""
        with keras.saving.custom_object_scope(dict(self.custom_objects)):
            return self.kind.from_config(copy.deepcopy(dict(self.config)))


@dataclasses.dataclass(frozen=True)
class Understood:
    """An optimizer that trainings can have.

    Attributes:
        make: Makes a new one.
        learning_rate: Its learning rate; of a schedule the largest at the steps that are looked at.
        config: What describes it.
    """

    make: Callable[[], keras.Optimizer]
    learning_rate: float
    config: dict[str, Any]

    @property
    def code(self) -> str | None:
        """What tells a user's code in it from another of the same name; see `code_of`."""
        if isinstance(self.make, Configured):  # the rest is in its configuration
            return code_of((self.make.kind, dict(self.make.custom_objects)))
        return code_of(self.make)


def understand(optimizer: Given, train_steps: int) -> Understood:
    """Makes sure that an optimizer can be had anew for each training, and that it trains.

    Args:
        optimizer: What a user gave; it is left as it is.
        train_steps: That it has to train for.

    Raises:
        ValueError: If it is no optimizer, if its copies are not like it, or if it has a learning
            rate that is not positive and finite (for a schedule: one that is never positive, or
            negative or not finite at any step).
    """
    make: Callable[[], keras.Optimizer]
    if isinstance(optimizer, keras.Optimizer):
        make = _from_configuration(optimizer)
    elif isinstance(optimizer, str | dict):
        name = {"class_name": optimizer} if isinstance(optimizer, str) else optimizer
        config = {"config": {}, **copy.deepcopy(name)}  # Keras changes what it reads
        make = _from_configuration(_made(lambda: keras.optimizers.get(config), optimizer))
    elif callable(optimizer):
        make = _factory(optimizer)
    else:
        raise InvalidArgumentError(f"{_WHAT} Received: optimizer={shown(optimizer)}")
    made = make()
    rates = _learning_rates(made, train_steps)
    if not np.isfinite(rates).all() or rates.min() < 0.0 or rates.max() == 0.0:
        wrong = next(iter(rates[~(rates >= 0.0) | np.isinf(rates)]), 0.0)
        raise InvalidArgumentError(
            "Expected an optimizer whose learning_rate is positive and finite, as float32. "
            f"Received: learning_rate={wrong:g}"
        )
    # Keras stores it as float32: 0.01 comes back as 0.009999999776482582.
    return Understood(make, float(str(rates.max())), _described(make, made))


def _from_configuration(optimizer: keras.Optimizer) -> Configured:
    """The optimizer's configuration, if that says all."""
    what = shown(optimizer)
    advice = "or give a function that makes it, such as optimizer=lambda: MyOptimizer(0.1)"
    expected = (
        "Expected optimizer to be one that its configuration (get_config, from_config) makes "
        f"again, since each training has its own; {advice}. Received: optimizer={what}, "
    )
    try:
        with _without_warnings():
            config = optimizer.get_config()
        make = Configured(type(optimizer), config, dict(_custom_objects(optimizer)))
        made = make()
    except Exception as error:  # user code raises what it likes
        raise InvalidArgumentError(f"{expected}where that raises {_reason(error)}") from error
    for difference in _differences(optimizer, made):
        raise InvalidArgumentError(f"{expected}where the second one has {difference}")
    return make


def _factory(make: Callable[[], keras.Optimizer]) -> Callable[[], keras.Optimizer]:
    try:
        inspect.signature(make).bind()
    except TypeError as error:
        raise InvalidArgumentError(
            f"{_WHAT} Received: optimizer={shown(make)}, which takes arguments ({error})"
        ) from error
    except ValueError:  # it has no signature that Python knows
        pass
    first, second = (_made(make, make) for _ in range(2))
    received = f"Received: optimizer={shown(make)}, which"
    if first is second or {id(v) for v in first.variables} & {id(v) for v in second.variables}:
        raise InvalidArgumentError(f"{_WHAT} {received} returned the same one twice")
    if first.built:
        raise InvalidArgumentError(f"{_WHAT} {received} returned one that has been used")
    for difference in _differences(first, second):
        raise InvalidArgumentError(f"{_WHAT} {received} made a second one with {difference}")
    return make


def _made(make: Callable[[], Any], given: Any) -> keras.Optimizer:
    try:
        made = make()
    except Exception as error:  # user code raises what it likes
        name = given.get("class_name") if isinstance(given, dict) else given
        if isinstance(name, str) and name.lower() not in _of_keras():
            raise InvalidArgumentError(
                "Expected optimizer to be the name of one that Keras has"
                f"{did_you_mean(name.lower(), _of_keras())}, or an optimizer. "
                f"Received: optimizer='{name}'"
            ) from error
        raise InvalidArgumentError(
            f"{_WHAT} Received: optimizer={shown(given)} ({_reason(error)})"
        ) from error
    if not isinstance(made, keras.Optimizer):
        raise InvalidArgumentError(
            f"{_WHAT} Received: optimizer={shown(given)}, which returned {shown(made)}"
        )
    return made


def _of_keras() -> list[str]:
    """Names of its optimizers, as they are given."""
    things = vars(keras.optimizers).items()
    return [name.lower() for name, thing in things if inspect.isclass(thing)]


def _learning_rates(optimizer: keras.Optimizer, train_steps: int) -> np.ndarray:
    """Those of some steps of a training, as float32; the optimizer is used up by this."""
    iterations = getattr(optimizer, "inner_optimizer", optimizer).variables[0]
    if isinstance(optimizer.learning_rate, keras.Variable):
        return np.array([np.asarray(optimizer.learning_rate)], np.float32)
    rates = []
    for step in np.unique(np.linspace(0, train_steps - 1, _LOOKED_AT).astype(int)):
        iterations.assign(step)
        with np.errstate(over="ignore"):
            rates.append(np.float32(optimizer.learning_rate))
    iterations.assign(0)
    return np.array(rates)


def _described(make: Callable[[], keras.Optimizer], made: keras.Optimizer) -> dict[str, Any]:
    """What can be said of an optimizer: its configuration, if that is all that makes it."""
    kind = type(made)
    described = {"class_name": kind.__name__, "module": kind.__module__}
    try:
        make = make if isinstance(make, Configured) else _from_configuration(made)
    except ValueError:
        parts = [[type(part).__name__, _as_json(_plain_attributes(part))] for part in _parts(made)]
        return {**described, "attributes": parts}
    with _without_warnings():
        return {**described, "config": _without_names(keras.optimizers.serialize(made)["config"])}


def _parts(optimizer: Any) -> Iterator[Any]:
    """An optimizer, the one in it, and its schedules."""
    yield optimizer
    for value in vars(optimizer).values():
        if isinstance(value, keras.Optimizer | keras.optimizers.schedules.LearningRateSchedule):
            yield from _parts(value)


def _custom_objects(optimizer: keras.Optimizer) -> Iterator[tuple[str, Any]]:
    for part in _parts(optimizer):
        functions: list[Any] = [v for v in vars(part).values() if inspect.isfunction(v)]
        for thing in (type(part), *functions):
            if not thing.__module__.startswith("keras."):
                yield thing.__name__, thing


def _differences(first: keras.Optimizer, second: keras.Optimizer) -> Iterator[str]:
    """In what an optimizer is unlike another one, in words."""
    ours, theirs = list(_parts(first)), list(_parts(second))
    kinds = [
        [f"{type(p).__module__}.{type(p).__qualname__}" for p in all_] for all_ in (ours, theirs)
    ]
    if kinds[0] != kinds[1]:
        yield f"the types {kinds[1]} instead of {kinds[0]}"
        return
    for one, other in zip(ours, theirs, strict=True):
        before, after = _plain_attributes(one), _plain_attributes(other)
        for name in before | after:
            given, copied = before.get(name), after.get(name)
            if given != copied and repr(given) != repr(copied) and _comparable(name, one, other):
                yield f"{name}={copied!r} instead of {given!r}"
    if isinstance(first.learning_rate, keras.Variable):
        rate, other_rate = (float(np.asarray(each.learning_rate)) for each in (first, second))
        if not np.array_equal(rate, other_rate, equal_nan=True):
            yield f"learning_rate={other_rate:g} instead of {rate:g}"


def _comparable(name: str, *parts: Any) -> bool:
    """Whether an attribute is none of the slots that an optimizer gets when it is first used."""
    values = [vars(part)[name] for part in parts if name in vars(part)]
    return all(map(_is_plain, values)) and (
        len(values) == len(parts) or not isinstance(values[0], list | dict)
    )


def _plain_attributes(thing: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(thing).items()
        if name not in _STATE
        and not name.startswith(("_self_", "_exclude_from_weight_decay_cache"))
        and _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_plain, (*value.keys(), *value.values())))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str | re.Pattern | np.generic)


def _without_names(config: Any) -> Any:
    """Keras numbers names through the life of a process; they change nothing."""
    if isinstance(config, Mapping):
        return {key: _without_names(item) for key, item in config.items() if key != "name"}
    return config


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _as_json(item) for key, item in value.items() if key != "name"}
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return list(map(_as_json, value))
    return value if isinstance(value, bool | int | float | types.NoneType) else str(value)


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Keras warns of lambdas in a configuration; they are refused, or made by a function."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"

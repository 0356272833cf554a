"""Hashes of users' code and of the data that it uses: what decides a value, if a user's code does.

A name does not say what a function computes. So functions are hashed by their bytecode with its
constants, defaults, what they close over and what they refer to among their module's names;
classes by their methods and bases; other objects by their class and state. Comments, docstrings,
line numbers and the file's place do not count. Bytecode rather than source, as there is no source
in notebooks' children, in lambdas on one line, or where a file was edited since its import.

Code of libraries, that is of the standard library, of this package and of what is installed, counts
by its name and version, code of this package wherever it stands (see `stable_id`); plugins are
taken for the user's code, as they are under development.
"""

from __future__ import annotations

import builtins
import copyreg
import enum
import functools
import hashlib
import importlib
import importlib.util
import itertools
import pathlib
import sys
import types
import uuid
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np

from glo_tf.identity import bytecode
from glo_tf.identity.libraries import library_version
from glo_tf.identity.stable_id import Named, has_stable_id, is_ours, stable_name
from glo_tf.utils.imported import is_of

UNHASHABLE = "cannot be hashed"
"""Begins what `code_of` says where it has no hash."""

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented))
_CONTAINERS = (list, dict, tuple, set, frozenset, int, float, str, bytes)
_C_DESCRIPTORS = (
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
)
_NO_PART_OF_A_CLASS = frozenset(
    (
        *("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "_abc_impl"),
        *("__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__"),
        *("__firstlineno__", "__static_attributes__", "__slotnames__"),
    )
)


class _UnhashableError(TypeError):
    """Something whose content cannot be seen."""


def code_of(thing: object) -> str | None:
    """What tells a user's code from another of the same name; None where all is of libraries.

    Args:
        thing: A function, a class, or an object that has some.

    Returns:
        A hash, the same in every process of one Python version; of what cannot be hashed the
        reason, with a mark that is another each time, so that nothing is taken to be of it.
    """
    walk = _Walk()
    try:
        walk.visit(thing)
    except (_UnhashableError, RecursionError) as error:
        return f"{UNHASHABLE}, so it is never the same: {error} ({uuid.uuid4().hex[:8]})"
    return f"{walk.hexdigest()} ({sys.implementation.cache_tag})" if walk.met_users_code else None


class _Walk:
    """Hashes everything that can be reached, each object once, so that cycles end."""

    def __init__(self, seen: Mapping[int, tuple[int, object]] = types.MappingProxyType({})):
        self._hash = hashlib.sha256()
        self._seen = dict(seen)  # by address the place, and the object, which keeps its address
        self.met_users_code = False

    def hexdigest(self) -> str:
        return self._hash.hexdigest()[:16]

    def _add(self, *words: object) -> None:
        for word in (len(words), *words):
            data = ascii(word).encode()
            self._hash.update(b"%d:%b" % (len(data), data))

    def visit(self, thing: Any) -> None:
        """Adds an object and all that it holds."""
        kind = type(thing)
        # Equal constants may be one object in one process and two in another.
        if kind in _PLAIN:
            self._add(kind.__name__, thing)
        elif kind is tuple:
            self._sequence("tuple", thing)
        elif kind in (set, frozenset):
            self._set(thing)
        elif kind is types.CodeType:
            self._code(thing)
        elif id(thing) in self._seen:
            self._add("seen", self._seen[id(thing)][0])
        else:
            self._seen[id(thing)] = len(self._seen), thing
            self._visit_new(thing)

    def _visit_new(self, thing: Any) -> None:
        if isinstance(thing, types.FunctionType):
            self._function(thing)
        elif isinstance(thing, type):
            self._class(thing)
        elif isinstance(thing, types.ModuleType):
            self._module(thing)
        elif type(thing) is list:
            self._sequence("list", thing)
        elif type(thing) in (dict, types.MappingProxyType):
            self._sequence("dict", itertools.chain.from_iterable(thing.items()))
        elif isinstance(thing, types.BuiltinFunctionType):
            self._c_function(thing)
        elif isinstance(thing, types.MethodType | types.MethodWrapperType):
            self._sequence(f"method {thing.__name__}", [thing.__self__])
            if isinstance(thing, types.MethodType):
                self.visit(thing.__func__)
        elif isinstance(thing, _C_DESCRIPTORS):
            self._add(type(thing).__name__, thing.__name__)
        elif isinstance(thing, property):
            self._sequence("property", [thing.fget, thing.fset, thing.fdel])
        elif isinstance(thing, staticmethod | classmethod):
            self._sequence(type(thing).__name__, [thing.__func__])
        elif isinstance(thing, functools.cached_property):
            self._sequence("cached_property", [thing.func])
        elif isinstance(thing, types.CellType):
            self._sequence("cell", _contents(thing))
        elif isinstance(thing, np.ndarray | np.generic):
            array = np.asarray(thing)
            self._add("array", array.dtype.str, array.shape)
            if array.dtype.hasobject:
                self.visit(array.tolist())
            else:
                self._add(hashlib.sha256(array.tobytes()).hexdigest())
        elif isinstance(thing, weakref.ref | weakref.WeakKeyDictionary | weakref.WeakSet):
            self._add("weak")  # a cache
        else:
            self._object(thing)

    def _sequence(self, kind: str, things: Any) -> None:
        listed = list(things)
        self._add(kind, len(listed))
        for thing in listed:
            self.visit(thing)

    def _set(self, things: Any) -> None:
        digests = []
        for thing in things:  # in an order that differs between processes
            walk = _Walk(self._seen)
            walk.visit(thing)
            self.met_users_code |= walk.met_users_code
            digests.append(walk.hexdigest())
        self._add(type(things).__name__, *sorted(digests))

    def _function(self, function: types.FunctionType) -> None:
        library = _library_of(function)
        if library is not None:
            self._add("function", stable_name(function), library)
            if has_stable_id(function):
                return
            if "<" not in function.__qualname__:  # neither a lambda nor one within a function
                if is_ours(function):  # by its name without its module, which several may have
                    self.visit(function.__code__)
                return
        else:
            self.met_users_code = True
        self._add("function")
        self.visit(function.__code__)
        self._sequence("defaults", [function.__defaults__, function.__kwdefaults__])
        self._sequence("closure", itertools.chain(*map(_contents, function.__closure__ or ())))
        if library is None:
            self._attributes(vars(function))
            for path in sorted(bytecode.references(function.__code__)):
                self._reference(function.__globals__, path)
            for name, level in sorted(bytecode.imports(function.__code__)):
                self._import(function.__globals__, name, level)

    def _code(self, code: types.CodeType) -> None:
        signature, steps = bytecode.read(code)
        self._add("code", *signature)
        for step in steps:
            self._add(step.name, step.argument)
            self._sequence("constants", step.constants)

    def _reference(self, scope: Mapping[str, Any], path: tuple[str, ...]) -> None:
        """A global name, with the attributes that are taken of it as long as it is a module."""
        name, *attributes = path
        self._add("global", path)
        if name not in scope:
            self._add("builtin" if hasattr(builtins, name) else "missing")
            return
        value = scope[name]
        for attribute in attributes:
            is_users = (
                isinstance(value, types.ModuleType) and library_version(value.__name__) is None
            )
            if not is_users or not hasattr(value, attribute):
                break
            value = getattr(value, attribute)
        self.visit(value)

    def _import(self, scope: Mapping[str, Any], name: str, level: int) -> None:
        """A module that is imported when the code runs."""
        full = importlib.util.resolve_name("." * level + name, scope.get("__package__") or "")
        try:
            self.visit(importlib.import_module(full))
        except ImportError:
            self._add("missing", full)

    def _class(self, thing: type) -> None:
        library = _library_of(thing)
        if library is not None:
            self._add("class", stable_name(thing), library)
            return
        self.met_users_code = True
        self._sequence("class", [type(thing), *thing.__bases__])
        self._attributes(
            {name: part for name, part in vars(thing).items() if name not in _NO_PART_OF_A_CLASS}
        )

    def _module(self, module: types.ModuleType) -> None:
        library = library_version(module.__name__)
        if library is not None:
            self._add("module", module.__name__, library)
            return
        self.met_users_code = True
        file = getattr(module, "__file__", None)
        if file is None:
            raise _UnhashableError(f"the module {module.__name__}, which has no file")
        self._add("module", hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest())

    def _c_function(self, function: types.BuiltinFunctionType) -> None:
        owner = function.__self__
        if owner is not None and not isinstance(owner, types.ModuleType):
            self._sequence(f"method {function.__name__}", [owner])
            return
        library = library_version(function.__module__)
        if library is None:
            raise _UnhashableError(
                f"the compiled function {function.__module__}.{function.__name__}"
            )
        self._add("function", function.__module__, function.__qualname__, library)

    def _object(self, thing: Any) -> None:
        kind = type(thing)
        if isinstance(thing, enum.Enum):
            self._sequence("member", [kind, thing.name])
        elif _is_keras(thing, "Variable") or _is_tensor(thing):
            self._sequence("tensor", [np.asarray(thing)])
        elif _is_keras(thing, *_KERAS_CLASSES):
            self._keras_object(thing)
        elif _library_of(kind) is None:
            base = next((base for base in _CONTAINERS if isinstance(thing, base)), None)
            self._sequence("object", [kind, None if base is None else base(thing)])
            self._attributes(_state(thing))
        elif callable(thing) and hasattr(thing, "__wrapped__"):
            self._sequence("wrapper", [kind, thing.__wrapped__])
        else:
            self._reduced(thing)

    def _keras_object(self, thing: Any) -> None:
        """By configuration, of which Keras makes another, and by the code that it refers to."""
        try:
            config = thing.get_config()
        except NotImplementedError as error:
            raise _UnhashableError(
                f"{type(thing).__qualname__}, which has no get_config"
            ) from error
        weights = thing.weights if _is_keras(thing, "Layer") else []
        self._sequence("Keras", [type(thing), _unnamed(config), *map(np.asarray, weights)])
        self._attributes({name: part for name, part in vars(thing).items() if _has_code(part)})

    def _reduced(self, thing: Any) -> None:
        """An object of a library, as it would be copied."""
        try:
            reduce = copyreg.dispatch_table.get(type(thing))
            parts = thing.__reduce_ex__(4) if reduce is None else reduce(thing)
        except Exception as error:
            kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
            raise _UnhashableError(f"an object of {kind}") from error
        if isinstance(parts, str):
            self._sequence(f"object {parts}", [type(thing)])
            return
        function, arguments, state, items, pairs = (*parts, None, None, None)[:5]
        if isinstance(state, dict):
            state = _without_caches(thing, state)
        self._sequence("reduced", [function, arguments, state, list(items or ())])
        self._sequence("pairs", itertools.chain.from_iterable(pairs or ()))

    def _attributes(self, attributes: Mapping[str, Any]) -> None:
        self._add("attributes", *sorted(attributes))
        for name in sorted(attributes):
            self.visit(attributes[name])


def _library_of(thing: Named) -> str | None:
    """The version of the library that a class or function is of; None for the user's."""
    return "" if is_ours(thing) else library_version(thing.__module__)


_KERAS_CLASSES = ("Layer", "Metric", "Loss", "Optimizer", "LearningRateSchedule")


def _is_keras(thing: object, *names: str) -> bool:
    """Whether an object is of one of Keras's classes, if Keras is in use."""
    keras = sys.modules.get("keras")
    if keras is None:
        return False
    spaces = (keras, keras.optimizers.schedules)
    classes = tuple(
        getattr(space, name) for space in spaces for name in names if hasattr(space, name)
    )
    return isinstance(thing, classes)


def _is_tensor(thing: object) -> bool:
    return is_of("tensorflow", thing, "Tensor", "Variable") or is_of("jax", thing, "Array")


def _has_code(thing: object) -> bool:
    of_functions = (types.FunctionType, types.MethodType, functools.partial)
    return isinstance(thing, of_functions) or _is_keras(thing, *_KERAS_CLASSES)


def _unnamed(config: dict[str, Any]) -> dict[str, Any]:
    """Keras numbers names through the life of a process."""
    return {key: value for key, value in config.items() if key != "name"}


def _contents(cell: types.CellType) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:  # not yet filled
        return []


def _state(thing: object) -> dict[str, Any]:
    """Attributes, in `__dict__` and in slots."""
    try:
        found = object.__getstate__(thing)
    except TypeError as error:  # a part of it is not Python's
        raise _UnhashableError(f"an object of {type(thing).__qualname__}") from error
    parts = found if isinstance(found, tuple) else (found,)
    return _without_caches(thing, {k: v for part in parts if part for k, v in part.items()})


def _without_caches(thing: object, state: dict[str, Any]) -> dict[str, Any]:
    cached = {
        name
        for base in type(thing).__mro__
        for name, value in vars(base).items()
        if isinstance(value, functools.cached_property)
    }
    return {name: value for name, value in state.items() if name not in cached}

"""Hashes of what determines the result of a training: data, model, versions.

Two processes that build the same thing get the same hash, whatever names Keras gave the layers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

_LENGTH = 16  # hexadecimal digits


def of_bytes(parts: Iterable[bytes | memoryview]) -> str:
    """Hash of a sequence of bytes objects, or views of bytes."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:_LENGTH]


def of_arrays(arrays: Iterable[np.ndarray]) -> str:
    """Hash of dtypes, shapes and values; arrays of objects hold bytes."""
    return of_bytes(part for array in arrays for part in _parts(array))


def _parts(array: np.ndarray) -> Iterator[bytes | memoryview]:
    yield f"{array.dtype.str} {array.shape}".encode()
    if array.dtype == object:  # in memory they are addresses
        yield from array.flat
    else:
        yield np.ascontiguousarray(array).reshape(-1).view(np.uint8).data  # large, so not copied


def of_graph(definition: Any) -> str:
    """Hash of a TensorFlow `GraphDef`: operations, wiring, attributes and constants, no names."""
    functions = sorted(_without_names(f.node_def) for f in definition.library.function)
    return of_bytes([_without_names(definition.node), *functions])


def _without_names(nodes: Iterable[Any]) -> bytes:
    places: dict[str, str] = {}
    lines = []
    for node in nodes:
        inputs: list[str] = []
        controls: list[str] = []
        for name in node.input:
            source, colon, output = name.lstrip("^").partition(":")
            place = places.get(source, "argument") + colon + output
            (controls if name.startswith("^") else inputs).append(place)
        # TensorFlow sorts what an operation only waits for by name: dense_10 before dense_9.
        inputs += sorted(controls)
        places[node.name] = str(len(places))
        attributes = {
            key: value.SerializeToString(deterministic=True)
            for key, value in sorted(node.attr.items())
            # A function's name holds a counter; names of shared resources do, too.
            if value.WhichOneof("value") != "func"
            and not value.list.func
            and not key.startswith("_")
            and key not in ("container", "shared_name")
            and not (key == "token" and "PyFunc" in node.op)  # a counter, too
        }
        lines.append(repr((node.op if node.op[:2] != "__" else "call", inputs, attributes)))
    return "\n".join(lines).encode()

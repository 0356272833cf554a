"""What a study is bound to: the settings of a search as names and texts, and their hash."""

from __future__ import annotations

import json
import logging
import pathlib
from collections.abc import Mapping
from typing import Any

from glo_tf.identity import fingerprint
from glo_tf.identity.code_identity import UNHASHABLE

logger = logging.getLogger("glo_tf")


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as one level of names and JSON texts."""
    levels: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            levels |= flat(value, f"{prefix}{name}.")
        else:
            levels[f"{prefix}{name}"] = json.dumps(value, default=str)
    return levels


def warn_of_unhashable(path: pathlib.Path, given: Mapping[str, str]) -> None:
    """Logs which settings no later run will recognise.

    Args:
        path: Of a new study.
        given: Its settings, `flat`.
    """
    for name, value in given.items():
        if UNHASHABLE in value:
            logger.warning("'%s' is new, and no later run can resume it: %s=%s", path, name, value)


def hash_of(task: Mapping[str, Any]) -> str:
    """Of what determines the result of every training."""
    return fingerprint.of_bytes([json.dumps(flat(task), sort_keys=True).encode()])

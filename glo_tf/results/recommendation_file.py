"""`recommendation.json`: a recommendation as data, checked when it is read."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from glo_tf.errors import ParseError
from glo_tf.expressions.tree import Expression
from glo_tf.results.json_fields import FieldReader
from glo_tf.training.candidate import LARGEST_RATE, SMALLEST_RATE
from glo_tf.training.trial import Status
from glo_tf.utils.display_text import legible
from glo_tf.utils.json_file import document_of, in_short, is_count, is_finite, read_document

FORMAT, VERSION = "glo_tf.recommendation", 1

_MAX_BYTES = 50_000_000


def as_document(data: Mapping[str, Any]) -> bytes:
    """The content of the file.

    Args:
        data: See `Recommendation.as_dict`.
    """
    return document_of(FORMAT, VERSION, data)


def read_data(path: pathlib.Path) -> dict[str, Any]:
    """Reads a `recommendation.json`; its losses are checked, its comparison not yet.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is no such file, has another version, lacks what belongs to it, or holds
            values out of range.
    """
    document = read_document(path, FORMAT, (VERSION,), _MAX_BYTES)
    read = _RecommendationReader(path)
    tuned = read.objects(document, "tuned")
    losses = [read.loss(loss) for loss in tuned]
    names = [loss["name"] for loss in losses]
    if not losses or len(set(names)) < len(names):
        raise read.error("'tuned' losses of different names", names)
    chosen = document.get("recommended")
    known = [trial["name"] for loss in losses for trial in loss["trials"]]
    if chosen is not None and chosen not in known:
        raise read.error("'recommended' to be one of the tuned losses, or null", chosen)
    return {
        "recommended": chosen,
        "sentence": legible(read.text(document, "sentence")),
        "tuned": losses,
        "comparison": document.get("comparison"),
    }


class _RecommendationReader(FieldReader):
    """Takes what belongs to a tuned loss out of JSON objects."""

    def loss(self, data: dict[str, Any]) -> dict[str, Any]:
        trials = [self.trial(trial) for trial in self.objects(data, "trials")]
        if not trials:
            raise self.error("'trials' of each loss", trials)
        return {
            "name": legible(self.text(data, "name")),
            "trials": trials,
            "dropped": self.truth(data, "dropped"),
            "at_edge": self.truth(data, "at_edge"),
        }

    def trial(self, data: dict[str, Any]) -> dict[str, Any]:
        parameters = data.get("parameters")
        if not isinstance(parameters, dict) or not all(map(is_finite, parameters.values())):
            raise self.error("'parameters' with a number each", parameters)
        expression = data.get("expression")
        try:
            Expression.parse(self.text(data, "expression"))
        except ParseError as error:
            raise self.error(f"an 'expression' ({in_short(error)})", expression) from error
        rate, fitness, steps = (data.get(name) for name in ("learning_rate", "fitness", "steps"))
        if not is_finite(rate) or not SMALLEST_RATE <= rate <= LARGEST_RATE:
            raise self.error("a positive 'learning_rate'", rate)
        if not is_finite(fitness) or fitness < 0.0:
            raise self.error("a 'fitness' of at least 0", fitness)
        if not is_count(steps):
            raise self.error("'steps' from 0 to 2**53", steps)
        return {
            "name": legible(self.text(data, "name")),
            "parameters": parameters,
            "expression": expression,
            "learning_rate": float(rate),
            "fitness": float(fitness),
            "status": self.one_of(Status, data, "status"),
            "steps": steps,
        }

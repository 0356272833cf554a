"""Trainings as rows of a study: what was asked for, and what came of it."""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Iterable
from typing import Any

from glo_tf.execution.study_tables import EVALUATIONS, DamageError, read_column
from glo_tf.expressions import operations
from glo_tf.expressions.prefix import Node, arity
from glo_tf.identity import fingerprint
from glo_tf.identity.code_identity import code_of
from glo_tf.training.trial import (
    Evaluation,
    Request,
    Status,
    measured_as_json,
    measured_from_json,
    values_from_json,
)


def key_of(task: str, request: Request, *, stopped: bool) -> str:
    """By which a training is found.

    Args:
        task: Hash of what every training has in common.
        request: What was asked for.
        stopped: Whether it was ended early, at chance.
    """
    steps = (request.train_steps, stopped, request.checkpoints)
    codes = _codes_of_nodes(request.loss.nodes)
    what = (request.candidate.key, request.seed, *steps, *codes)
    return fingerprint.of_bytes([task.encode(), repr(what).encode()])


def row_of(
    request: Request, evaluation: Evaluation, worker: str, tries: int, reason: str
) -> tuple[Any, ...]:
    """The columns of a training that has ended, after its number, its key and whether it trained.

    Args:
        request: What was asked for.
        evaluation: What came of it.
        worker: Who did it.
        tries: How often it was tried.
        reason: Why it failed, if it did.
    """
    origin = evaluation.inherited_from
    return (
        *_asked(request),
        _real(evaluation.fitness),
        str(evaluation.status),  # a checksum is of its repr
        int(evaluation.steps),
        _real(evaluation.seconds),
        _plain(worker),
        int(tries),
        _plain(reason),
        None if origin is None else str(origin),
        datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        json.dumps(request.checkpoints),
        measured_as_json(evaluation.measured),
        json.dumps(dict(evaluation.values), allow_nan=False),
    )


def _codes_of_nodes(nodes: Iterable[Node]) -> list[str]:
    """Of the rules of nodes that are not this package's, which have nothing but a name else."""
    named = sorted({node for node in nodes if isinstance(node, str) and arity(node)})
    return [code for name in named if (code := _code_of_rules(operations.get(name))) is not None]


@functools.cache
def _code_of_rules(operation: operations.Operation) -> str | None:
    return code_of((operation.value, operation.slope))


def _asked(request: Request) -> tuple[Any, ...]:
    """The columns that say what was asked for."""
    return (
        str(request.loss),
        json.dumps(request.loss.coefficients),
        json.dumps(request.candidate.hyperparameters.own),
        int(request.seed),
        None if request.train_steps is None else int(request.train_steps),
    )


def evaluation_of(request: Request, row: tuple[Any, ...]) -> Evaluation:
    """What a row says that a request gave.

    Raises:
        DamageError: If the row is another request's.
    """
    number, _, _, *asked = row[:8]
    fitness, status, steps, seconds = row[8:12]
    if tuple(asked) != _asked(request) or row[17] != json.dumps(request.checkpoints):
        raise DamageError(f"row {number} of the table {EVALUATIONS} is of another training")
    return Evaluation(
        request.candidate,
        request.seed,
        fitness,
        Status(status),
        steps,
        seconds,
        measured=read_column("measured", measured_from_json, row[18]),
        values=read_column("values", values_from_json, row[19]),
    )


def _real(number: float) -> float:
    """A float as SQLite gives it back, which knows no negative zero."""
    return float(number) + 0.0


def _plain(text: str) -> str:
    """Text that SQLite takes."""
    return text.encode("utf-8", "backslashreplace").decode()

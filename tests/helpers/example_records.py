"""Candidates of a search that was never made."""

from __future__ import annotations

from typing import Any

from glo_tf.expressions.tree import Expression
from glo_tf.results.record import Phase, Record, Source
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Status


def record(text: str, fitness: float, **fields: Any) -> Record:
    """A candidate that was trained to its end, if nothing else is given."""
    given = {
        "phase": Phase.DISCOVERY,
        "generation": 1,
        "individual": 1,
        "candidate": Candidate(Expression.parse(text)),
        "fitness": fitness,
        "status": Status.OK,
        "source": Source.TRAINED,
        "steps": 1,
    }
    return Record(**{**given, **fields})


RECORDS = [
    record("-(x*log(y))", 0.9),
    record("-(log(y) - x/y)", 0.8),
    record("-(x*y)", 0.0, status=Status.FAILED, source=Source.FAILED),
    record("-(x*square(y))", 0.95, phase=Phase.COEFFICIENTS),
]

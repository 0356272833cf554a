"""The settings of what runs trainings: where, from which seed, and what becomes of failures."""

from __future__ import annotations

import dataclasses
import os
from typing import TypedDict

from glo_tf.errors import InvalidArgumentError
from glo_tf.strategies.base import Strategy
from glo_tf.utils.checks import check_at_least, check_named_or, check_types


@dataclasses.dataclass(frozen=True, kw_only=True)
class FailurePolicy:
    """What becomes of trainings whose worker is lost, or that run out of memory or time.

    Attributes:
        candidate_timeout: Seconds that one training may take; None for no limit.
        candidate_retries: How often a training is tried again, on another worker where there is
            one, after its worker died or it ran out of memory or time. Then it is recorded as
            failed, with fitness 0.
        max_consecutive_failures: How many trainings in a row may fail before the run ends.

    Raises:
        ValueError: If a value is out of range or of another type.
    """

    candidate_timeout: float | None = None
    candidate_retries: int = 1
    max_consecutive_failures: int = 10

    def __post_init__(self) -> None:
        check_types(self)
        if self.candidate_timeout is not None and not self.candidate_timeout > 0:
            raise InvalidArgumentError(
                "Expected a positive candidate_timeout, in seconds. "
                f"Received: candidate_timeout={self.candidate_timeout}"
            )
        check_at_least(0, candidate_retries=self.candidate_retries)
        check_at_least(1, max_consecutive_failures=self.max_consecutive_failures)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Where a run trains and writes, and where its seeds begin.

    Attributes:
        seed: Non-negative; everything that is random follows from it.
        strategy: Where candidates are trained: name of a registered strategy (`"local"`,
            `"devices"`, `"ray"`), with its default options, or a `glo_tf.strategies.Strategy`, such
            as that which the registered function returns with others. `"auto"` is `"devices"` where
            there are several GPUs, else `"local"`. What is found does not depend on it.
        output_dir: Folder for the results; nothing is written if None. What is in a study there, of
            the same settings, is not trained again: a run that was interrupted is resumed.
        overwrite: Whether earlier results in `output_dir` may be removed instead.

    Raises:
        ValueError: If a value is out of range or of another type.
    """

    seed: int = 0
    strategy: str | Strategy = "auto"
    output_dir: str | os.PathLike[str] | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(0, seed=self.seed)
        check_named_or(Strategy, "strategy", strategy=self.strategy)


class RunKeywords(TypedDict, total=False):
    """Fields of `RunConfig` and `FailurePolicy` as keyword arguments."""

    seed: int
    strategy: str | Strategy
    output_dir: str | os.PathLike[str] | None
    overwrite: bool
    candidate_timeout: float | None
    candidate_retries: int
    max_consecutive_failures: int

"""The tasks: what is trained on, and what counts."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Callable, Sequence

from benchmarks.suite import known, measures
from benchmarks.suite.draws import NO_DAMAGE, SIZES, Damage, Sizes
from benchmarks.suite.known import Rival
from benchmarks.suite.measures import Measure

ACCURACY = Measure("accuracy", measures.accuracy)
BALANCED = Measure("balanced accuracy", measures.balanced_accuracy)
MACRO_F1 = Measure("macro F1", measures.macro_f1)
F2 = Measure("F2", measures.f_beta(2.0))
AUC = Measure("AUC", measures.auc)
NLL = Measure("NLL", measures.nll, largest=False, points=False)


@dataclasses.dataclass(frozen=True)
class Task:
    """One table of the page.

    Attributes:
        name: Group, damage, data set, and metric if the group has several.
        data_set: Name of one.
        measure: What losses are chosen and compared by.
        damage: Of the training data.
        rivals: The known losses.
        decide: What is done with the scores of all losses, if anything.
        sizes: The most samples of each part.
        space: Of searches: `"glo"`, `"glo_long_tail"`, in which losses see how frequent a class is
            among the training labels, or `"glo_extended"`.
    """

    name: str
    data_set: str
    measure: Measure
    damage: Damage = NO_DAMAGE
    rivals: tuple[Rival, ...] = known.OF_CLASSES
    decide: Callable[..., measures.Decision] | None = None
    sizes: Sizes = SIZES
    space: str = "glo"

    @property
    def group(self) -> str:
        """The heading it stands under."""
        return self.name.split("/")[0]


_NOISY = (
    *("digits", "letter", "satimage", "penbased", "texture", "segment", "vehicle", "vowel"),
    "mnist",
)
_SEARCHED = ("letter", "satimage", "digits")
_LONG_TAILS = {BALANCED.name: (*_SEARCHED, "penbased", "texture"), MACRO_F1.name: _SEARCHED}


def _all() -> list[Task]:
    tasks = [
        Task(
            f"noise/{kind}/{data_set}",
            data_set,
            ACCURACY,
            damage,
            known.OF_CLASSES + known.OF_WRONG_LABELS,
        )
        for data_set in _NOISY
        for kind, damage in (
            ("symmetric 40 %", Damage(symmetric=0.4)),
            ("symmetric 60 %", Damage(symmetric=0.6)),
            ("asymmetric 40 %", Damage(asymmetric=0.4)),
        )
    ]
    rare = known.OF_CLASSES + known.OF_RARE_CLASSES
    for measure in (BALANCED, MACRO_F1):
        tasks += [
            Task(
                f"tail/ratio {ratio}/{data_set}/{measure.name}",
                data_set,
                measure,
                damage,
                rare,
                space="glo_long_tail",
            )
            for data_set in _LONG_TAILS[measure.name]
            for ratio, damage in ((20, Damage(tail=20.0)), (100, Damage(tail=100.0)))
        ]
        tasks += [
            Task(
                f"tail/natural/{data_set}/{measure.name}",
                data_set,
                measure,
                rivals=rare,
                space="glo_long_tail",
            )
            for data_set in ("yeast", "page-blocks")
        ]
    binary = (*rare, known.THRESHOLDED)
    for measure in (F2, AUC):
        tasks += [
            Task(
                f"metric/{measure.name}/{data_set}",
                data_set,
                measure,
                rivals=binary,
                space="glo_long_tail",
            )
            for data_set in ("page-blocks0", "yeast4", "abalone19")
        ]
    costs = {"german": (5.0, 1.0), "magic": (1.0, 5.0)}
    tasks += [
        Task(
            f"metric/cost {missed:g}:{alarm:g}/{data_set}",
            data_set,
            Measure(
                f"mean cost {missed:g} to {alarm:g}",
                measures.cost(missed, alarm),
                largest=False,
                points=False,
            ),
            rivals=binary,
            space="glo_long_tail",
        )
        for data_set, (missed, alarm) in costs.items()
    ]
    tasks += [
        Task(f"metric/calibration/{data_set}", data_set, NLL, decide=measures.tempered)
        for data_set in ("letter", "satimage")
    ]
    for data_set in ("casp", "communities"):
        for name, of in (
            ("quantile 0.9", measures.pinball(0.9)),
            ("asymmetric cost", measures.asymmetric_cost(4.0)),
        ):
            measure = Measure(name, of, largest=False, points=False)
            tasks.append(
                Task(
                    f"metric/{name}/{data_set}",
                    data_set,
                    measure,
                    rivals=known.OF_NUMBERS,
                    space="glo_extended",
                )
            )
    tasks += [
        Task(f"few/{samples}/{data_set}", data_set, ACCURACY, Damage(samples=samples))
        for data_set in ("digits", "mnist")
        for samples in (50, 550)
    ]
    tasks += [
        Task(f"clean/{data_set}", data_set, ACCURACY)
        for data_set in ("digits", "letter", "satimage", "penbased", "texture", "mnist")
    ]
    return tasks


TASKS: dict[str, Task] = {task.name: task for task in _all()}
"""By name, in the order in which they are run. A new one is a line above."""


def chosen(patterns: Sequence[str]) -> list[Task]:
    """The tasks whose names begin like one of the patterns, which may have `*`.

    Raises:
        ValueError: If a pattern fits none.
    """
    found: dict[str, Task] = {}
    for pattern in patterns:
        names = fnmatch.filter(TASKS, f"{pattern}*")
        if not names:
            raise ValueError(
                f"Expected the beginning of a task's name, such as noise or tail/natural. "
                f"Received: tasks={pattern}"
            )
        found |= {name: TASKS[name] for name in names}
    return list(found.values())


MEASURES: dict[str, Measure] = {task.measure.name: task.measure for task in TASKS.values()}
"""By name."""

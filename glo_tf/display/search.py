"""What a search shows: its plan, a line for each generation, and at its end an answer."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Mapping

from rich.console import Console

from glo_tf.display.bar import ProgressBar, new_console, print_prose, print_text
from glo_tf.display.callbacks import Callback, Generation
from glo_tf.display.comparison import show_comparison
from glo_tf.display.plan import Expected, Plan
from glo_tf.display.verbosity import Verbosity
from glo_tf.expressions.tree import Expression
from glo_tf.results.bar import Bar, shown_lead
from glo_tf.results.record import Record, Source, Stage
from glo_tf.results.search_result import SearchResult
from glo_tf.results.summary import TO_COPY, answer, brief, hall_of_fame, shortened
from glo_tf.screening.simplification import simplified
from glo_tf.training.trial import Evaluation, Status

logger = logging.getLogger("glo_tf")

_MEASURED = 3  # trainings that say how long one takes, after those that compile
_PLACE, _NUMBER = 18, 7  # columns of a generation and of a lead
_SHORTEST = 12  # columns of a loss


class ProgressDisplay(Callback):
    """Shows what is planned, each generation, and what was found.

    Args:
        console: Where to; standard output if None.
        verbosity: How much.
        names: What is known by a name, by the word before it in the plan, such as
            `{"data": "digits"}`.
    """

    def __init__(
        self,
        console: Console | None = None,
        verbosity: Verbosity = Verbosity.BAR,
        names: Mapping[str, str] | None = None,
    ):
        self._console = console or new_console()
        self._bar = ProgressBar(self._console, shown=verbosity is Verbosity.BAR)
        self._names = names or {}
        self._expected: Expected | None = None
        self._plan: Plan | None = None
        self._to_beat = False
        self._seconds: list[float] = []  # of a full training, by each of the first ones
        self._began = self._done_then = 0.0
        self._what = "starting"
        self._simplified: dict[Expression, Expression] = {}

    def on_understood(self, summary: str) -> None:
        """Prints it."""
        self._bar.print(summary)

    def on_plan(self, plan: Plan) -> None:
        """Prints it."""
        self._plan, self._expected = plan, Expected(plan)
        for line in plan.lines(self._console.width, self._names):
            self._bar.print(line)

    def on_search_begin(self, planned: int) -> None:
        """Starts the display."""
        self._bar.start()
        self._update("starting")

    def on_references(self, bar: Bar) -> None:
        """Prints what is to beat."""
        self._to_beat = bar.best is not None
        for line in bar.lines():
            self._bar.print_prose(line)

    def on_training(self, evaluation: Evaluation) -> None:
        """Advances by what was trained, and says once how long a training takes."""
        if self._expected is None or self._plan is None:
            return
        self._expected.train(evaluation.steps)
        self._update()
        if evaluation.status != Status.OK or not evaluation.steps:
            return
        self._seconds.append(evaluation.seconds / evaluation.steps * self._plan.train_steps)
        compiling = self._plan.lanes
        if len(self._seconds) == compiling:
            self._began, self._done_then = time.monotonic(), self._expected.done
        elif len(self._seconds) == compiling + _MEASURED:
            passed = time.monotonic() - self._began
            most = passed / (self._expected.done - self._done_then) * self._plan.most_trainings
            self._bar.print(
                f"{'time':<11}{_time(statistics.median(self._seconds[compiling:]))} a training, "
                f"at most {_time(most)} in all"
            )

    def on_evaluation(self, record: Record) -> None:
        """Counts a candidate."""
        if self._expected is not None:
            self._expected.evaluate(record.steps)
        self._update(f"{record.phase} {record.generation}")

    def on_generation(self, generation: Generation) -> None:
        """Prints the generation's line, and logs all that there is to say."""
        best, counts = generation.best_so_far, generation.counts
        logger.info(
            f"{generation.phase} {generation.number}/{generation.total}  "
            f"best {best.fitness if best else 0.0:.4f}  {_lead(generation)}"
            f"mean {generation.mean_fitness:.4f}  "
            + "  ".join(f"{source} {counts[source]}" for source in Source if source in counts)
            + (f"  {best.loss}" if best else "")
        )
        if self._expected is not None:
            if not self._expected.began_generations:
                lead = "; lead: over the loss to beat" if self._to_beat else ""
                self._bar.print(f"best: fitness so far{lead}")
                self._bar.print(self._line("generation", "best", "lead", "loss"))
            self._expected.end_generation(generation.number, generation.total)
        place = f"{generation.phase} {generation.number}/{generation.total}"
        lead = "" if generation.lead is None else f"{generation.lead:+.4f}"
        if best is None:
            self._bar.print(self._line(place, "-", lead, "none has trained yet"))
        else:
            room = self._console.width - len(self._line(place, "0.0000", lead, ""))
            loss = brief(self._simplest(best.loss), max(room, _SHORTEST))
            self._bar.print(self._line(place, f"{best.fitness:.4f}", lead, loss))

    def _simplest(self, loss: Expression) -> Expression:
        """In its simplest form, which is looked for once."""
        if self._plan is None or self._plan.outputs is None:
            return loss
        if loss not in self._simplified:
            self._simplified = {loss: simplified(loss, self._plan.outputs)}
        return self._simplified[loss]

    def _line(self, place: str, best: str, lead: str, loss: str) -> str:
        leads = f"{lead:<{_NUMBER}}  " if self._to_beat else ""
        return f"{place:<{_PLACE}}  {best:<6}  {leads}{loss}"

    def on_early_end(self, reason: str) -> None:
        """Prints it."""
        self._bar.print(f"{reason}.")

    def on_retraining(self, stage: Stage, evaluation: Evaluation) -> None:
        """Counts a training."""
        if self._expected is not None:
            if stage in (Stage.REFERENCES, Stage.TUNING) and not self._expected.began_generations:
                self._expected.tune()
            else:
                self._expected.retrain()
        self._update(stage)

    def on_search_end(self, result: SearchResult) -> None:
        """Stops the display and prints the result."""
        self._bar.stop()
        show_result(result, self._console)

    def _update(self, what: str | None = None) -> None:
        self._what = self._what if what is None else what
        if self._expected is not None:
            self._bar.update(self._what, self._expected.done, self._expected.total)


def show_result(result: SearchResult, console: Console) -> None:
    """Prints the comparison, and last the answer: what was found, and whether it is better."""
    if result.comparison:
        console.print()
        show_comparison(result.comparison, console)
    for line in hall_of_fame(result):
        print_text(shortened(line, console.width), console)
    console.print()
    for line in answer(result):
        (print_text if line.startswith(TO_COPY) else print_prose)(line, console)


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.2g} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def _lead(generation: Generation) -> str:
    if generation.bar is None or generation.bar.best is None:
        return ""
    return f"lead {shown_lead(generation.lead, generation.bar.noise)}  "

"""What a search shows while it runs: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging

from rich.console import Console

from glo_tf.display.bar import progress_bar
from glo_tf.display.callbacks import Callback, Generation
from glo_tf.display.comparison import show_comparison
from glo_tf.results.bar import Bar, shown_lead
from glo_tf.results.found_loss import FoundLoss
from glo_tf.results.record import Record, Source, Stage
from glo_tf.results.search_result import SearchResult
from glo_tf.training.trial import Evaluation
from glo_tf.utils.statistics import shown_value

logger = logging.getLogger("glo_tf")


class ProgressDisplay(Callback):
    """Shows generation, best and mean fitness, counts and time left.

    Args:
        console: Where to; standard output if None. On a console that is no terminal there is one
            line per generation.
    """

    def __init__(self, console: Console | None = None):
        self._console = console or Console()
        self._progress = progress_bar(self._console)
        self._task = self._progress.add_task("starting", total=None)

    def on_understood(self, summary: str) -> None:
        """Prints it."""
        self._console.print(summary, highlight=False, soft_wrap=True, markup=False)

    def on_search_begin(self, planned: int) -> None:
        """Starts the display."""
        self._progress.update(self._task, total=planned)
        self._progress.start()

    def on_references(self, bar: Bar) -> None:
        """Prints what is to beat."""
        for line in bar.lines():
            _print(line, self._progress.console)

    def on_evaluation(self, record: Record) -> None:
        """Advances by one candidate."""
        description = f"{record.phase} {record.generation}"
        self._progress.update(self._task, advance=1, description=description)

    def on_generation(self, generation: Generation) -> None:
        """Prints and logs the generation's line."""
        best, counts = generation.best_so_far, generation.counts
        line = (
            f"{generation.phase} {generation.number}/{generation.total}  "
            f"best {best.fitness if best else 0.0:.4f}  {_lead(generation)}"
            f"mean {generation.mean_fitness:.4f}  "
            + "  ".join(f"{source} {counts[source]}" for source in Source if source in counts)
            + (f"  {best.loss}" if best else "")
        )
        logger.info(line)
        self._progress.console.print(line, highlight=False, soft_wrap=True, markup=False)

    def on_early_end(self, reason: str) -> None:
        """Prints it."""
        _print(f"{reason}.", self._progress.console)

    def on_retraining(self, stage: Stage, evaluation: Evaluation) -> None:
        """Advances by one training."""
        self._progress.update(self._task, advance=1, description=stage)

    def on_search_end(self, result: SearchResult) -> None:
        """Stops the display and prints the result."""
        self._progress.stop()
        show_result(result, self._console)


def show_result(result: SearchResult, console: Console) -> None:
    """Prints the best loss and its comparison with the usual one."""
    if result.interrupted:
        console.print("Ended before its time; this is what was found so far.")
    if result.stopped:
        console.print("Stopped by a callback.")
    if result.best is None:
        console.print("No candidate was trained to the end.")
        return
    shown = result.best.loss if result.found is None else result.found.loss
    _print(
        f"\nBest loss: {shown}\n"
        f"Validation {result.objective.name} in the search: "
        f"{shown_value(result.best_value)}" + (_confirmed(result) if result.confirmation else ""),
        console,
    )
    if result.found is not None:
        _print(_rate_of(result.found), console)
    if result.comparison:
        show_comparison(result.comparison, console)


def _print(text: str, console: Console) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)


def _lead(generation: Generation) -> str:
    if generation.bar is None or generation.bar.best is None:
        return ""
    return f"lead {shown_lead(generation.lead, generation.bar.noise)}  "


def _rate_of(found: FoundLoss) -> str:
    """The learning rate that goes with the loss, and what is to be said of its scale."""
    line = f"Learning rate: {found.learning_rate:.6g}"
    if found.scale is None:
        return line
    if found.remark:
        return f"{line}; the loss is as the search trained it: {found.remark}"
    return f"{line}, with the scale of the usual loss, whose place it can take"


def _confirmed(result: SearchResult) -> str:
    first = result.confirmation[0]
    return (
        f"; with {len(first.seeds)} other seed(s): {first.shown} "
        f"({'95% CI; ' if first.interval else ''}best of {len(result.confirmation)} finalists)"
    )

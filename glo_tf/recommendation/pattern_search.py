"""A search for the best setting of a loss, one trial after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

Point: TypeAlias = tuple[int, ...]
"""Place on the ladder of learning rates, 0 where the loss is expected to train best, then of each
parameter."""

RUNGS_PER_DECADE = 6
_STRIDES = (4, 2, 1)  # rungs to the next rate that is tried: factors 4.6, 2.2 and 1.5


class PatternSearch:
    """Looks around the best setting so far, wide at first, then closer (Hooke and Jeeves, 1961).

    Three rates come first, with the first values of the parameters. Then come neighbours of the
    best setting: the next rates, as long as the best is the smallest or the largest, and the next
    values of each parameter. When all of them are known, the next rates are nearer ones. So it
    never has tried everything, and any number of trials is put to use.

    Args:
        starts: Place of the first value of each parameter.
        sizes: Number of its values.
    """

    def __init__(self, starts: tuple[int, ...], sizes: tuple[int, ...]):
        self._starts, self._sizes = starts, sizes
        self._known: dict[Point, tuple[bool, float]] = {}
        self._stride = 0  # place in `_STRIDES`
        self._centre: Point | None = None  # all of its neighbours are tried before those of others

    def ask(self) -> Point:
        """The setting to be tried next, which has not been tried before."""
        wide = _STRIDES[0]
        for rung in (0, -wide, wide):
            if (first := (rung, *self._starts)) not in self._known:
                return first
        self._centre = self._centre or self._ranked[0]
        while (new := self._new_neighbour(self._centre)) is None:
            best, *others = self._ranked
            if self._centre != best and not self._is_done(best):
                self._centre = best
            elif self._stride < len(_STRIDES) - 1:
                self._stride += 1
                self._centre = best
            else:  # rates have no end, so that one of them has a new neighbour
                self._centre = next(each for each in (best, *others) if not self._is_done(each))
        return new

    def tell(self, point: Point, fitness: float, *, failed: bool = False) -> None:
        """What a setting gave.

        Args:
            point: As it was asked for.
            fitness: The larger, the better.
            failed: Whether it counts less than all that did not.
        """
        self._known[point] = failed, -fitness

    @property
    def bracketed(self) -> bool:
        """Whether rates below and above the best one were tried."""
        if not self._known:
            return False
        rungs = [rung for rung, *_ in self._known]
        return min(rungs) < self._ranked[0][0] < max(rungs)

    @property
    def _ranked(self) -> list[Point]:
        """All settings, the best first; of equals the one with the smallest rate."""
        known: Mapping[Point, tuple[bool, float]] = self._known
        return sorted(known, key=lambda point: (known[point], point))

    def _is_done(self, point: Point) -> bool:
        return self._new_neighbour(point) is None

    def _new_neighbour(self, point: Point) -> Point | None:
        return next((each for each in self._neighbours(point) if each not in self._known), None)

    def _neighbours(self, point: Point) -> Iterator[Point]:
        rung, *places = point
        stride = _STRIDES[self._stride]
        yield (rung - stride, *places)
        yield (rung + stride, *places)
        for axis, place in enumerate(places):
            for other in (place - 1, place + 1):
                if 0 <= other < self._sizes[axis]:
                    yield (rung, *places[:axis], other, *places[axis + 1 :])

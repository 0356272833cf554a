"""The options of strategy `ray`, which need no Ray to be known."""

from __future__ import annotations

import dataclasses

from glo_tf.utils.checks import check_at_least, check_not_negative, check_types


@dataclasses.dataclass(frozen=True, kw_only=True)
class RayOptions:
    """Which cluster, and what a worker takes of it.

    Attributes:
        address: Of a running cluster, such as `"10.0.0.1:6379"` or `"auto"`; None starts one on
            this machine, reachable from it alone.
        num_workers: Actors; None for as many as the cluster has room for now. More than that wait
            for room, which an autoscaling cluster makes.
        num_cpus: CPUs per actor; None for as many as a training has threads.
        num_gpus: GPUs per actor; None for one if the cluster has any, else 0.

    Raises:
        ValueError: If a value is out of range or of another type.
    """

    address: str | None = None
    num_workers: int | None = None
    num_cpus: float | None = None
    num_gpus: float | None = None

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(1, num_workers=self.num_workers)
        check_not_negative(num_cpus=self.num_cpus, num_gpus=self.num_gpus)


@dataclasses.dataclass(frozen=True)
class RayArguments(RayOptions):
    """The same, of which the address may be given by its place."""

    address: str | None = None

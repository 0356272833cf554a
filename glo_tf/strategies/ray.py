"""Trainings on a Ray cluster: one actor per worker, wherever the cluster has room.

Every node needs what the driver has installed: glo_tf, its dependencies in the same versions, and
the plugins that a search names. What is sent are data, settings and the names of functions, never
their code; a model function that cannot be imported by name is refused.
"""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import logging
import os
import pickle
import platform
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from glo_tf.errors import InvalidArgumentError
from glo_tf.strategies.base import (
    Failure,
    FailureKind,
    Result,
    Strategy,
    Task,
    TrainingError,
)
from glo_tf.strategies.environment import environment
from glo_tf.strategies.lanes import LaneThread, names_of_lanes
from glo_tf.strategies.ray_options import RayArguments, RayOptions
from glo_tf.strategies.worker import (
    Deadline,
    failure_of,
    given_up_at,
    patience,
    run,
    timed_out,
)
from glo_tf.training.trial import Request, SideBySideTrainer, Trainer
from glo_tf.utils.importing import quick_imports
from glo_tf.utils.keywords import documented, made_of, takes

_PATIENCE = 30.0  # seconds without any worker, before the log says so
# Ray takes the loopback address as the node's where it may not form a cluster of machines, its
# default on other systems than Linux. It reads this when it is imported.
ONE_MACHINE = ("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
_STARTS = 5  # of a worker that dies before it is ready

logger = logging.getLogger("glo_tf")


@documented(RayOptions)
class RayStrategy(Strategy):
    """Workers are actors of a Ray cluster, or lanes of such; a lost one is replaced.

    The task travels once to each node, through Ray's object store. If no Ray cluster is connected
    to yet, this connects to one, or starts one on this machine that listens on the loopback
    interface only; both end with `close`.

    Raises:
        ValueError: If Ray is not installed, or nothing listens at the address.
    """

    @made_of(RayArguments)
    def __init__(self, options: RayOptions):
        if options.address is None:
            os.environ.setdefault(*ONE_MACHINE)
        try:
            import ray
        except ImportError as error:
            raise InvalidArgumentError(
                "Expected Ray to be installed for strategy 'ray' "
                f"(python -m pip install 'glo_tf[ray]'). Received: {error}"
            ) from error
        if options.address not in (None, "auto"):
            _check_reachable(str(options.address))
        self._ray = ray
        self._options = options
        self._connected_here = False
        self._slots: dict[str, _Slot] = {}
        self._by_reference: dict[Any, _Slot] = {}
        self._slot_of: dict[str, _Slot] = {}  # by worker
        self._make_actor: Any = None
        self._timeout: float | None = None

    @property
    def trains_side_by_side(self) -> bool:
        """In the lanes of each actor."""
        return True

    def start(self, task: Task, candidate_timeout: float | None = None) -> None:
        """Connects, ships the task and asks for the actors.

        Raises:
            ValueError: If the cluster cannot be reached, or the task needs code that other
                processes cannot import.
        """
        _check_importable(task)
        self._timeout = candidate_timeout
        if not self._ray.is_initialized():
            self._connect()
            self._connected_here = True
        resources = self._ray.cluster_resources()
        gpus, cpus = self._options.num_gpus, self._options.num_cpus
        if gpus is None:
            gpus = 1.0 if resources.get("GPU") else 0.0
        if cpus is None:
            cpus = min(task.threads, max(1.0, resources.get("CPU", 1.0)))
        reference = [self._ray.put(task)]  # in a list: the actor fetches it when it is ready to
        # In lanes, one call brings requests while another waits for results.
        calls = {"max_concurrency": 2} if task.lanes > 1 else {}
        actor = self._ray.remote(_Worker).options(num_cpus=cpus, num_gpus=gpus, **calls)
        # An actor's process begins without Keras, and is to import it as it was here.
        told = environment()
        self._make_actor = lambda: actor.remote(reference, told)
        count = self._options.num_workers or _room(resources, cpus, gpus)
        for number in range(count):
            slot = _Slot(f"ray-{number}", task.lanes)
            self._slot_of.update(dict.fromkeys(slot.lanes, slot))
            self._start_actor(slot)

    def idle(self) -> Sequence[str]:
        """Actors that are ready and have no request, or their lanes without one."""
        return [
            lane
            for slot in self._slots.values()
            if slot.ready
            for lane in slot.lanes
            if lane not in slot.held
        ]

    def workers(self) -> Sequence[str]:
        """Actors that are ready, or their lanes; one that waits for room is not."""
        return [lane for slot in self._slots.values() if slot.ready for lane in slot.lanes]

    def submit(self, request: Request, worker: str) -> None:
        """Calls the actor; requests for lanes wait for `wait`, and travel together."""
        slot = self._slot_of[worker]
        slot.held[worker] = request
        if len(slot.lanes) > 1:
            slot.arriving.append((request, worker))
            return
        slot.end = given_up_at(self._timeout)
        self._expect(slot, slot.actor.evaluate.remote(request, worker, self._timeout))

    def wait(self) -> list[Result]:
        """Waits for an actor's answer, or for its death, or for one to be past all patience."""
        while True:
            for slot in self._slots.values():
                self._send(slot)
            references = list(self._by_reference)
            done, _ = self._ray.wait(references, timeout=self._patience())
            if done:
                done, _ = self._ray.wait(references, num_returns=len(references), timeout=0)
            results = [result for reference in done for result in self._answer(reference)]
            late = self._give_up_hanging()
            if done or late:
                return [*results, *late]
            if not self.workers():
                logger.warning("No worker: waiting for room on the Ray cluster")

    def close(self) -> None:
        """Ends the actors, and the connection to the cluster if it was made here."""
        slots, self._slots, self._slot_of, self._by_reference = self._slots, {}, {}, {}
        if not self._ray.is_initialized():
            return
        for slot in slots.values():
            self._ray.kill(slot.actor)
        if self._connected_here:
            self._ray.shutdown()
            self._connected_here = False

    def _connect(self) -> None:
        local = self._options.address is None
        with _own_sigterm():
            try:
                self._ray.init(
                    address="local" if local else self._options.address,
                    include_dashboard=False if local else None,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
            except (ConnectionError, RuntimeError, ValueError, self._ray.exceptions.RayError) as e:
                raise InvalidArgumentError(
                    "Expected a Ray cluster that can be connected to, with RAY_AUTH_MODE=token if "
                    f"it has token authentication. Received: ray_address='{self._options.address}' "
                    f"({' '.join(str(e).split())})"
                ) from e
        if local and not ipaddress.ip_address(self._ray.util.get_node_ip_address()).is_loopback:
            logger.warning(
                "Ray was imported before, and listens on all of this machine's addresses"
            )

    def _start_actor(self, slot: _Slot) -> None:
        slot.actor, slot.ready, slot.end, slot.waits = self._make_actor(), False, None, False
        slot.held, slot.arriving = {}, []
        self._slots[slot.name] = slot
        self._expect(slot, slot.actor.prepare.remote(slot.lanes))

    def _replace(self, slot: _Slot) -> None:
        self._ray.kill(slot.actor)
        self._start_actor(slot)

    def _send(self, slot: _Slot) -> None:
        """Takes requests for lanes to their actor, and waits there for results."""
        if slot.arriving:
            slot.actor.submit.remote(slot.arriving)
            slot.arriving = []
        if len(slot.lanes) > 1 and slot.held and not slot.waits:
            slot.waits = True
            self._expect(slot, slot.actor.wait.remote())

    def _expect(self, slot: _Slot, reference: Any) -> None:
        self._by_reference[reference] = slot

    def _answer(self, reference: Any) -> list[Result]:
        """The results behind a finished call; none if it only made an actor ready."""
        slot = self._by_reference.pop(reference)
        try:
            where, found = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            failure = _failure_of(error, self._ray.exceptions)
            logger.warning("%s is lost: %s", slot.name, failure.message)
            slot.deaths += not slot.held
            if slot.deaths == _STARTS:
                raise TrainingError(
                    f"Expected workers to start. Received, {_STARTS} times: {failure.message}"
                ) from error
            lost = [Result(one, lane, slot.where, failure) for lane, one in slot.held.items()]
            self._replace(slot)
            return lost
        slot.where, slot.end, slot.waits = where, None, False
        if not slot.ready:
            if found is not None:
                logger.error("%s", found.traceback or found.message)
                raise TrainingError(f"Expected {where} to be ready. Received: {found.message}")
            slot.ready, slot.deaths = True, 0
            return []
        results: list[Result] = found
        for result in results:
            del slot.held[result.worker]
        return results

    def _patience(self) -> float:
        return patience((slot.end for slot in self._slots.values()), _PATIENCE)

    def _give_up_hanging(self) -> list[Result]:
        results = []
        for reference, slot in list(self._by_reference.items()):
            if slot.end is not None and time.monotonic() > slot.end:
                logger.warning("The training on %s hangs; the worker is replaced", slot.name)
                results += [
                    timed_out(request, lane, slot.where, self._timeout)
                    for lane, request in slot.held.items()
                ]
                del self._by_reference[reference]
                self._replace(slot)
        return results


class _Slot:
    """One worker of the cluster, or several lanes; its actor changes when it dies."""

    def __init__(self, name: str, lanes: int):
        self.name = name
        self.lanes = names_of_lanes(lanes, name)
        self.actor: Any = None
        self.ready = False
        self.held: dict[str, Request] = {}  # by lane
        self.arriving: list[tuple[Request, str]] = []  # those that are not there yet
        self.waits = False  # whether results of lanes are waited for
        self.end: float | None = None
        self.where = ""
        self.deaths = 0  # since it was last ready


class _Worker:
    """The actor: a trainer in a process of its own. Errors leave it as data."""

    def __init__(self, task: list[Any], environment: dict[str, str]):
        self._reference = task
        os.environ.update(environment)
        self._trainer: Trainer | None = None
        self._lanes: LaneThread | None = None

    def prepare(self, lanes: list[str]) -> tuple[str, Failure | None]:
        """Fetches the task and makes the trainer; with several lanes, they are these."""
        import ray

        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        node = ray.get_runtime_context().get_node_id()[:8]
        self._where = f"{platform.node()} node {node} process {os.getpid()}"
        try:
            with quick_imports(freezes=True):
                task = ray.get(self._reference[0])
        except Exception as error:
            reason = str(error).partition("\n")[0]
            return self._where, Failure(
                FailureKind.ERROR, f"what the task is made of is missing here: {reason}"
            )
        try:
            task.prepare_process()
            self._trainer = task.make_trainer()
        except Exception as error:
            return self._where, failure_of(error)
        if len(lanes) > 1:
            assert isinstance(self._trainer, SideBySideTrainer)
            self._lanes = LaneThread(self._trainer, lanes, self._where)
        return self._where, None

    def evaluate(
        self, request: Request, worker: str, timeout: float | None
    ) -> tuple[str, list[Result]]:
        """Trains."""
        assert self._trainer is not None
        outcome = run(self._trainer, request, Deadline(timeout))
        return self._where, [Result(request, worker, self._where, outcome)]

    def submit(self, requests: list[tuple[Request, str]]) -> None:
        """Hands requests to lanes."""
        assert self._lanes is not None
        self._lanes.submit(requests)

    def wait(self) -> tuple[str, list[Result]]:
        """Results of lanes, when there are some."""
        assert self._lanes is not None
        return self._where, self._lanes.wait()


def _check_reachable(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=10.0).close()
    except (OSError, ValueError) as error:
        raise InvalidArgumentError(
            f"Expected 'auto' or the HOST:PORT of a running Ray cluster ({error}). "
            f"Received: ray_address='{address}'"
        ) from error


def _room(resources: dict[str, float], cpus: float, gpus: float) -> int:
    shares = [resources.get("CPU", 0.0) / cpus if cpus else 1.0]
    if gpus:
        shares.append(resources.get("GPU", 0.0) / gpus)
    return max(1, int(min(shares)))


def _failure_of(error: Exception, exceptions: Any) -> Failure:
    message = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    if isinstance(error, exceptions.OutOfMemoryError):
        return Failure(FailureKind.OUT_OF_MEMORY, message)
    if isinstance(error, exceptions.RayTaskError):  # the worker's own code
        return Failure(FailureKind.ERROR, message, str(error))
    return Failure(FailureKind.WORKER_LOST, message)


def _check_importable(task: Task) -> None:
    """Refuses a task that would have to be sent as code."""
    try:
        # Arrays are left out; they are data anyway.
        pickled = pickle.dumps(task, protocol=5, buffer_callback=lambda _: None)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        reason = str(error)
    else:
        if b"__main__" not in pickled:
            return
        reason = "a function or class of the script that was started"
    raise InvalidArgumentError(
        "Expected a model function that workers can import by its name, at the top level of an "
        f"installed module. Received: {reason}"
    )


@contextlib.contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keeps the SIGTERM handler, which Ray replaces when it connects."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


@takes(RayOptions)
def ray_cluster(options: RayOptions) -> RayStrategy:
    """Actors on a Ray cluster, on this machine or many."""
    return RayStrategy(**dataclasses.asdict(options))

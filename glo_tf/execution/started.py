"""Which trainings this process is at, in a file: when it crashes, their names are left behind.

The file changes no result. It says only which candidates the next process tries with care.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import pathlib
from collections.abc import Iterator

from glo_tf.execution.study_file import not_written
from glo_tf.identity import fingerprint
from glo_tf.training.trial import Request

_MOST_BYTES = 1_000_000  # that are read; a worker takes some 200


@dataclasses.dataclass(frozen=True)
class Suspect:
    """A training in whose midst a process died.

    Attributes:
        candidate: Its text.
        seed: Of the training.
        deaths: How many processes died.
        alone: Whether nothing else was trained in one of them.
    """

    candidate: str
    seed: int
    deaths: int = 0
    alone: bool = False

    @property
    def endangers(self) -> bool:
        """Whether no process that matters should train it; it may still be innocent."""
        return self.alone or self.deaths > 1

    def __str__(self) -> str:
        times = "once" if self.deaths == 1 else f"{self.deaths} times"
        return f"{self.candidate} (seed {self.seed}, {times})"


class StartedTrainings:
    """The trainings that run in this process, and those that earlier ones died of, perhaps.

    Args:
        path: Of the file; None for no file.

    Attributes:
        suspects: By the key of their request.

    Raises:
        OSError: If a file that is there cannot be read.
    """

    def __init__(self, path: pathlib.Path | None = None):
        self._path = path
        self._file: int | None = None
        self._running: dict[str, Suspect] = {}
        self.suspects: dict[str, Suspect] = {} if path is None else dict(_left_behind(path))

    def suspect(self, request: Request) -> Suspect | None:
        """What is known against a request."""
        return self.suspects.get(_key(request)) if self.suspects else None

    def begin(self, request: Request) -> None:
        """Notes that a training runs in this process.

        Raises:
            StudyError: If that cannot be written.
        """
        key = _key(request)
        self._running[key] = self.suspects.get(key) or Suspect(str(request.candidate), request.seed)
        self._write()

    def end(self, request: Request) -> None:
        """Notes that it does not any more, and this process lives.

        Raises:
            StudyError: If that cannot be written.
        """
        if not self._running and not self.suspects:
            return
        key = _key(request)
        known = self._running.pop(key, None) or self.suspects.get(key)
        self.suspects.pop(key, None)
        if known is not None:
            self._write()

    def accuse(self, request: Request, suspect: Suspect) -> None:
        """Notes what is known against a request.

        Raises:
            StudyError: If that cannot be written.
        """
        self.suspects[_key(request)] = suspect
        self._write()

    def close(self) -> None:
        """Gives up what runs; suspects that were not tried again are kept."""
        if self._running:
            self._running.clear()
            self._write()
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._path is not None and not self.suspects:
            self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        if self._path is None:
            return
        everything = {**self.suspects, **self._running}
        lines = (
            _line({**dataclasses.asdict(s), "key": key, "running": key in self._running})
            for key, s in everything.items()
        )
        data = b"".join(lines)
        # Nothing waits for the disk: what the system has been given survives this process.
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            if os.pwrite(self._file, data, 0) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.ftruncate(self._file, len(data))
        except OSError as error:
            raise not_written(self._path, error) from error


def _key(request: Request) -> str:
    what = (request.candidate.key, request.seed, request.train_steps, request.checkpoints)
    return fingerprint.of_bytes([repr(what).encode()])


def _line(values: dict[str, object]) -> bytes:
    text = json.dumps(values).encode()
    return fingerprint.of_bytes([text]).encode() + b" " + text + b"\n"


def _left_behind(path: pathlib.Path) -> Iterator[tuple[str, Suspect]]:
    """What an earlier process was at when it died; lines that are not as written are left out."""
    try:
        with path.open("rb") as file:
            lines = file.read(_MOST_BYTES).splitlines()
    except FileNotFoundError:
        return
    found = []
    for line in lines:
        checksum, _, text = line.partition(b" ")
        if checksum == fingerprint.of_bytes([text]).encode():
            found.append(json.loads(text))
    alone = sum(values["running"] for values in found) == 1
    for values in found:
        key, ran = values.pop("key"), values.pop("running")
        suspect = Suspect(**values)
        if ran:
            suspect = dataclasses.replace(
                suspect, deaths=suspect.deaths + 1, alone=suspect.alone or alone
            )
        yield key, suspect

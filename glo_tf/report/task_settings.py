"""What the study of a search says of its task, or of each of its tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_EACH = "task.tasks."
_OF_EACH = ".train_data"


class TaskSettings:
    """Settings of one task, or of several by their names.

    Args:
        settings: Of the study, by dotted name.
    """

    def __init__(self, settings: Mapping[str, Any]):
        self._settings = settings
        # A name may have dots of its own.
        self.names = [
            name.removeprefix(_EACH).removesuffix(_OF_EACH)
            for name in settings
            if name.startswith(_EACH) and name.endswith(_OF_EACH)
        ]

    def each(self, name: str) -> dict[str, Any]:
        """A setting of each task by its name, or of the one task under `""`.

        Args:
            name: Without `task.`.
        """
        keys = {each: f"{_EACH}{each}.{name}" for each in self.names} or {"": f"task.{name}"}
        return {each: self._settings[key] for each, key in keys.items() if key in self._settings}

    def shown(self, name: str, readable: Callable[[Any], str]) -> str | None:
        """A setting for readers, as `"mnist: 10 classes; letters: 26 classes"` where tasks differ.

        Args:
            name: Without `task.`.
            readable: From a value to text.

        Returns:
            None where it is not known of any task.
        """
        own = self._settings.get(f"task.{name}")
        if own is not None:
            return readable(own)
        given = {each: self._settings.get(f"{_EACH}{each}.{name}") for each in self.names}
        values = list(given.values())
        if values and values.count(values[0]) == len(values):
            return None if values[0] is None else readable(values[0])
        known = {each: value for each, value in given.items() if value is not None}
        return "; ".join(f"{each}: {readable(value)}" for each, value in known.items())

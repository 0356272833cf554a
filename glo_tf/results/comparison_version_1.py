"""Version 1 of `comparison.json`, in which parts of names said what fields say now."""

from __future__ import annotations

from typing import Any

_TUNED = ", tuned learning rate"
_VALIDATION = "val_"


def from_version_1(document: dict[str, Any]) -> dict[str, Any]:
    """What the version after it says of the same comparison.

    What is not as that version was written is left as it is, to be refused where it is checked.
    """
    baseline, tuned = _split(document.get("baseline"))
    return {
        **document,
        "baseline": baseline,
        "baseline_tuned": tuned,
        "losses": _each(document.get("losses"), lambda entry: _entry(entry, document)),
        "tests": _each(document.get("tests"), _test),
    }


def _each(items: Any, change: Any) -> Any:
    if not isinstance(items, list):
        return items
    return [change(item) if isinstance(item, dict) else item for item in items]


def _entry(entry: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    name, tuned = _split(entry.get("name"))
    metric, split, values = document.get("metric"), document.get("split"), entry.get("values")
    if isinstance(values, dict) and isinstance(split, str) and isinstance(metric, str):
        validation = f"{_VALIDATION}{metric}" if split == "test" else None
        beside = {of: rows for of, rows in values.items() if of == validation}
        values = {split: {of: rows for of, rows in values.items() if of not in beside}}
        if beside:
            values["validation"] = {metric: beside[validation]}
    return {
        **entry,
        "name": name,
        "tuned": tuned,
        "metric": metric,
        "split": split,
        "values": values,
        "fitnesses": [],
    }


def _test(test: dict[str, Any]) -> dict[str, Any]:
    loss, tuned = _split(test.get("loss"))
    baseline, baseline_tuned = _split(test.get("baseline"))
    return {
        **test,
        "loss": loss,
        "tuned": tuned,
        "baseline": baseline,
        "baseline_tuned": baseline_tuned,
    }


def _split(name: Any) -> tuple[Any, bool]:
    if not isinstance(name, str):
        return name, False
    return name.removesuffix(_TUNED), name.endswith(_TUNED)

"""The page, made from the JSON files alone."""

from __future__ import annotations

import json
import pathlib
import string
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchmarks.suite import figures
from benchmarks.suite.data_sets import DATA_SETS
from benchmarks.suite.frozen import FROZEN, Frozen
from benchmarks.suite.leads import SURE, Lead, Row, Tested, held_against, rows, tested
from benchmarks.suite.tasks import TASKS
from benchmarks.suite.variants import VARIANTS
from glo_tf.utils.files import write_whole
from glo_tf.utils.style import as_files

FOUND = ("found", "found with t")
"""The searches that claims are made with; the others are ablations."""
_TEMPLATE = pathlib.Path(__file__).with_name("page.md")
_ABLATIONS = "What searches find that differ in one thing, p not corrected."
_COLUMNS = 9
"""Tasks that one table of all losses has at most, if they are of several kinds."""
_PICTURED = ("noise", "tail")
_A_SEARCH = "what a search found"
_HEADS = {
    "noise": "Wrong training labels",
    "tail": "Long tails",
    "metric": "Other metrics, costs and quantiles",
    "few": "Few samples",
    "clean": "Clean data",
}


def write(folder: pathlib.Path) -> None:
    """Writes the page beside a folder, and its pictures into it.

    Args:
        folder: Of the JSON files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    documents = read(folder)
    of_all = rows(documents)
    pairs = tested(of_all, FOUND)
    pictures = {"leads": figures.leads(pairs)} if pairs else {}
    sgd = [row for row in of_all if row.optimizer == "sgd"]
    for one in FROZEN:
        if held := [row for row in sgd if one.name in row.entries]:
            pictures[one.name] = figures.beside_known(held, one.name, one.name)
    for group in _PICTURED:
        for name in FOUND:
            if held := [row for row in sgd if _group(row) == group and name in row.entries]:
                pictures[_picture(name, group)] = figures.beside_known(held, name, _A_SEARCH)
    for group in _HEADS:
        if held := [row for row in sgd if _group(row) == group and {*FOUND} & {*row.entries}]:
            pictures[f"rates_{group}"] = figures.rates(held, FOUND)
    for name, figure in pictures.items():
        write_whole(folder / f"{name}.png", as_files(figure)[0])
    text = page(documents, folder.name, pictures)
    write_whole(folder.parent / f"{folder.name}.md", text.encode())


def read(folder: pathlib.Path) -> list[dict[str, Any]]:
    """What is there of the tasks, in their order."""
    held = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    places = list(TASKS)
    return sorted(held, key=lambda document: places.index(document["task"]))


def page(documents: Sequence[dict[str, Any]], folder: str, pictures: Iterable[str]) -> str:
    """The whole page.

    Args:
        documents: Of the tasks.
        folder: Where pictures are, as seen from the page.
        pictures: Names of those that there are.
    """
    of_all = rows(documents)
    pairs = tested(of_all, FOUND)
    searched = {pair[0].row.document["task"] for pair in pairs}
    done = {row.document["task"] for row in of_all if _is_complete(row)}
    parts = [_summary(pairs)]
    if "leads" in pictures:
        parts.append(f"![Leads of what was found, a row a task]({folder}/leads.png)")
    for one in FROZEN:
        parts.append(_own(one, of_all))
        if one.name in pictures:
            parts.append(f"![Score of {one.name} beside known losses]({folder}/{one.name}.png)")
    for group, head in _HEADS.items():
        of_group = [pair for pair in pairs if _group(pair[0].row) == group]
        known = [row for row in of_all if _group(row) == group and _is_complete(row)]
        if not known:
            continue
        parts += [f"## {head}", *([_leads_table(of_group)] if of_group else [])]
        parts += [
            f"![What was {name} beside known losses]({folder}/{_picture(name, group)}.png)"
            for name in FOUND
            if _picture(name, group) in pictures
        ]
        parts.append(_all_losses(known))
        if f"rates_{group}" in pictures:
            alt = "Score by learning rate of cross-entropy, the best known loss and the found one"
            parts.append(f"![{alt}]({folder}/rates_{group}.png)")
    template = string.Template(_TEMPLATE.read_text(encoding="utf-8"))
    text = template.substitute(
        done=len(done),
        searched=len(searched),
        all=len(TASKS),
        budget=_budget(documents),
        sure=SURE,
        results="\n\n".join(parts),
        searches=_searches(documents),
        stopping=_early_stopping(pairs),
        ablations=_ablations(of_all),
        data=_data_table(documents),
        missing=_missing([name for name in TASKS if name not in done]),
    )
    return text.rstrip() + "\n"


def _own(one: Frozen, found: Sequence[Row]) -> str:
    """What a frozen loss is, and how it fares where its search has not looked."""
    lines = []
    for tests in held_against(found, one.name, one.rivals):
        row = tests[0].row
        show = _shown(row)
        lines.append(
            [
                _in_group(row),
                row.optimizer,
                show(row.mean(row.usual)),
                f"{tests[0].against} {show(row.mean(tests[0].against))}",
                show(row.mean(one.name)),
                *(_lead(test, row) for test in tests),
            ]
        )
    head = ["task", "optimizer", "usual loss", "best known", one.name, "lead over best known"]
    table = _table([*head, *(f"over {rival}" for rival in one.rivals)], lines)
    return f"## A loss of our own: `{one.name}`\n\n{one.text}\n\n{table if lines else ''}".rstrip()


def _picture(name: str, group: str) -> str:
    return f"{name}_{group}".replace(" ", "_")


def _group(row: Row) -> str:
    return str(row.document["task"]).split("/")[0]


def _budget(documents: Sequence[dict[str, Any]]) -> str:
    if not documents:
        return "nothing yet"
    s = documents[0]["settings"]
    machines = " and ".join(dict.fromkeys(document["machine"] for document in documents))
    return (
        f"an MLP of {s['units']} units, {s['steps']:,} steps of {s['batch_size']} samples, rates "
        f"that fall linearly to 0, early stopping by {s['checkpoints']} looks at validation data; "
        f"{s['spread']} + {s['near']} trials for each loss, each on {s['draws']} draws; "
        f"n = {s['seeds']} fresh draws for the test. Machine: {machines}"
    )


def _summary(pairs: Sequence[tuple[Tested, Tested]]) -> str:
    lines = []
    for group, title in _HEADS.items():
        for name in FOUND:
            of_group = [
                pair for pair in pairs if _group(pair[0].row) == group and pair[0].loss == name
            ]
            if not of_group:
                continue
            usual, best = (_counted([pair[place] for pair in of_group]) for place in (0, 1))
            lines.append([title, name, str(len(of_group)), usual, best])
    head = ["tasks and optimizers", "search", "rows"]
    head += ["against cross-entropy", "against the best known loss"]
    return _table(head, lines) if lines else ""


def _counted(tests: Sequence[Tested]) -> str:
    words = [test.word for test in tests]
    return ", ".join(f"{words.count(word)} {word}" for word in ("ahead", "undecided", "behind"))


def _leads_table(pairs: Sequence[tuple[Tested, Tested]]) -> str:
    lines = []
    for usual, best in pairs:
        row = usual.row
        show = _shown(row)
        choice = row.best_on_validation()
        lines.append(
            [
                _in_group(row),
                row.optimizer,
                show(row.mean(row.usual)),
                f"{best.against} {show(row.mean(best.against))}",
                f"{choice} {show(row.mean(choice))}",
                f"{usual.loss.removeprefix('found').strip()} {show(row.mean(usual.loss))}".strip(),
                _lead(usual, row),
                _lead(best, row),
            ]
        )
    head = ["task", "optimizer", "usual loss", "best known", "known, chosen on validation data"]
    return _table([*head, "found", "lead over usual", "lead over best known"], lines)


def _lead(test: Tested, row: Row) -> str:
    if test.lead is None or test.corrected is None:
        return "diverged"
    said = f"{_said(test.lead, row)}, p = {test.corrected:.2g}, d = {test.lead.effect_size:.1f}"
    return f"**{said}**" if test.word != "undecided" else said


def _shown(row: Row) -> Callable[[float | None], str]:
    if row.document["points"]:
        return lambda value: "diverged" if value is None else f"{100 * value:.1f}"
    return lambda value: "diverged" if value is None else f"{value:.4f}"


def _is_complete(row: Row) -> bool:
    """Whether all known losses are there."""
    return {rival.name for rival in TASKS[row.document["task"]].rivals} <= set(row.known)


def _all_losses(found: Sequence[Row]) -> str:
    """Means on test data of all losses, SGD, in short: a table, or several that are narrow."""
    chosen = [row for row in found if row.optimizer == "sgd"]
    parts: dict[str, list[Row]] = {}
    for row in chosen:
        kind = _in_group(row).split("/")[0] if len(chosen) > _COLUMNS else ""
        parts.setdefault(kind, []).append(row)
    return "\n\n".join(_losses_of(part) for part in parts.values())


def _losses_of(chosen: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for row in chosen for name in row.entries))
    lines = [
        [name, *(_shown(row)(row.mean(name)) if name in row.entries else "" for row in chosen)]
        for name in names
    ]
    return _table(["all losses, SGD", *map(_in_group, chosen)], lines)


def _in_group(row: Row) -> str:
    """The task's name without its group."""
    return str(row.document["task"]).split("/", 1)[1]


def _searches(documents: Sequence[dict[str, Any]]) -> str:
    lines = []
    for document in documents:
        for name, of in document["searches"].items():
            steps = document["settings"]["steps"]
            trials = document["settings"]["spread"] + document["settings"]["near"]
            lines.append(
                [
                    document["task"],
                    name,
                    f"`{of['expression']}`" if of["expression"] else "none that trains",
                    f"{of['steps'] / steps:.0f}",
                    f"{of['seconds']:.0f} s",
                    f"{trials * document['settings']['draws']}",
                    f"{document['seconds']:.0f} s",
                ]
            )
    head = ["task", "search", "loss", "trainings of the search", "its last run"]
    return _table([*head, "trainings of each loss's trials", "all losses, both optimizers"], lines)


def _early_stopping(pairs: Sequence[tuple[Tested, Tested]]) -> str:
    lines = []
    for usual, best in pairs:
        row, show = usual.row, _shown(usual.row)
        cells = [
            f"{show(row.mean(name))} / {show(row.mean(name, 'tested at the last step'))}"
            for name in (row.usual, best.against, usual.loss)
        ]
        lines.append([row.document["task"], row.optimizer, usual.loss, *cells])
    return _table(["task", "optimizer", "search", "usual loss", "best known", "found"], lines)


def _missing(names: Sequence[str]) -> str:
    return "## Not run yet\n\n" + ", ".join(f"`{name}`" for name in names) + "." if names else ""


def _ablations(found: Sequence[Row]) -> str:
    lines = []
    for row in found:
        for name in row.document["searches"]:
            against = VARIANTS[name].against
            if name == FOUND[0] or name not in row.entries or against not in row.entries:
                continue
            lead = row.lead(name, against)
            show = _shown(row)
            said = f"{_said(lead, row)}, p = {lead.p_value:.2g}" if lead else "diverged"
            cells = [show(row.mean(name)), against, show(row.mean(against)), said]
            lines.append([row.document["task"], row.optimizer, name, *cells])
    head = ["task", "optimizer", "search", "score", "beside", "score", "difference"]
    return f"## Ablations\n\n{_ABLATIONS}\n\n{_table(head, lines)}\n\n" if lines else ""


def _said(lead: Lead, row: Row) -> str:
    """Mean and interval."""
    scale, digits = (100.0, 1) if row.document["points"] else (1.0, 4)
    mean, low, high = (f"{scale * v:+.{digits}f}" for v in (lead.mean, *lead.interval))
    return f"{mean} ({low} to {high})"


def _data_table(documents: Sequence[dict[str, Any]]) -> str:
    tables = {TASKS[d["task"]].data_set: d["data"] for d in documents}
    lines = []
    for name, of in DATA_SETS.items():
        held = tables.get(name)
        size = [f"{held[k]:,}" for k in ("samples", "features", "classes")] if held else [""] * 3
        lines.append([name, *size, of.package, of.origin])
    head = ["data set", "samples", "features", "classes (0: numbers)"]
    return _table([*head, "package", "origin"], lines)


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rules = ["---"] * len(head)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rules, *lines))

"""Measurements in a CSV file."""

from __future__ import annotations

import csv
import math
import pathlib

import numpy as np

from glo_tf.datasets import Dataset
from glo_tf_files.shown import shown
from glo_tf_files.splits import stratified_splits

_NAMED = 8  # columns in a message


def csv_table(
    data_dir: str | None = None,
    *,
    path: str,
    label: str,
    delimiter: str = ",",
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
) -> Dataset:
    """A table of your own: a CSV file with a column of labels, the others numbers.

    Args:
        data_dir: Unused; every data set is given `--data_dir`.
        path: The file, UTF-8, whose first line names the columns.
        label: The column with the labels; its values, sorted, are the classes. Space around them
            and around names of columns is left out.
        delimiter: Between the columns.
        validation: Share of each class that decides the fitness.
        test: Share of each class that a search never sees.
        seed: Of the splits.

    Returns:
        Samples `(N, columns)`; each measurement has mean 0 and standard deviation 1 in the training
        split.

    Raises:
        ValueError: If an option is out of range, the file cannot be read or has no such column, a
            measurement is no finite number, or there are too few samples of a class.
    """
    del data_dir
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise ValueError(
            f"Expected a delimiter of one character. Received: delimiter={delimiter!r}"
        )
    columns, measurements, texts = _read(path, label, delimiter)
    classes, labels = np.unique(texts, return_inverse=True)
    splits = stratified_splits(
        labels, classes.tolist(), validation=validation, test=test, seed=seed
    )
    samples = _standardised(measurements, splits[0], columns)
    labels = labels.astype(np.int32)
    arrays = [array for split in splits for array in (samples[split], labels[split])]
    return Dataset("csv_table", *arrays, num_classes=len(classes))


def _standardised(measurements: np.ndarray, trained: np.ndarray, columns: list[str]) -> np.ndarray:
    """Measurements as float32, by mean and deviation of the training split alone.

    The others must not leak into it.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = measurements[trained].mean(axis=0), measurements[trained].std(axis=0)
        deviation[deviation == 0.0] = 1.0
        samples = ((measurements - mean) / deviation).astype(np.float32)
    too_wide = ~(np.isfinite(deviation) & np.isfinite(samples).all(axis=0))
    if too_wide.any():
        column = int(too_wide.argmax())
        raise ValueError(
            "Expected measurements that can be standardised. Received: "
            f"{shown(columns[column])} up to {np.abs(measurements[:, column]).max():g}"
        )
    return samples


def _read(path: str, label: str, delimiter: str) -> tuple[list[str], np.ndarray, list[str]]:
    """Names of the measurements, these as float64 `(N, columns)`, and labels."""
    measurements, labels = [], []
    try:
        # Spreadsheets write a byte-order mark.
        with pathlib.Path(path).expanduser().open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, delimiter=delimiter)
            columns = [column.strip() for column in reader.fieldnames or []]
            reader.fieldnames = columns
            if label not in columns or len(set(columns)) != len(columns) or len(columns) < 2:
                raise ValueError(
                    f"Expected a column of labels among others, each with a name of its own. "
                    f"Received: label={shown(label, quoted=False)} and columns "
                    f"{_list(columns)} ({path})"
                )
            others = [column for column in columns if column != label]
            for row in reader:
                place = f"{path}, line {reader.line_num}"
                labels.append((row[label] or "").strip())
                measurements.append([_number(row[column], column, place) for column in others])
                if not labels[-1] or None in row:
                    raise ValueError(
                        f"Expected a label and {len(columns)} columns in each line. "
                        f"Received: {place}"
                    )
    except (OSError, RuntimeError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"Expected a CSV file. Received: path={path} ({type(error).__name__}: {error})"
        ) from error
    if not measurements:
        raise ValueError(f"Expected lines of measurements. Received: path={path} without any")
    return others, np.array(measurements, np.float64), labels


def _number(text: str | None, column: str, place: str) -> float:
    try:
        number = math.nan if "_" in str(text) else float(text or "")  # Python's own 1_000
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        name, value = shown(column, quoted=False), shown(str(text))
        raise ValueError(f"Expected finite numbers. Received: {name}={value} ({place})")
    return number


def _list(columns: list[str]) -> str:
    names = ", ".join(shown(column, quoted=False) for column in columns[:_NAMED])
    more = f" and {len(columns) - _NAMED} more" if len(columns) > _NAMED else ""
    return names + more or "none"

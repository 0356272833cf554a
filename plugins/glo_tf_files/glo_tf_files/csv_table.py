"""Measurements in a CSV file."""

from __future__ import annotations

import csv
import math
import pathlib

import numpy as np

from glo_tf.datasets import Dataset
from glo_tf_files.splits import stratified_splits


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
        label: The column with the labels; its values, sorted, are the classes.
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
    if len(delimiter) != 1:
        raise ValueError(f"Expected a delimiter of one character. Received: delimiter={delimiter}")
    measurements, texts = _read(path, label, delimiter)
    classes, labels = np.unique(texts, return_inverse=True)
    splits = stratified_splits(
        labels, classes.tolist(), validation=validation, test=test, seed=seed
    )
    # The training split's: the others must not leak into it.
    mean, deviation = measurements[splits[0]].mean(axis=0), measurements[splits[0]].std(axis=0)
    deviation[deviation == 0.0] = 1.0
    samples = ((measurements - mean) / deviation).astype(np.float32)
    labels = labels.astype(np.int32)
    arrays = [array for split in splits for array in (samples[split], labels[split])]
    return Dataset("csv_table", *arrays, num_classes=len(classes))


def _read(path: str, label: str, delimiter: str) -> tuple[np.ndarray, list[str]]:
    """Measurements, float64 `(N, columns)`, and labels."""
    measurements, labels = [], []
    try:
        # Spreadsheets write a byte-order mark.
        with pathlib.Path(path).expanduser().open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, delimiter=delimiter)
            columns = reader.fieldnames or []
            if label not in columns or len(set(columns)) != len(columns) or len(columns) < 2:
                raise ValueError(
                    f"Expected a column of labels among others, each with a name of its own. "
                    f"Received: label={label} and columns {', '.join(columns)}"
                )
            for row in reader:
                labels.append(row[label])
                measurements.append(
                    [
                        _number(row[column], column, f"{path}, line {reader.line_num}")
                        for column in columns
                        if column != label
                    ]
                )
                if not row[label] or None in row:
                    raise ValueError(
                        f"Expected a label and {len(columns)} columns in each line. "
                        f"Received: {path}, line {reader.line_num}"
                    )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"Expected a CSV file. Received: path={path} ({type(error).__name__}: {error})"
        ) from error
    return np.array(measurements, np.float64), labels


def _number(text: str | None, column: str, place: str) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"Expected finite numbers. Received: {column}='{text}' ({place})")
    return number

"""SQLite's write-ahead log (`study.db-wal`), which holds the last trainings after a kill.

SQLite takes a damaged log for one that ends before the damage, and so loses what comes after it
without a word. A study's log is only ever appended to, and emptied as a whole, so a kill leaves
whole pages with right checksums, and at most a part of one behind them. All else is damage.

Source of the format: https://sqlite.org/fileformat2.html#walformat
"""

from __future__ import annotations

import pathlib
import struct

_HEADER, _FRAME_HEADER = 32, 24
_BIG_ENDIAN = {0x377F0682: False, 0x377F0683: True}  # of the checksums, by magic number

Sums = tuple[int, int]


def log_of(path: pathlib.Path) -> pathlib.Path:
    """Path of a study's log."""
    return path.with_name(path.name + "-wal")


def log_problem(path: pathlib.Path) -> str:
    """What is wrong with the log of a study, or `""`.

    A search may be writing to it, as long as a reader's transaction keeps it from being emptied.

    Args:
        path: Of the study.
    """
    try:
        log = log_of(path).read_bytes()
    except FileNotFoundError:
        return ""
    if len(log) < _HEADER:  # nothing was committed yet
        return ""
    magic, _, page_size, _, *salts = struct.unpack_from(">6I", log)
    stated = struct.unpack_from(">2I", log, 24)
    big_endian = _BIG_ENDIAN.get(magic)
    if big_endian is None or (sums := _add((0, 0), log[:24], big_endian)) != stated:
        return "the header of its write-ahead log is damaged"
    size = _FRAME_HEADER + page_size
    for number, start in enumerate(range(_HEADER, len(log) - size + 1, size), start=1):
        header = log[start : start + _FRAME_HEADER]
        of_frame = list(struct.unpack_from(">2I", header, 8))
        stated = struct.unpack_from(">2I", header, 16)
        sums = _add(sums, header[:8], big_endian)
        sums = _add(sums, log[start + _FRAME_HEADER : start + size], big_endian)
        if of_frame != salts or sums != stated:
            return f"page {number} of its write-ahead log is damaged"
    return ""


def _add(sums: Sums, data: bytes, big_endian: bool) -> Sums:
    first, second = sums
    words = struct.unpack(f"{'>' if big_endian else '<'}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second

"""Runs programs one after another, and leaves in files what they say; `side_programs` starts it.

It is no child of the process that starts it, whose tests look at their children, and ends with it.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys

_POLITE = 5
"""How much it gives way to the tests (`nice`)."""


def main(starter: int, folder: pathlib.Path, programs: list[dict]) -> None:
    """Runs them while the process `starter` lives."""
    for program in programs:
        own = folder / program["name"]
        with (own / "out").open("w") as out, (own / "err").open("w") as err:
            process = subprocess.Popen(
                program["command"],
                env={**os.environ, **program["environment"]},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        while True:
            try:
                code = process.wait(0.5)
                break
            except subprocess.TimeoutExpired:
                if not _lives(starter):
                    os.killpg(0, signal.SIGKILL)
        (own / "code.new").write_text(str(code))
        (own / "code.new").rename(own / "code")


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    given = json.load(sys.stdin)
    if os.fork():
        os._exit(0)
    os.setpgid(0, 0)
    os.nice(_POLITE)
    main(int(sys.argv[1]), pathlib.Path(sys.argv[2]), given)

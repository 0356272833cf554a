"""Writes what `make demo` shows in terminals of 60, 80 and 120 columns, as `make screens` does.

Each terminal is a pseudo terminal, so that the bar is drawn, too; what is kept is what stays on the
screen at the end.
"""

import os
import pathlib
import pty
import re
import struct
import sys
import tempfile
import termios
from fcntl import ioctl

FOLDER = pathlib.Path(__file__).parent
COMMAND = ("--flagfile=digits.flags", "--overwrite")


def main() -> None:
    """Records each width."""
    for columns in (60, 80, 120):
        with tempfile.TemporaryDirectory() as folder:
            flags = (*COMMAND, "--output_dir=runs/digits")
            text = recorded([sys.executable, "-m", "glo_tf.main", *flags], columns, folder)
        command = f"$ glo-tf {' '.join(flags)}"
        path = FOLDER / f"demo_{columns}.txt"
        path.write_text(f"{command}\n{text}", encoding="utf-8")
        print(path)


def recorded(command: list[str], columns: int, folder: str) -> str:
    """What a command leaves on a terminal of so many columns."""
    process, screen = pty.fork()
    if not process:
        os.chdir(folder)
        os.environ |= {"TERM": "xterm", "COLUMNS": str(columns), "TF_CPP_MIN_LOG_LEVEL": "3"}
        os.execv(command[0], command)
    ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    chunks = []
    while True:
        try:
            chunk = os.read(screen, 65536)
        except OSError:  # the end of a pseudo terminal
            break
        if not chunk:
            break
        chunks.append(chunk)
    _, status = os.waitpid(process, 0)
    if status:
        raise SystemExit(f"{command} ended with {status}")
    return settled(b"".join(chunks).decode())


def settled(text: str) -> str:
    """Lines without colours and without the bars that later lines took the place of."""
    lines = [""]
    for part in re.split(r"(\r\n|\n|\r|\x1b\[[0-9;?]*[A-Za-z])", text):
        if part in ("\n", "\r\n"):
            lines.append("")
        elif part == "\x1b[2K":
            lines[-1] = ""
        elif re.fullmatch(r"\x1b\[\d*A", part):
            del lines[-int(part[2:-1] or 1) :]
        elif part != "\r" and not part.startswith("\x1b"):
            lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


if __name__ == "__main__":
    main()

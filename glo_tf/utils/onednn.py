"""oneDNN, TensorFlow's fast kernels for CPUs: on, and alike in all processes of a search.

TensorFlow decides as it is imported, by `TF_ENABLE_ONEDNN_OPTS` or else by the CPU: without AVX-512
or AMX it leaves oneDNN off, and convolutions take up to three times as long
(`docs/performance.md`). The kernels sum in another order, so that the last bits of a training
depend on the choice.
"""

from __future__ import annotations

import logging
import os
import platform
import sys

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"
"""`1` for on, `0` for off, `-1` for what TensorFlow makes of the CPU."""

logger = logging.getLogger("glo_tf")

_left_off = False


def settle() -> None:
    """Turns oneDNN on where neither the user nor a TensorFlow imported before has decided.

    From then on the variable says what is the case, and processes that this one starts do the same.
    On other processors than x86, where nothing was measured, TensorFlow's choice stays.
    """
    global _left_off
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return
    wish = os.environ.get(VARIABLE) or "1"
    if "tensorflow" in sys.modules:
        on = is_on()
        _left_off = wish == "1" and not on
        wish = "1" if on else "0"
    os.environ[VARIABLE] = wish


def is_on() -> bool:
    """Whether TensorFlow, which is imported if it is not yet, uses oneDNN in this process."""
    from tensorflow.python.util import _pywrap_util_port  # TensorFlow's own tests ask it, too

    return bool(_pywrap_util_port.IsMklEnabled())


def warn_if_left_off() -> None:
    """Says once that trainings will be slow, where that is not the user's choice."""
    global _left_off
    if _left_off:
        _left_off = False
        logger.warning(
            "TensorFlow was imported before glo_tf and leaves oneDNN off on this CPU, so trainings "
            "are slow: import glo_tf first, or set %s=1 before Python starts (%s=0 keeps it off)",
            VARIABLE,
            VARIABLE,
        )

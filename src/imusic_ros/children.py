"""Processes that may not outlive the one that started them."""

from __future__ import annotations

import ctypes
import signal

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def end_with_parent() -> None:
    """`preexec_fn` of a child: the kernel ends it if we are killed, so that a restart needs no cleaning up.

    The kernel goes by the thread that started the child: let one do so that lives for as long as the child does.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

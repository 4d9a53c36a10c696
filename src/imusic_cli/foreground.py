"""Ctrl-C in a terminal when `make` started us."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def own_foreground_group() -> Iterator[None]:
    """Become the terminal's foreground process group for a while.

    A Ctrl-C then reaches this process only. `make` would otherwise get it as well and report an error, although
    everything ended well. Does nothing without a terminal, or when this process already leads its group.
    """
    if not os.environ.get("MAKELEVEL") or not sys.stdin.isatty() or os.getpgrp() == os.getpid():
        yield
        return
    terminal, group = sys.stdin.fileno(), os.getpgrp()
    os.setpgid(0, 0)
    # A background group that takes the terminal is stopped by SIGTTOU unless it ignores it.
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(terminal, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(terminal, group)
        signal.signal(signal.SIGTTOU, before)

"""Pseudo-terminals in which somebody works: no hub is there, and opening one as a port would take it from its user.

A simulated hub that was killed leaves the link to its pseudo-terminal, whose number the system gives to the next
terminal window.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

PSEUDO_MAJORS = range(136, 144)
"""Device numbers of pseudo-terminals' sides for programs (Linux, admin-guide/devices)."""


def worker_in(port: str, processes: Path = Path("/proc")) -> str:
    """A process that has this port as its terminal, as `bash, process 4711`; empty where there is none, or none known.

    Args:
        port: a device, or a link to one.
        processes: where the system tells of its processes (Linux); elsewhere nothing is known.
    """
    try:
        device = Path(port).stat().st_rdev
    except (OSError, ValueError):
        return ""
    if os.major(device) not in PSEUDO_MAJORS:
        return ""
    minor = os.minor(device)
    number = (minor & 0xFF) | os.major(device) << 8 | (minor >> 8) << 20  # as proc(5) has it
    for told in processes.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):  # of a process that has just ended
            # The name stands in brackets, and may itself hold brackets and spaces.
            name, _, rest = told.read_text(encoding="utf-8", errors="replace").partition("(")[2].rpartition(")")
            if int(rest.split()[4]) == number:
                return f"{name}, process {told.parent.name}"
    return ""

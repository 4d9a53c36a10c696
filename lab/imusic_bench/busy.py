"""A core that somebody else uses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from imusic_cli.supervisor import end_with_parent


@contextmanager
def busy_core() -> Iterator[int]:
    """A process of normal priority that never waits, so that one core is taken for as long as the block runs.

    It is bound to no core: the kernel places it beside the nodes as it would any other program.

    Yields:
        Its process id.
    """
    # -I -S: nothing of the environment is imported, so that it spins at once.
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "while True: pass"], stdin=subprocess.DEVNULL, preexec_fn=end_with_parent
    ) as child:
        try:
            yield child.pid
        finally:
            child.kill()

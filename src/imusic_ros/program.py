"""The first moments of a node's process, before anything heavy is imported."""

from __future__ import annotations

import os
import signal
from types import FrameType

THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def prepare() -> None:
    """What every node's program does first."""
    end_at_once_on_signals()
    limit_threads()


def limit_threads() -> None:
    """One thread for numpy's products, unless the environment says otherwise; call before numpy is imported.

    A node's matrices are small: handing parts of them to other threads costs more than it saves, and takes cores away
    from the other nodes. Inference engines have a thread count of their own.
    """
    for name in THREAD_COUNTS:
        os.environ.setdefault(name, "1")


def end_at_once_on_signals() -> None:
    """Let SIGINT and SIGTERM end the process with status 0 until `imusic_ros.process.run` takes them over.

    ROS and numpy take seconds to import, in which Ctrl-C would show a traceback from somewhere inside them.
    Nothing is open yet that would need closing.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        os._exit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)

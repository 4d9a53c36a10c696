"""The first moments of a node's process, before anything heavy is imported."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any, TypeAlias

Handlers: TypeAlias = "dict[signal.Signals, Any]"

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


def end_at_once_on_signals(status: int = 0) -> Handlers:
    """Let SIGINT and SIGTERM end the process with this status, until others take them over.

    ROS and numpy take seconds to import, in which Ctrl-C would show a traceback from somewhere inside them.
    Nothing is open yet that would need closing.

    Returns:
        What handled them before, for `hand_back`.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        os._exit(status)

    return {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}


def hand_back(before: Handlers) -> None:
    """Undo `end_at_once_on_signals`."""
    for number, handler in before.items():
        signal.signal(number, handler)

"""The first moments of a node's process, before anything heavy is imported."""

from __future__ import annotations

import os
import signal
from types import FrameType


def end_at_once_on_signals() -> None:
    """Let SIGINT and SIGTERM end the process with status 0 until `imusic_ros.process.run` takes them over.

    ROS and numpy take seconds to import, in which Ctrl-C would show a traceback from somewhere inside them.
    Nothing is open yet that would need closing.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        os._exit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)

"""Running one node as a process: start, spin, end cleanly on Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType

import rclpy
from rclpy.exceptions import (
    InvalidParameterException,
    InvalidParameterTypeException,
    InvalidParameterValueException,
)
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from imusic_ros.managed_node import ConfigurationError, ManagedNode

PARAMETER_ERRORS = (InvalidParameterException, InvalidParameterTypeException, InvalidParameterValueException)


def run(factory: Callable[[], ManagedNode], args: list[str] | None = None) -> int:
    """Make the node, spin it until SIGINT or SIGTERM, release everything.

    Returns:
        Exit status: 0 after a signal or a shutdown, 1 when the node's parameters were refused.
    """
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = factory()
    except (ConfigurationError, *PARAMETER_ERRORS) as error:
        print(f"not started: {error}", file=sys.stderr)  # noqa: T201 - there is no node to log with
        rclpy.try_shutdown()
        return 1
    executor = _executor()
    executor.add_node(node)
    _end_on_signals()
    if node.value("autostart"):
        node.start_by_itself()
    try:
        executor.spin()
    except ExternalShutdownException:
        pass  # the signal handler shut the context down: the wanted end
    finally:
        # A second Ctrl-C must not interrupt the release of a serial port.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        node.close()
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    return 0


def _executor() -> Executor:
    """The events executor where this ROS 2 has it (Kilted): it takes a third of the CPU time per message."""
    try:
        from rclpy.experimental import EventsExecutor
    except ImportError:
        return SingleThreadedExecutor()
    return EventsExecutor()


def _end_on_signals() -> None:
    def end(_signal: int, _frame: FrameType | None) -> None:
        rclpy.try_shutdown()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)

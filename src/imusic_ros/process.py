"""Running nodes as a process: start, spin, end cleanly on Ctrl-C."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence

import rclpy
from rclpy.exceptions import (
    InvalidParameterException,
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterUninitializedException,
)
from rclpy.executors import ExternalShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from imusic_ros.executor import make_executor
from imusic_ros.garbage import GarbageControl
from imusic_ros.managed_node import ConfigurationError, ManagedNode

PARAMETER_ERRORS = (
    InvalidParameterException,
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterUninitializedException,  # an empty list, whose type ROS cannot see
)
ARGUMENT_ERRORS = (_rclpy.RCLError, _rclpy.RCLInvalidROSArgsError, _rclpy.UnknownROSArgsError)
"""Of `--ros-args`, and of files of parameters that are no YAML or hold what ROS cannot."""
END_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(factory: Callable[[], ManagedNode], args: list[str] | None = None) -> int:
    """Make a node, spin it until SIGINT or SIGTERM, release everything.

    Returns:
        Exit status: 0 after a signal or a shutdown, 1 when its arguments or parameters were refused.
    """
    return run_together([factory], args)


def run_together(factories: Sequence[Callable[[], ManagedNode]], args: list[str] | None = None) -> int:
    """Make nodes, spin them in one thread until SIGINT or SIGTERM, release everything.

    A node whose arguments or parameters are refused is left out, and one line says why. rclpy's own signal handlers end
    the context at once, so that nothing can be released in order or logged; here the context lives until the nodes are
    closed.

    Returns:
        Exit status: 0 after a signal or a shutdown, 1 when none of the nodes could be made.
    """
    try:
        # Arguments are read here, files of parameters when a node is made.
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
        executor, why_standard = make_executor()
        ended: Future[None] = Future(executor=executor)
        _complete_on_signal(ended)
    except ARGUMENT_ERRORS as error:
        _tell_refusal(error)
        rclpy.try_shutdown()
        return 1
    nodes = [node for node in map(_made, factories) if node is not None]
    if not nodes:
        rclpy.try_shutdown()
        return 1
    if why_standard:
        nodes[0].get_logger().warning(why_standard)
    garbage = GarbageControl()
    for node in nodes:
        node.garbage = garbage
        executor.add_node(node)
    for node in nodes:
        if node.value("autostart"):
            node.start_by_itself()
    try:
        executor.spin_until_future_complete(ended)
    except ExternalShutdownException:
        pass  # somebody else ended the context
    finally:
        for node in nodes:
            node.close()
        executor.shutdown()
        for node in nodes:
            node.destroy_node()
        rclpy.try_shutdown()
        # Python's own end takes a moment more, in which a second SIGINT (launch sends one) would kill the process.
        for number in END_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
    return 0


def _made(factory: Callable[[], ManagedNode]) -> ManagedNode | None:
    """A node; None where it is refused, which is said."""
    try:
        return factory()
    except (ConfigurationError, *PARAMETER_ERRORS, *ARGUMENT_ERRORS) as error:
        _tell_refusal(error)
        return None


def _tell_refusal(error: Exception) -> None:
    told = " ".join(str(error).split())
    print(f"not started: {told}", file=sys.stderr)  # noqa: T201 - there is no node to log with


def _complete_on_signal(ended: Future[None]) -> None:
    """Complete `ended` at a signal, though the main thread waits inside ROS where no Python handler runs."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)  # open as long as the process lives
    for number in END_SIGNALS:
        signal.signal(number, lambda _signal, _frame: None)

    def wait() -> None:
        while reader.recv(1):
            if not ended.done():
                ended.set_result(None)

    threading.Thread(target=wait, name="signals", daemon=True).start()

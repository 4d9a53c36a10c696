"""What the nodes of a graph say of themselves in `/diagnostics`: whether they are active, and why not."""

from __future__ import annotations

import os
from collections.abc import Collection
from types import TracebackType

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions


class GraphWatch:
    """Listens while a graph runs; use as a context manager.

    Args:
        namespace: of the graph's nodes.
        nodes: their names.

    Attributes:
        refused: why nodes could not be configured, by name.
        active: names of the nodes that are active.
        page: address of the page, once there is one; else empty.
    """

    def __init__(self, namespace: str, nodes: Collection[str]) -> None:
        self.refused: dict[str, str] = {}
        self.active: set[str] = set()
        self.page = ""
        place = namespace.strip("/")
        self._names = {f"{place}/{node}".lstrip("/"): node for node in nodes}

    def __enter__(self) -> GraphWatch:
        # Without rclpy's handlers Ctrl-C is ours.
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node(f"imusic_{os.getpid()}")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown()

    def wait(self, seconds: float) -> None:
        """Listen for a while; returns early when something was heard."""
        try:
            self._executor.spin_once(timeout_sec=seconds)
        except ExternalShutdownException:
            return  # the graph is being ended

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            node = self._names.get(status.name)
            if node is not None:
                self._hear(node, status)

    def _hear(self, node: str, status: DiagnosticStatus) -> None:
        values = {value.key: value.value for value in status.values}
        if values.get("lifecycle") == "active":
            self.active.add(node)
            self.refused.pop(node, None)
        if values.get("failure"):
            self.refused[node] = values["failure"]
        self.page = values.get("url") or self.page

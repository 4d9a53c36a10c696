"""What the nodes of a graph say of themselves in `/diagnostics`: whether they are active, and why not."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from types import TracebackType

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from imusic_ros.enclaves import command_line_arguments

DISCOVERY_S = 0.6
"""Nodes of this machine find each other within half a second; a second graph that is missed here is told of later."""
HEARTBEAT_S = 2.2
"""A node says something of itself every second, also while it is not configured."""

DOUBLE_S = 30.0
"""Two nodes of one name are told of after this long: one that was killed is known for 20 s more (Fast DDS)."""


HUNG_S = 5.0
"""An active node that said nothing for so long, though it should every second, hangs or is halted."""


class GraphWatch:
    """Listens while a graph runs; use as a context manager.

    Args:
        namespace: of the graph's nodes.
        nodes: their names.
        clock: monotonic seconds.

    Attributes:
        refused: why nodes could not be configured, by name.
        active: names of the nodes that are active.
        page: address of the page, once there is one; else empty.
        heard: names of the nodes, as diagnostics have them, that said something of themselves.
    """

    def __init__(self, namespace: str, nodes: Collection[str], clock: Callable[[], float] = time.monotonic) -> None:
        self.refused: dict[str, str] = {}
        self.active: set[str] = set()
        self.page = ""
        self.heard: set[str] = set()
        self._nodes = nodes
        self._double_since_s: dict[str, float] = {}
        self._clock = clock
        self._heard_s: dict[str, float] = {}
        self.move(namespace)

    def move(self, namespace: str) -> None:
        """Listen to the nodes of this namespace from now on."""
        self._place = namespace.strip("/")
        self._names = {f"{self._place}/{node}".lstrip("/"): node for node in self._nodes}
        self.refused.clear()
        self.active.clear()
        self._heard_s.clear()
        self.page = ""

    def __enter__(self) -> GraphWatch:
        # Without rclpy's handlers Ctrl-C is ours.
        rclpy.init(args=command_line_arguments(), signal_handler_options=SignalHandlerOptions.NO)
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

    @property
    def node(self) -> Node:
        """That listens: for others who have something to ask of the graph meanwhile."""
        return self._node

    def wait(self, seconds: float) -> None:
        """Listen for a while; returns early when something was heard."""
        try:
            self._executor.spin_once(timeout_sec=seconds)
        except ExternalShutdownException:
            return  # the graph is being ended

    def already_running(self, beside: Collection[str] = ()) -> list[str]:
        """Names of the graph's nodes, and of those `beside` them, that run in its namespace before it has been started.

        A node that was killed is still known to ROS for a while: one that runs says something of itself every second.
        """
        self._listen(DISCOVERY_S)
        if not self.known(beside):
            return []
        self._listen(HEARTBEAT_S)
        others = {f"{self._place}/{node}".lstrip("/"): node for node in beside}
        return sorted(node for name, node in {**self._names, **others}.items() if name in self.heard)

    def doubled(self) -> list[str]:
        """Names that more than one node of the namespace has had for `DOUBLE_S`."""
        names, now_s = self.known(), self._clock()
        self._double_since_s = {
            name: self._double_since_s.get(name, now_s) for name in set(names) if names.count(name) > 1
        }
        return sorted(name for name, since_s in self._double_since_s.items() if now_s - since_s >= DOUBLE_S)

    def hung(self) -> list[str]:
        """Nodes that were active and have said nothing for `HUNG_S`."""
        now_s = self._clock()
        return sorted(node for node in self.active if now_s - self._heard_s[node] > HUNG_S)

    def known(self, beside: Collection[str] = ()) -> list[str]:
        """Names of the graph's nodes, and those `beside` them, that ROS knows in its namespace, one for each node."""
        found, names = self._node.get_node_names_and_namespaces(), {*self._nodes, *beside}
        return sorted(name for name, place in found if place.strip("/") == self._place and name in names)

    def _listen(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0.0:
            self.wait(left_s)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.heard.add(status.name)
            node = self._names.get(status.name)
            if node is not None:
                self._hear(node, status)

    def _hear(self, node: str, status: DiagnosticStatus) -> None:
        self._heard_s[node] = self._clock()
        values = {value.key: value.value for value in status.values}
        if values.get("lifecycle") == "active":
            self.active.add(node)
            self.refused.pop(node, None)
        if values.get("failure"):
            self.refused[node] = values["failure"]
        self.page = values.get("url") or self.page

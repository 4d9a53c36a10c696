"""A node under test beside another one, in one process and spun by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter


class NodeBench:
    """Made anew for each test, in a context of its own.

    Args:
        kind: class of the node under test.

    Attributes:
        node: under test; neither configured nor activated yet.
        other: whoever publishes and listens.
        limit_s: patience of `until`, s.
    """

    limit_s = 60.0

    def __init__(self, kind: Callable[..., Any]) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = kind(context=self.context)
        self.other = rclpy.create_node("other", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.executor.add_node(self.other)

    def set(self, **values: object) -> None:
        """Set parameters, which must be accepted."""
        for name, value in values.items():
            (result,) = self.node.set_parameters([Parameter(name, value=value)])
            assert result.successful, result.reason

    def until(self, condition: Callable[[], object], meanwhile: Callable[[], object] = lambda: None) -> None:
        """Spin both until the condition holds; `meanwhile` is done before each turn."""
        end_s = time.monotonic() + self.limit_s
        while not condition():
            assert time.monotonic() < end_s, "nothing happened in time"
            meanwhile()
            self.executor.spin_once(timeout_sec=0.02)

    def close(self) -> None:
        """End both nodes."""
        self.node.close()
        self.executor.shutdown()
        self.node.destroy_node()
        self.other.destroy_node()
        rclpy.shutdown(context=self.context)

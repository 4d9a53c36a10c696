"""Messages of `/clock` that rclpy cannot take end a node: they are passed over here."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node

NANOSECONDS = 1_000_000_000
"""In a second: `nanosec` of a time is less."""


class PossibleClock:
    """Stands before rclpy's own callback of `/clock`.

    That raises at a time before 1970, and carries nanoseconds of more than a second over into times that no stamp can
    hold.

    Args:
        node: whose `/clock` it is.
    """

    def __init__(self, node: Node) -> None:
        self._refused = ""
        source: Any = getattr(node, "_time_source", None)
        self._take = getattr(source, "clock_callback", None)
        if self._take is None:
            return  # an rclpy that does it in another way
        source.clock_callback = self._on_clock  # of subscriptions to come, when use_sim_time is set
        subscription = getattr(source, "_clock_sub", None)
        if subscription is not None:
            subscription.callback = self._on_clock

    def news(self) -> str:
        """The newest time that was refused since the last call, in seconds, or nothing."""
        refused, self._refused = self._refused, ""
        return refused

    def _on_clock(self, message: Any) -> None:
        told = message.clock
        if told.sec < 0 or told.nanosec >= NANOSECONDS:
            self._refused = f"{told.sec} s and {told.nanosec} ns"
            return
        assert self._take is not None
        self._take(message)

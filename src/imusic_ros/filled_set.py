"""A wait set that is filled again and again with the same entities instead of built anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.waitable import NumberOfEntities


class FilledSet:
    """Entities that are waited for together; `close` it when all are held.

    Entities that are destroyed meanwhile live on in the middleware until `release`.
    """

    def __init__(self) -> None:
        self._held = ExitStack()
        self._adders: list[tuple[str, Any]] = []
        self._waitables: list[Callable[[Any], object]] = []
        self._count = NumberOfEntities()

    def hold(self, handle: Any, adder: str) -> bool:
        """Wait for an entity, which the method `adder` of a wait set takes; False: it was destroyed a moment ago."""
        held = self._enter(handle)
        if held:
            self._adders.append((adder, handle))
        return held

    def hold_waitable(self, waitable: Any) -> None:
        """Wait for what a waitable consists of."""
        if self._enter(waitable):
            self._count += waitable.get_num_entities()
            self._waitables.append(waitable.add_to_wait_set)

    def close(self, context: Context) -> None:
        """Nothing more comes: the wait set is made."""
        self._held.enter_context(context.handle)
        count = self._count
        self._set = _rclpy.WaitSet(
            count.num_subscriptions + self._number("add_subscription"),
            count.num_guard_conditions + self._number("add_guard_condition"),
            count.num_timers + self._number("add_timer"),
            count.num_clients + self._number("add_client"),
            count.num_services + self._number("add_service"),
            count.num_events,
            context.handle,
        )
        self._fill = [(getattr(self._set, adder), handle) for adder, handle in self._adders]

    def wait(self, timeout_ns: int) -> Any:
        """Wait until something is ready; a negative timeout waits for ever.

        Returns:
            The wait set, to be asked for what is ready.
        """
        waiting = self._set
        waiting.clear_entities()
        for add, handle in self._fill:
            add(handle)
        for add_to in self._waitables:
            add_to(waiting)
        waiting.wait(timeout_ns)
        return waiting

    def release(self) -> None:
        """Let go of the entities; the set cannot be used any more."""
        self._held.close()

    def _enter(self, entity: Any) -> bool:
        try:
            self._held.enter_context(entity)
        except InvalidHandle:
            return False
        return True

    def _number(self, adder: str) -> int:
        return sum(1 for name, _ in self._adders if name == adder)

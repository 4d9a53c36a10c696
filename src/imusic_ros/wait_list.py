"""All that nodes wait for, in one wait set that is filled again and again instead of built anew."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from rclpy.context import Context
from rclpy.event_handler import EventHandler
from rclpy.exceptions import InvalidHandle
from rclpy.guard_condition import GuardCondition
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.node import Node
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from rclpy.waitable import NumberOfEntities


@dataclass(frozen=True)
class Ready:
    """What a wait found.

    Attributes:
        subscriptions: with a message whose callback can be called at once.
        timers: due, whose callback can be called at once.
        others: whether something else may be ready, which is for rclpy to look after.
    """

    subscriptions: list[Subscription[Any]]
    timers: list[Timer]
    others: bool


class WaitList:
    """Entities of some nodes as they are now; make another when entities come or go.

    Entities that are destroyed meanwhile live on in the middleware until `release`. QoS events are left out: each
    publisher and subscription has two, and they cost as much as everything else together.

    Args:
        nodes: whose entities are waited for.
        wakers: guard conditions that end a wait.
        context: of the nodes.

    Attributes:
        complete: False where something cannot be waited for here without robbing it of its trigger.
    """

    def __init__(self, nodes: Iterable[Node], wakers: Iterable[GuardCondition], context: Context) -> None:
        self.complete = True
        self._held = ExitStack()
        self._subscriptions: dict[int, Subscription[Any]] = {}
        self._timers: dict[int, Timer] = {}
        self._guards: dict[int, GuardCondition] = {}
        self._adders: list[tuple[str, Any]] = []
        self._waitables: list[Callable[[Any], object]] = []
        self._count = NumberOfEntities()
        for waker in wakers:
            self._hold(waker.handle, "add_guard_condition")
        for node in nodes:
            self._add_node(node)
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

    def wait(self, timeout_ns: int) -> Ready:
        """Wait until something is ready; a negative timeout waits for ever."""
        waiting = self._set
        waiting.clear_entities()
        for add, handle in self._fill:
            add(handle)
        for add_to in self._waitables:
            add_to(waiting)
        waiting.wait(timeout_ns)
        messages = waiting.get_ready_entities("subscription")
        due = waiting.get_ready_entities("timer")
        subscriptions = [self._subscriptions[p] for p in messages if p in self._subscriptions]
        timers = [self._timers[p] for p in due if p in self._timers]
        # Waiting takes the triggers of guard conditions; everything else stays ready until it is looked after, and so
        # ends the next wait, where no message hides it.
        triggered = waiting.get_ready_entities("guard_condition")
        for pointer in triggered:
            if pointer in self._guards:
                self._guards[pointer].trigger()
        known = len(subscriptions) + len(timers)
        others = known == 0 or known < len(messages) + len(due) or bool(triggered)
        return Ready(subscriptions, timers, others)

    def release(self) -> None:
        """Let go of the entities; the list cannot be used any more."""
        self._held.close()

    def _add_node(self, node: Node) -> None:
        for subscription in node.subscriptions:
            if self._hold(subscription.handle, "add_subscription") and _is_plain_subscription(subscription):
                self._subscriptions[subscription.handle.pointer] = subscription
        for timer in node.timers:
            if self._hold(timer.handle, "add_timer") and _is_plain(timer.callback, 0):
                self._timers[timer.handle.pointer] = timer
        for client in node.clients:
            self._hold(client.handle, "add_client")
        for service in node.services:
            self._hold(service.handle, "add_service")
        for guard in node.guards:
            if self._hold(guard.handle, "add_guard_condition"):
                self._guards[guard.handle.pointer] = guard
        for waitable in node.waitables:
            if not isinstance(waitable, EventHandler) and self._enter(waitable):
                count = waitable.get_num_entities()
                self.complete = self.complete and count.num_guard_conditions == 0
                self._count += count
                self._waitables.append(waitable.add_to_wait_set)

    def _hold(self, handle: Any, adder: str) -> bool:
        held = self._enter(handle)
        if held:
            self._adders.append((adder, handle))
        return held

    def _enter(self, entity: Any) -> bool:
        try:
            self._held.enter_context(entity)
        except InvalidHandle:
            return False  # destroyed a moment ago
        return True

    def _number(self, adder: str) -> int:
        return sum(1 for name, _ in self._adders if name == adder)


def _is_plain_subscription(subscription: Subscription[Any]) -> bool:
    """Whether its callback takes a message only."""
    kinds = getattr(Subscription, "CallbackType", None)
    kind = getattr(subscription, "_callback_type", None)
    return kinds is not None and kind is kinds.MessageOnly and not inspect.iscoroutinefunction(subscription.callback)


def _is_plain(callback: Any, arguments: int) -> bool:
    """Whether a callback is no coroutine and takes so many arguments."""
    if callback is None or inspect.iscoroutinefunction(callback):
        return False
    return len(inspect.signature(callback).parameters) == arguments

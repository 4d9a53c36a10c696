"""All that nodes wait for: what comes often in one wait set, what is seldom ready in another, watched by a thread."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rclpy.context import Context
from rclpy.event_handler import EventHandler
from rclpy.guard_condition import GuardCondition
from rclpy.node import Node
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from imusic_ros.filled_set import FilledSet
from imusic_ros.quiet_watch import QuietWatch


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

    A node has a dozen services of parameters and lifecycle, and going through them takes time at every message:
    services, clients and actions are watched by a thread. QoS events are left out: each publisher and subscription has
    two.

    Args:
        nodes: whose entities are waited for.
        wakers: guard conditions that end a wait.
        context: of the nodes.

    Attributes:
        complete: False where something cannot be waited for here without robbing it of its trigger.
    """

    def __init__(self, nodes: Iterable[Node], wakers: Iterable[GuardCondition], context: Context) -> None:
        self.complete = True
        self._often, self._seldom = FilledSet(), FilledSet()
        self._subscriptions: dict[int, Subscription[Any]] = {}
        self._timers: dict[int, Timer] = {}
        self._guards: dict[int, GuardCondition] = {}
        self._told = GuardCondition(None, None, context=context)
        self._often.hold(self._told.handle, "add_guard_condition")
        self._wakers: set[int] = set()
        for waker in wakers:
            if self._often.hold(waker.handle, "add_guard_condition"):
                self._wakers.add(waker.handle.pointer)
        for node in nodes:
            self._add_node(node)
        self._often.close(context)
        self._quiet = QuietWatch(self._seldom, self._told.trigger, context)

    def wait(self, timeout_ns: int) -> Ready:
        """Wait until something is ready; a negative timeout waits for ever."""
        self._quiet.resume()
        waiting = self._often.wait(timeout_ns)
        messages = waiting.get_ready_entities("subscription")
        due = waiting.get_ready_entities("timer")
        subscriptions = [self._subscriptions[p] for p in messages if p in self._subscriptions]
        timers = [self._timers[p] for p in due if p in self._timers]
        others = len(subscriptions) + len(timers) < len(messages) + len(due)
        for pointer in waiting.get_ready_entities("guard_condition"):
            if pointer in self._guards:
                self._guards[pointer].trigger()  # waiting took the trigger
            others = others or pointer not in self._wakers
        return Ready(subscriptions, timers, others)

    def leave_to_others(self) -> None:
        """Watch nothing until the next wait, so that somebody else can wait for the same."""
        self._quiet.pause()

    def release(self) -> None:
        """Let go of the entities; the list cannot be used any more."""
        self._quiet.end()
        self._often.release()
        self._told.destroy()

    def _add_node(self, node: Node) -> None:
        often, seldom = self._often, self._seldom
        for subscription in node.subscriptions:
            if often.hold(subscription.handle, "add_subscription") and _is_plain_subscription(subscription):
                self._subscriptions[subscription.handle.pointer] = subscription
        for timer in node.timers:
            if often.hold(timer.handle, "add_timer") and _is_plain(timer.callback, 0):
                self._timers[timer.handle.pointer] = timer
        for guard in node.guards:
            if often.hold(guard.handle, "add_guard_condition"):
                self._guards[guard.handle.pointer] = guard
        for client in node.clients:
            seldom.hold(client.handle, "add_client")
        for service in node.services:
            seldom.hold(service.handle, "add_service")
        for waitable in node.waitables:
            if not isinstance(waitable, EventHandler):
                self.complete = self.complete and waitable.get_num_entities().num_guard_conditions == 0
                seldom.hold_waitable(waitable)


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

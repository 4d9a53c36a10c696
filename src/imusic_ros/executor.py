"""An executor that delivers messages and timers at a fraction of the standard one's cost.

rclpy's `SingleThreadedExecutor` collects all entities of its nodes, builds a wait set of them and makes a task for
every callback, twice for each message, because a task wakes its own executor. A node with the services of parameters
and lifecycle pays several times more for that than for the message itself. rclpy's `EventsExecutor` costs as little
as this one, but is experimental, and lock-ups of its middleware callbacks were reported (ros2/rmw_fastrtps#890).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.executors import (
    ConditionReachedException,
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
    TimeoutException,
    TimeoutObject,
)
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.node import Node
from rclpy.subscription import Subscription
from rclpy.task import Future, Task
from rclpy.timer import Timer

from imusic_ros.wait_list import WaitList

SWEEP_PERIOD_S = 5.0
"""How often rclpy itself looks at everything, which takes milliseconds: for QoS events, of which it warns."""

MOST_ROUNDS = 20
"""Messages of one subscription that are delivered before timers and services have their turn: a whole queue."""


class DirectExecutor(SingleThreadedExecutor):  # type: ignore[misc]
    """Calls plain callbacks of subscriptions and timers directly; all else runs as rclpy runs it, in the same thread.

    Only `spin_until_future_complete` differs from the standard executor. While a coroutine is under way, everything
    goes rclpy's way, because then callback groups decide what may run.
    """

    def __init__(self, *, context: Context | None = None) -> None:
        super().__init__(context=context)
        self._list: WaitList | None = None
        self._changed = False
        self._unfinished: list[Task[Any]] = []
        self._swept_s = 0.0
        self._after_ready: list[Callable[[], object]] = []

    def call_after_ready(self, callback: Callable[[], object]) -> None:
        """Call `callback` once when all messages that are ready now are delivered; asking again changes nothing.

        Messages that wait in several subscriptions are delivered in rounds, one of each subscription, and the
        callback is called after each round in which it was asked for. For use in callbacks.
        """
        if callback in self._after_ready:
            return
        self._after_ready.append(callback)
        if self._unfinished:
            self.create_task(self._call_after_ready)  # runs when rclpy has delivered all that this wait found

    def spin_until_future_complete(self, future: Future[Any], timeout_sec: float | None = None) -> None:
        """Execute callbacks until the future is done, the timeout is over or the executor or context is shut down.

        Raises:
            ExternalShutdownException: somebody else ended the context.
        """
        future.add_done_callback(lambda _: self.wake())
        end_s = math.inf if timeout_sec is None or timeout_sec < 0 else time.monotonic() + timeout_sec
        left = TimeoutObject(-1.0)  # one object for all turns: rclpy begins anew when it gets another
        try:
            while self.context.ok() and not self._is_shutdown and not future.done() and not future.cancelled():
                if end_s < math.inf:
                    left.timeout = end_s - time.monotonic()
                    if left.timeout <= 0.0:
                        return
                self._turn(left, future.done)
        except _rclpy.RCLError as error:
            if self.context.ok():
                raise
            raise ExternalShutdownException from error  # it ended while a wait was prepared
        finally:
            self._release()

    def wake(self) -> None:
        """End the wait, because entities came or went or a future is done."""
        self._changed = True
        super().wake()

    def add_node(self, node: Node) -> bool:
        """Look after a node's callbacks; False if that is so already."""
        self._changed = True
        return bool(super().add_node(node))

    def remove_node(self, node: Node) -> None:
        """Look after a node's callbacks no longer."""
        self._changed = True
        super().remove_node(node)

    def _turn(self, left: TimeoutObject, ended: Callable[[], bool]) -> None:
        """Wait once and run what is ready."""
        waiting = self._current_list()
        if self._unfinished or not waiting.complete:
            self._run_one(left, ended)
            return
        ready = waiting.wait(int(1e9 * (min(left.timeout, SWEEP_PERIOD_S) if left.timeout > 0.0 else SWEEP_PERIOD_S)))
        if self._is_shutdown:
            return
        if not self.context.ok():
            raise ExternalShutdownException
        for timer in ready.timers:
            _call_timer(timer)
        self._deliver(ready.subscriptions)
        now_s = time.monotonic()
        # What rclpy runs triggers its guard, as a new task of somebody else does: only the latter wants to be run.
        if ready.others or self._has_tasks() or now_s - self._swept_s > SWEEP_PERIOD_S:
            self._swept_s = now_s
            while self._run_one(0.0, ended):
                pass
        self._call_after_ready()

    def _deliver(self, subscriptions: list[Subscription[Any]]) -> None:
        for _ in range(MOST_ROUNDS):
            subscriptions = [s for s in subscriptions if _call_subscription(s)]
            self._call_after_ready()
            if not subscriptions:
                return

    def _call_after_ready(self) -> None:
        callbacks, self._after_ready = self._after_ready, []
        for callback in callbacks:
            callback()

    def _run_one(self, timeout: float | TimeoutObject, ended: Callable[[], bool]) -> bool:
        """One callback by rclpy's own means; False if none was ready in time."""
        if self._list is not None:
            self._list.leave_to_others()
        try:
            task, _, _ = self.wait_for_ready_callbacks(timeout, None, ended)
        except (TimeoutException, ShutdownException, ConditionReachedException):
            return False
        task()
        error = task.exception()
        if error is not None:
            raise error
        self._unfinished = [t for t in (*self._unfinished, task) if not t.done() and not t.cancelled()]
        return True

    def _has_tasks(self) -> bool:
        return any(not task.done() and not task.cancelled() for task, _, _ in self._tasks)

    def _current_list(self) -> WaitList:
        if self._changed or self._list is None:
            self._release()
            self._changed = False
            # rclpy's own two: `wake` and new tasks trigger the one, Ctrl-C the other.
            wakers = [waker for waker in (self._guard, self._sigint_gc) if waker is not None]
            self._list = WaitList(self.get_nodes(), wakers, self.context)
        return self._list

    def _release(self) -> None:
        released, self._list = self._list, None
        if released is not None:
            released.release()


def make_executor() -> tuple[SingleThreadedExecutor, str]:
    """The executor for this package's nodes.

    Returns:
        The executor, and why it is rclpy's own; an empty text where it is a `DirectExecutor`.
    """
    executor = DirectExecutor()
    missing = [name for name in ("_guard", "_sigint_gc", "_is_shutdown", "_tasks") if not hasattr(executor, name)]
    if not missing:
        return executor, ""
    executor.shutdown()
    return SingleThreadedExecutor(), (
        f"this rclpy's executor has no {', '.join(missing)}: its standard executor is used, which costs more CPU time"
    )


def _call_timer(timer: Timer) -> None:
    try:
        handle = timer.handle
        with handle:
            if not handle.is_timer_ready():
                return  # cancelled or reset by a callback before it
            handle.call_timer()
    except InvalidHandle:
        return  # destroyed by a callback before it
    timer.callback()


def _call_subscription(subscription: Subscription[Any]) -> bool:
    """Deliver one message; False if there is none."""
    try:
        handle = subscription.handle
        with handle:
            taken = handle.take_message(subscription.msg_type, subscription.raw)
    except InvalidHandle:
        return False
    if taken is None:
        return False
    subscription.callback(taken[0])
    return True

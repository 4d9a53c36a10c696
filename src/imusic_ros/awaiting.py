"""Waiting in a service for what another thread does, without holding up the node."""

from __future__ import annotations

from concurrent.futures import Future as Promise
from typing import Any, TypeVar

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.executors import Executor
from rclpy.node import Node
from rclpy.task import Future

T = TypeVar("T")


class Awaiting:
    """Lets the coroutines of a node's services wait for other threads.

    A service that waits belongs in `group`: in a mutually exclusive group, such as a node's default, it would keep
    timers and all other services of the node from running until it answers. rclpy looks at what a coroutine waits for
    only when something wakes its executor, and a future that another thread completes wakes nobody: here it is
    completed in the executor, which is woken for it and once more to go on with the coroutine.

    Args:
        node: whose services wait.

    Attributes:
        group: callback group for services that wait, and for the timers that end their waiting.
    """

    def __init__(self, node: Node) -> None:
        self.group = ReentrantCallbackGroup()
        self._node = node
        self._clock = Clock(clock_type=ClockType.STEADY_TIME)  # time passes also where a simulation stands still

    async def result(self, promise: Promise[T], timeout_s: float, otherwise: T) -> T:
        """What `promise` is completed with, in whatever thread; `otherwise` if that takes longer than `timeout_s`.

        Raises:
            Exception: what the promise was failed with.
        """
        executor = self._node.executor
        if executor is None:
            return promise.result() if promise.done() else otherwise
        done: Any = Future(executor=executor)

        def complete(value: Promise[T] | None) -> None:
            if not done.done():
                done.set_result(value)
            executor.wake()  # to look at the coroutine again, which this rclpy does after a wait only

        timer = self._node.create_timer(timeout_s, lambda: complete(None), self.group, self._clock)
        promise.add_done_callback(lambda ended: _in_executor(executor, complete, ended))
        try:
            await done
        finally:
            self._node.destroy_timer(timer)
        ended: Promise[T] | None = done.result()
        return otherwise if ended is None else ended.result()


def _in_executor(executor: Executor, callback: Any, *arguments: Any) -> None:
    executor.create_task(callback, *arguments)

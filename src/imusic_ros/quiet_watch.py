"""Waits in a thread of its own for what is seldom ready, so that no message's wait goes through it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rclpy.context import Context
from rclpy.guard_condition import GuardCondition
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy

from imusic_ros.filled_set import FilledSet

KINDS = ("subscription", "guard_condition", "timer", "client", "service")


class QuietWatch:
    """Watches entities between `resume` and `pause`, and tells once when one is ready.

    The thread waits and nothing else: whoever is told takes and calls, and lets it `resume`. A pause is over at once;
    so nobody else waits for the same entities at the same time.

    Args:
        entities: not closed yet.
        tell: called in the thread when one of them is ready; it watches no more then.
        context: of the entities.
    """

    def __init__(self, entities: FilledSet, tell: Callable[[], object], context: Context) -> None:
        self._entities, self._tell = entities, tell
        self._waker = GuardCondition(None, None, context=context)
        entities.hold(self._waker.handle, "add_guard_condition")
        entities.close(context)
        self._may_watch = threading.Semaphore(0)
        self._watches_not = threading.Event()
        self._watches_not.set()
        self._asked_to_pause = self._ended = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="quiet entities", daemon=True)
        self._thread.start()

    def resume(self) -> None:
        """Watch; does nothing while it does.

        Raises:
            RCLError: the wait before failed.
        """
        if self._error is not None:
            raise self._error
        if self._watches_not.is_set():
            self._asked_to_pause = False
            self._watches_not.clear()
            self._may_watch.release()

    def pause(self) -> None:
        """Watch no more when this returns; does nothing while it does not watch."""
        if not self._watches_not.is_set():
            self._asked_to_pause = True
            self._waker.trigger()
            self._watches_not.wait()

    def end(self) -> None:
        """End the thread and let go of the entities."""
        self.pause()
        self._ended = True
        self._may_watch.release()
        self._thread.join()
        self._entities.release()
        self._waker.destroy()

    def _run(self) -> None:
        while True:
            self._may_watch.acquire()
            if self._ended:
                return
            try:
                found = self._watch()
            except _rclpy.RCLError as error:
                self._error, found = error, True
            self._watches_not.set()
            if found:
                self._tell()

    def _watch(self) -> bool:
        """Whether something is ready; False where it was asked to pause."""
        while not self._asked_to_pause:
            waiting: Any = self._entities.wait(-1)
            ready = [pointer for kind in KINDS for pointer in waiting.get_ready_entities(kind)]
            # A trigger of the waker that came too late for the pause before it is no reason to stop.
            if any(pointer != self._waker.handle.pointer for pointer in ready):
                return True
        return False

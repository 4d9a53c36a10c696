"""When Python looks for garbage cycles: at chosen moments, and only among what is new."""

from __future__ import annotations

import gc

FULL_PERIOD = 60
"""One collection in this many takes all generations; the others only what is new since the one before."""


class GarbageControl:
    """Takes the place of automatic collection in a process while one of its nodes is active.

    Left to itself, Python collects when enough objects were made, which is in the middle of some frame, and now and
    then goes through everything that imports and the model have left, which takes longer than a frame. Reference counts
    free nearly everything anyway; what is left are cycles, such as finished tasks with their exceptions.
    """

    def __init__(self) -> None:
        self._active = self._asked = self._collections = 0

    def begin(self) -> None:
        """Collect once, set aside what is alive and collect no more by itself; each node does so."""
        self._active += 1
        gc.collect()
        gc.freeze()
        gc.disable()

    def collect(self) -> None:
        """Collect what is new; each node calls it about once a second. Does nothing before `begin`."""
        self._asked += 1
        if not self._active or self._asked % self._active:
            return
        self._collections += 1
        gc.collect(2 if self._collections % FULL_PERIOD == 0 else 1)

    def end(self) -> None:
        """Go back to automatic collection when no other node is active."""
        self._active = max(0, self._active - 1)
        if self._active:
            return
        gc.unfreeze()
        gc.enable()

"""Plays events at their time on a stage, and does what it is told meanwhile. No ROS here."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

from face_recording.replay.events import Event, EventKind, EventSource
from face_recording.replay.face_check import FaceCheck
from face_recording.replay.timeline import AS_FAST_AS_POSSIBLE, Timeline

TICK_S: Final = 0.01
"""How often the stage is told the time while nothing happens."""
STANDING_TICK_S: Final = 0.1
"""The same while time stands still: for who comes later."""
HELD_UP_S: Final = 0.05
"""Who is later than this, in seconds of the computer's clock, does not catch up."""


class Stage(Protocol):
    """Where events go; all is called in the player's thread."""

    def begin(self, at_ns: int) -> None:
        """Playing begins at a place, the first time or after a jump."""
        ...

    def tell(self, time_ns: int) -> None:
        """This is the time."""
        ...

    def publish(self, topic: str, message: Any) -> None:
        """Publish a message."""
        ...

    def frame(self, topic: str, message: Any, sequence: int, exact: bool) -> None:
        """Publish a sample; waits while too many wait for their faces. Raises `ReplayError` if none comes."""
        ...

    def take_over(self, message: Any) -> None:
        """Let inference go on from a snapshot, after everything before it. Raises `ReplayError` if it does not."""
        ...

    def recorded(self, message: Any, exact: bool) -> None:
        """A face as it was recorded; not `exact`: before the first snapshot."""
        ...

    def drain(self) -> None:
        """Wait for the faces of all samples."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait, at most so long; less after `Player.wake`."""
        ...


class Player:
    """Runs in a thread of its own; everything but `run` may be called from any.

    Args:
        source: of the events.
        timeline: that they are played on.
        stage: that they are played to.
        check: compares faces; told of the end of each lap.
        wake: called when something was asked, so that `Stage.wait` returns.

    Attributes:
        ended: whether the end was reached, and nothing is played again.
        laps: how often the end was reached.
        samples: frames that were played.
    """

    def __init__(
        self,
        source: EventSource,
        timeline: Timeline,
        stage: Stage,
        check: FaceCheck | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self.ended = False
        self.laps = self.samples = 0
        self._source, self._timeline, self._stage, self._check, self._wake = source, timeline, stage, check, wake
        self._lock = threading.RLock()
        self._stop = False
        self._silent = False

    @property
    def position_ns(self) -> int:
        """Where it is."""
        with self._lock:
            return self._timeline.now_ns()

    @property
    def paused(self) -> bool:
        """Whether it stands still because somebody asked for it."""
        return self._timeline.paused

    @property
    def catching_up(self) -> bool:
        """Whether samples before the place are being played."""
        return self._silent

    def pause(self) -> None:
        """Stand still."""
        self._asked(self._timeline.pause)

    def resume(self) -> None:
        """Go on; from the beginning if the end was reached."""
        with self._lock:
            if self.ended:
                self._timeline.seek(self._timeline.begin_ns)
                self.ended = False
        self._asked(self._timeline.resume)

    def seek(self, moment_ns: int) -> int:
        """Jump; returns where to."""
        with self._lock:
            reached = self._timeline.seek(moment_ns)
            self.ended = False
        self._wake()
        return reached

    def set_rate(self, rate: float) -> None:
        """Another rate; raises `ReplayError`."""
        self._asked(lambda: self._timeline.set_rate(rate))

    def stop(self) -> None:
        """End `run` soon."""
        self._stop = True
        self._wake()

    def run(self) -> None:
        """Play until the end, or until it is stopped; with `loop`, again and again.

        Raises:
            ReplayError: inference does not answer, or the recording cannot be played on.
            BagError: the recording is damaged.
        """
        timeline = self._timeline
        with self._lock:
            timeline.go()
        while not self._stop:
            with self._lock:
                lap, at_ns = timeline.lap, timeline.now_ns()
            if not self._play(at_ns, lap):
                if self._check is not None:
                    self._stage.drain()
                    self._check.end_lap()
                continue
            self._stage.drain()
            if self._check is not None:
                self._check.end_lap()
            self.laps += 1
            with self._lock:
                if timeline.lap != lap:
                    continue
                if timeline.loop:
                    timeline.seek(timeline.begin_ns)
                    continue
                self.ended = True
            return

    def _asked(self, change: Callable[[], None]) -> None:
        with self._lock:
            change()
        self._wake()

    def _play(self, at_ns: int, lap: int) -> bool:
        """From a place to the end; False if it was left before, by a jump or because it was stopped."""
        timeline, stage = self._timeline, self._stage
        stage.begin(at_ns)
        for event in self._source.events(at_ns, timeline.end_ns):
            self._silent = event.silent
            if event.silent:
                if self._left(lap):
                    return False
                self._do(event)
                with self._lock:
                    if not self._left(lap):
                        timeline.held_up(at_ns)  # time does not run while the place is being reached
                continue
            if event.kind is EventKind.RECORDED:
                self._do(event)
                continue
            if not self._await(event.time_ns, lap):
                return False
            stage.tell(event.time_ns)
            self._do(event)
            with self._lock:
                timeline.reached(event.time_ns)
        self._silent = False
        return self._await(timeline.end_ns, lap)

    def _await(self, moment_ns: int, lap: int) -> bool:
        """Wait for a moment; False if it will not come, because of a jump or because it was stopped."""
        timeline, stage = self._timeline, self._stage
        while True:
            with self._lock:
                if self._left(lap):
                    return False
                wait_s, now_ns, paused = timeline.wait_s(moment_ns), timeline.now_ns(), timeline.paused
                if wait_s == 0.0:
                    rate = timeline.rate
                    if rate != AS_FAST_AS_POSSIBLE and now_ns - moment_ns > 1e9 * HELD_UP_S * rate:
                        timeline.held_up(moment_ns)
                    return True
            stage.tell(now_ns)
            tick_s = STANDING_TICK_S if paused or wait_s == math.inf else TICK_S
            stage.wait(min(wait_s, tick_s))

    def _left(self, lap: int) -> bool:
        return self._stop or self._timeline.lap != lap

    def _do(self, event: Event) -> None:
        stage = self._stage
        if event.kind is EventKind.FRAME:
            if event.silent:
                stage.tell(event.time_ns)
            stage.frame(event.topic, event.message, event.sequence, event.exact)
            self.samples += 1
        elif event.kind is EventKind.PUBLISH:
            stage.publish(event.topic, event.message)
        elif event.kind is EventKind.TAKE_OVER:
            stage.take_over(event.message)
        else:
            stage.recorded(event.message, event.exact)

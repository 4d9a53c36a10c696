"""Playing on a virtual clock, to a stage that writes down what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from face_recording.replay.events import Event, EventKind
from face_recording.replay.face_check import FaceCheck
from face_recording.replay.player import Player
from face_recording.replay.timeline import AS_FAST_AS_POSSIBLE, Timeline

S = 1_000_000_000
BEGIN = 1_700_000_000 * S
COUNT = 100
STEP_NS = S // 10


class Source:
    """A sample every 0.1 s; those of the second before the place are played silently."""

    def __init__(self) -> None:
        self.begun: list[int] = []

    def events(self, at_ns: int, end_ns: int) -> Iterator[Event]:
        self.begun.append(at_ns)
        first = max(0, -(-(at_ns - BEGIN) // STEP_NS) - 10)
        yield Event(at_ns, EventKind.TAKE_OVER, "face/snapshot", first, silent=True)
        for i in range(first, COUNT + 1):
            time_ns = BEGIN + i * STEP_NS
            if time_ns > end_ns:
                return
            yield Event(time_ns, EventKind.FRAME, "imu/frame", i, i, silent=time_ns < at_ns)


class Stage:
    """Its time passes while the player waits."""

    def __init__(self) -> None:
        self.now_s = 50.0
        self.done: list[tuple[str, Any]] = []
        self.times: list[int] = []
        self.frame_costs_s = 0.0
        self.asked: list[tuple[float, Callable[[], object]]] = []

    def clock(self) -> float:
        return self.now_s

    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        while self.asked and self.asked[0][0] <= self.now_s:
            self.asked.pop(0)[1]()

    def at(self, seconds: float, ask: Callable[[], object]) -> None:
        self.asked.append((50.0 + seconds, ask))

    def begin(self, at_ns: int) -> None:
        self.done.append(("begin", at_ns))

    def tell(self, time_ns: int) -> None:
        self.times.append(time_ns)

    def publish(self, topic: str, message: Any) -> None:
        self.done.append((topic, message))

    def frame(self, topic: str, message: Any, sequence: int, exact: bool) -> None:
        self.done.append(("frame", sequence))
        self.pass_time(self.frame_costs_s)

    def take_over(self, message: Any) -> None:
        self.done.append(("take over", message))

    def recorded(self, message: Any, exact: bool) -> None:
        self.done.append(("recorded", message))

    def drain(self) -> None:
        self.done.append(("drain", None))

    def wait(self, seconds: float) -> None:
        self.pass_time(seconds)

    @property
    def frames(self) -> list[int]:
        return [what for kind, what in self.done if kind == "frame"]


def made(
    rate: float = 1.0, begin_s: float = 0.0, end_s: float = 10.0, loop: bool = False
) -> tuple[Player, Stage, Timeline, Source]:
    stage, source = Stage(), Source()
    timeline = Timeline(BEGIN + round(begin_s * S), BEGIN + round(end_s * S), rate=rate, loop=loop, clock=stage.clock)
    return Player(source, timeline, stage, FaceCheck()), stage, timeline, source


@pytest.mark.parametrize("rate", [0.1, 1.0, 20.0])
def test_samples_come_at_their_time(rate: float) -> None:
    player, stage, _, _ = made(rate)
    player.run()
    assert player.ended
    assert player.samples == COUNT + 1
    assert stage.frames == list(range(COUNT + 1))
    assert stage.now_s - 50.0 == pytest.approx(10.0 / rate, rel=1e-3)
    assert stage.times == sorted(stage.times)
    # /clock is told often enough to look smooth.
    assert len(stage.times) >= 10.0 / rate / 0.011


def test_as_fast_as_possible_nothing_is_waited_for() -> None:
    player, stage, _, _ = made(AS_FAST_AS_POSSIBLE)
    player.run()
    assert stage.frames == list(range(COUNT + 1))
    assert stage.now_s == 50.0
    assert stage.times[-1] == BEGIN + 10 * S


def test_a_place_in_the_middle_is_reached_from_before() -> None:
    player, stage, _, source = made(1.0, begin_s=5.0, end_s=7.0)
    player.run()
    assert source.begun == [BEGIN + 5 * S]
    assert stage.done[1] == ("take over", 40)
    assert stage.frames == list(range(40, 71))
    assert stage.now_s - 50.0 == pytest.approx(2.0, rel=1e-3)


def test_a_pause_a_jump_and_another_rate() -> None:
    player, stage, _, source = made(1.0)
    stage.at(1.0, player.pause)
    stage.at(3.0, player.resume)
    stage.at(4.0, lambda: player.seek(BEGIN + 8 * S))
    stage.at(5.0, lambda: player.set_rate(10.0))
    player.run()
    assert source.begun == [BEGIN, BEGIN + 8 * S]
    frames = stage.frames
    jump = frames.index(70)
    assert frames[:jump] == list(range(jump))
    assert frames[jump:] == list(range(70, COUNT + 1))
    assert jump == pytest.approx(20, abs=1)
    assert stage.now_s - 50.0 == pytest.approx(5.1, abs=0.05)


def test_a_pause_at_the_beginning_holds_the_first_sample() -> None:
    player, stage, timeline, _ = made()
    timeline.pause()
    stage.at(2.0, player.resume)
    seen: list[list[int]] = []
    stage.at(1.9, lambda: seen.append(stage.frames))
    stage.asked.sort(key=lambda asked: asked[0])
    player.run()
    assert seen == [[]]
    assert stage.now_s - 50.0 == pytest.approx(12.0, abs=0.05)


def test_a_loop_begins_again_from_the_snapshot() -> None:
    player, stage, _, source = made(1.0, begin_s=2.0, end_s=3.0, loop=True)
    stage.at(3.5, player.stop)
    player.run()
    assert player.laps == 3
    assert source.begun == [BEGIN + 2 * S] * 4
    assert stage.done.count(("take over", 10)) == 4
    assert not player.ended
    lap = list(range(10, 31))
    assert stage.frames[: 3 * len(lap)] == lap * 3


def test_after_the_end_it_begins_anew() -> None:
    player, stage, _, _ = made(20.0)
    player.run()
    assert player.ended
    player.resume()
    assert not player.ended
    player.run()
    assert stage.frames == list(range(COUNT + 1)) * 2


def test_who_is_too_slow_loses_nothing_and_does_not_rush() -> None:
    player, stage, _, _ = made(20.0)
    stage.frame_costs_s = 0.5
    player.run()
    assert stage.frames == list(range(COUNT + 1))
    assert stage.now_s - 50.0 == pytest.approx(0.5 * (COUNT + 1), rel=0.02)
    assert stage.times == sorted(stage.times)

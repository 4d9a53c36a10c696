"""Two halves of a face on two hubs: scripted hubs in real threads, on a clock that the test turns."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from face_model.imu_sample import STATUS_MISSING, STATUS_ORIENTATION_VALID, STATUS_VALID, ImuSample
from face_model.layout import SensorLayout
from imu_driver.hub import ConnectionState, Hub, HubFigures, HubIdentity, HubSensor, Outcome
from imu_driver.joined_hubs import JoinedHubs

GOOD = STATUS_VALID | STATUS_ORIENTATION_VALID


class ScriptedHub:
    """Hands on what a test puts into it."""

    def __init__(self, name: str, layout: SensorLayout, mine: Callable[[str], bool], clock_s: float) -> None:
        self.description, self.problem, self.notices, self.streaming, self.layout_id = name, "", [], True, 1
        self.state = ConnectionState.CONNECTED
        self.mine = np.array([mine(sensor.name) for sensor in layout.sensors])
        units = tuple(
            HubSensor(s.id, s.name, "QMI8658", True, 17.9, 78.5)
            for s, own in zip(layout.sensors, self.mine, strict=True)
            if own
        )
        self.identity: HubIdentity | None = HubIdentity(name, "1", units, 100, True)
        self.clock_s = clock_s
        self.reboots = 0
        self.closed = False
        self.asked: list[int | bool] = []
        self._waiting: deque[ImuSample] = deque()
        self._number = 0
        self._idle = threading.Event()

    def put(self, time_s: float) -> None:
        count = len(self.mine)
        status = np.where(self.mine, GOOD, STATUS_MISSING).astype(np.uint8)
        turned = np.zeros((count, 4), np.float32)
        turned[:, 2], turned[:, 3] = np.sin(0.5 * time_s), np.cos(0.5 * time_s)  # 1 rad/s
        rate = np.zeros((count, 3), np.float32)
        rate[:, 2] = 1.0
        force = np.tile(np.array([0.0, 0.0, 9.8], np.float32), (count, 1))
        sample = ImuSample(1, self._number, time_s - self.clock_s, status, turned, rate, force, time_s, time_s)
        self._number += 1
        self._waiting.append(sample)

    @property
    def taken(self) -> bool:
        return not self._waiting

    def figures(self) -> HubFigures:
        return HubFigures(samples=self._number, lost=2, reboots=self.reboots, rejected={"bad_crc": 1})

    def step(self) -> list[ImuSample]:
        if self._waiting:
            return [self._waiting.popleft()]
        self._idle.wait(0.001)
        return []

    def identify(self, sensor_id: int) -> Future[Outcome]:
        return self._done(sensor_id)

    def set_streaming(self, wanted: bool) -> Future[Outcome]:
        self.streaming = wanted
        return self._done(wanted)

    def _done(self, what: int | bool) -> Future[Outcome]:
        self.asked.append(what)
        future: Future[Outcome] = Future()
        future.set_result(Outcome(True, True, ""))
        return future

    def close(self) -> None:
        self.closed = True


class HubError(Exception):
    """What a fault in a hub's code raises."""


class Bench:
    def __init__(self, layout: SensorLayout) -> None:
        self.now_s = 1000.0
        self.left = ScriptedHub("left", layout, lambda name: not name.endswith("_right"), 900.0)
        self.right = ScriptedHub("right", layout, lambda name: name.endswith("_right"), 10.0)
        hubs: tuple[Hub, Hub] = (self.left, self.right)
        self.joined = JoinedHubs(hubs, layout, 100, lambda: self.now_s)

    def run(self, seconds: float, *hubs: ScriptedHub, phase_s: float = 0.004) -> list[ImuSample]:
        """Samples of each hub at 100 Hz, of the second 4 ms later."""
        frames = []
        for _ in range(round(100.0 * seconds)):
            for hub in hubs:
                hub.put(self.now_s - (0.0 if hub is self.left else phase_s))
            while not all(hub.taken for hub in hubs):
                frames += self.joined.step()
            frames += self.joined.step()
            self.now_s += 0.01
        return frames


@pytest.fixture
def bench(layout: SensorLayout) -> Iterator[Bench]:
    bench = Bench(layout)
    yield bench
    bench.joined.close()
    assert bench.left.closed
    assert bench.right.closed


def test_frames_hold_both_halves_at_one_time(bench: Bench) -> None:
    frames = bench.run(2.0, bench.left, bench.right)
    whole = frames[10:]
    assert len(whole) > 150
    assert all(frame.valid.all() for frame in whole)
    steps = np.diff([frame.host_time_s for frame in whole])
    np.testing.assert_allclose(steps, 0.01, atol=1e-9)
    for frame in whole:
        # Everything turns alike: at one time all units show the same.
        assert np.abs(frame.orientation - frame.orientation[0]).max() < 1e-5
    assert whole[0].hub_time_s == pytest.approx(whole[0].host_time_s - frames[0].host_time_s)
    assert {frame.layout_id for frame in whole} == {bench.joined.layout_id}


def test_a_half_that_is_missing_takes_its_units_with_it_and_no_more(bench: Bench) -> None:
    bench.run(1.0, bench.left, bench.right)
    bench.right.state, bench.right.problem = ConnectionState.DISCONNECTED, "right is unplugged"
    alone = bench.run(1.0, bench.left)[20:]
    assert len(alone) > 70
    for frame in alone:
        np.testing.assert_array_equal(frame.valid, bench.left.mine)
        assert (frame.status[bench.right.mine] == STATUS_MISSING).all()
    assert bench.joined.state is ConnectionState.CONNECTED
    assert bench.joined.problem == ""
    assert bench.joined.notices == ["right is unplugged"]
    bench.right.state = ConnectionState.CONNECTED
    assert bench.run(1.0, bench.left, bench.right)[-1].valid.all()


def test_a_half_that_was_restarted_begins_the_time_anew(bench: Bench) -> None:
    before = bench.run(1.0, bench.left, bench.right)[-1]
    bench.right.clock_s = bench.now_s
    after = bench.run(1.0, bench.left, bench.right)
    assert any(frame.hub_time_s < before.hub_time_s for frame in after), "who computes faces looks for headings again"
    assert after[-1].host_time_s > before.host_time_s
    assert [b.sequence - a.sequence for a, b in pairwise(after)] == [1] * (len(after) - 1)


def test_together_they_are_one_hub(bench: Bench, layout: SensorLayout) -> None:
    joined, identity = bench.joined, bench.joined.identity
    assert identity is not None
    assert identity is joined.identity
    assert identity.name == "left + right"
    assert {sensor.id for sensor in identity.sensors} == {sensor.id for sensor in layout.sensors}
    assert joined.notices == []
    figures = joined.figures()
    assert (figures.lost, figures.rejected) == (4, {"bad_crc": 2})
    assert set(figures.sensor_lost) == {2}, "each of its own hub"
    assert (figures.sensor_rate_hz, figures.sensor_temperature_c) == ((), ())
    right = next(sensor.id for sensor in layout.sensors if sensor.name.endswith("_right"))
    assert joined.identify(right).result(5.0).ok
    assert (bench.left.asked, bench.right.asked) == ([], [right])
    assert joined.set_streaming(False).result(5.0) == Outcome(True, True, "")
    assert not joined.streaming


def test_figures_of_each_sensor_are_those_of_its_hub(
    bench: Bench, layout: SensorLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = len(layout.sensors)
    whole = HubFigures(
        sensor_lost=(5,) * count,
        sensor_rate_hz=(50.0,) * count,
        sensor_temperature_c=(31.0,) * count,
        disagreeing=(7,) * count,
        more={"battery": "half"},
    )
    monkeypatch.setattr(bench.left, "figures", lambda: whole)
    monkeypatch.setattr(bench.right, "figures", lambda: HubFigures(lost=9, samples=3))
    figures = bench.joined.figures()
    mine = bench.left.mine
    np.testing.assert_array_equal(figures.sensor_lost, np.where(mine, 5, 9))
    np.testing.assert_array_equal(figures.sensor_rate_hz, np.where(mine, 50.0, np.nan))
    np.testing.assert_array_equal(figures.sensor_temperature_c, np.where(mine, 31.0, np.nan))
    np.testing.assert_array_equal(figures.disagreeing, np.where(mine, 7, 0))
    assert figures.more["hub_1_battery"] == "half"
    assert figures.more["hub_2"] == "right at right, CONNECTED, 3 samples, 9 lost, 0 rejected, 0 reboots"
    bench.left.identity = None
    assert set(bench.joined.figures().sensor_lost) == {0, 9}, "of the units that nobody has nothing is lost"


def test_units_of_nobody_and_of_both_are_told(bench: Bench) -> None:
    assert bench.right.identity is not None
    assert bench.left.identity is not None
    shared = bench.left.identity.sensors[0]
    bench.right.identity = replace(bench.right.identity, sensors=(shared, *bench.right.identity.sensors[1:]))
    missing, twice = bench.joined.notices
    assert missing.startswith("expected but unknown to all hubs: ")
    assert twice == f"on several hubs, taken from the first: {shared.place} ({shared.id})"
    bench.right.identity = None
    for hub in (bench.left, bench.right):
        hub.state, hub.problem = ConnectionState.CONNECTING, f"{hub.description} waits"
    assert bench.joined.state is ConnectionState.CONNECTING
    assert bench.joined.problem == "left waits; right waits"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_hub_whose_code_fails_is_not_taken_for_a_silent_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.run(0.1, bench.left, bench.right)

    def fail() -> list[ImuSample]:
        raise HubError

    monkeypatch.setattr(bench.right, "step", fail)

    def go_on() -> None:
        while True:
            bench.joined.step()

    with pytest.raises(RuntimeError, match="one of left and right"):
        go_on()

"""Two hubs on one face, saved anywhere and run again from their bytes: the same frames, bit for bit."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from face_model.errors import SnapshotError
from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout
from face_model.saved_arrays import packed, unpacked
from imu_driver import joined_hubs
from imu_driver.hub import JOINED, Hub, RecordableHub
from imu_driver.hubs.imusic_v1.session import HubSession
from imu_driver.joined_hubs import JoinedHubs
from imu_driver.joined_state import MOST_PIECES, GatheredStates
from imu_driver.replay import HubReplay, Piece, hub_snapshot, stamp_ns
from imu_driver.replayed_hub import Piece as HubPiece
from imu_sim.hub.faults import Faults
from sample_content import content

if TYPE_CHECKING:
    from conftest import BenchHub, Rig, VirtualLine

EVENTS = ("lose", "cut", "unplug", "reboot", "pause", "identify", "stall", "bias", "units")
NAMES = ("left", "right")


class Turns:
    """In place of a `HubThread`: steps when a test says so, so that no two hubs step at once."""

    alive = True

    def __init__(
        self, hub: Hub, on_sample: Callable[[ImuSample], None], after_step: Callable[[], None] = lambda: None
    ) -> None:
        self.hub, self.on_sample, self.after_step = hub, on_sample, after_step

    def start(self) -> None:
        """Nothing runs by itself."""

    def stop(self) -> None:
        self.hub.close()

    def turn(self) -> None:
        for sample in self.hub.step():
            self.on_sample(sample)
        self.after_step()


class Recorder:
    """Two halves of a face on one virtual clock, stepped in any order, and all that a recorder keeps of them."""

    def __init__(
        self, make_rig: Callable[..., Rig], layout: SensorLayout, seed: int, raw: bool, by_arrival: bool = False
    ) -> None:
        self.random = random.Random(seed)
        self.layout, self.by_arrival = layout, by_arrival
        rig = make_rig()
        self.clock = rig.clock
        self.hubs: list[BenchHub] = []
        self.lines: list[VirtualLine] = []
        self.sessions: list[HubSession] = []
        for index, name in enumerate(NAMES):
            hub = type(rig.hub)(layout, self.clock)
            hub.settings = replace(hub.settings, name=name)
            hub.set_faults(Faults(no_quaternion=raw, unlisted=self.others(index)))
            line = type(rig.line)(self.clock, hub)
            self.hubs.append(hub)
            self.lines.append(line)
            session = HubSession(
                line, layout, 100, by_arrival=by_arrival, name=name, clock=self.time, wait=self.clock.advance
            )
            self.sessions.append(session)
        self.joined = JoinedHubs(self.sessions, layout, 100, self.time)
        self.joined.tap = self.tap
        self.pieces: list[Piece] = []
        self.samples: list[tuple[object, ...]] = []
        self.snapshots: list[tuple[int, int, bytes]] = []

    def others(self, index: int) -> tuple[str, ...]:
        """Sensors that one of the hubs does not have."""
        return tuple(s.name for s in self.layout.sensors if (s.id % 2 == 1) != bool(index))

    def time(self) -> float:
        self.clock.advance(self.random.uniform(1e-7, 3e-5))
        return self.clock.now_s

    def tap(self, what: int, time_s: float, data: bytes, hub: int = 0, /) -> None:
        self.pieces.append(Piece(what, time_s, data, 1_700_000_000_000_000_000 + round(1e9 * time_s) + 321, hub))

    def run(self, seconds: float, save: float = 0.1) -> None:
        until_s = self.clock() + seconds
        while self.clock() < until_s:
            for thread in self.joined._threads:
                for _ in range(self.random.choice((0, 1, 1, 2))):
                    thread.turn()  # type: ignore[attr-defined]
            for frame in self.joined.step():
                piece = self.pieces[-1]
                assert piece.direction == JOINED
                stamp = stamp_ns(frame, self.by_arrival, piece.arrival_s, piece.stamp_ns)
                self.samples.append(content(frame, stamp))
            if self.random.random() < save and self.joined.quiet:
                self.save()

    def run_until_saved(self) -> None:
        """While a hub does not answer a command, for a second at most, there is nothing to save."""
        for _ in range(20):
            self.run(0.0 if self.snapshots else 0.2, save=0.5)

    def save(self) -> None:
        data = hub_snapshot(self.joined, "imusic_v1", self.layout, 100, self.by_arrival, NAMES)
        self.snapshots.append((len(self.pieces), len(self.samples), data))

    def happen(self, event: str) -> None:
        index = self.random.randrange(2)
        hub, line, session = self.hubs[index], self.lines[index], self.sessions[index]
        if event == "lose":
            line.lose = self.random.randint(1, 12)
        elif event == "cut":
            line.cut = True
            self.run(self.random.uniform(0.05, 0.8))
            line.cut = False
        elif event == "unplug":
            line.plugged = False
            self.run(self.random.uniform(0.1, 1.5))
            line.plugged = True
        elif event == "reboot":
            hub.reboot()
        elif event == "pause":
            self.joined.set_streaming(False)
            self.run(self.random.uniform(0.1, 0.5))
            self.joined.set_streaming(True)
        elif event == "identify":
            self.joined.identify(3)
        elif event == "stall":
            self.clock.advance(self.random.uniform(0.03, 0.7))
        elif event == "bias":
            session.use_gyro_bias(session.gyro_bias())
        else:
            hub.set_faults(replace(hub.faults, unlisted=self.random.choice(((), self.others(index)))))


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined_hubs, "HubThread", Turns)


@pytest.mark.usefixtures("turns")
def test_together_they_can_be_recorded(make_rig: Callable[..., Rig], layout: SensorLayout) -> None:
    recorder = Recorder(make_rig, layout, 1, raw=False)
    assert isinstance(recorder.joined, RecordableHub)
    recorder.run(2.0)
    assert len(recorder.samples) > 150
    assert {piece.hub for piece in recorder.pieces if piece.direction != JOINED} == {0, 1}
    assert recorder.snapshots
    assert [s.place for s in (recorder.joined.identity or pytest.fail("nobody")).sensors] != []
    recorder.joined.close()


def test_from_any_snapshot_the_bytes_give_the_frames_again(
    make_rig: Callable[..., Rig], layout: SensorLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joined_hubs, "HubThread", Turns)

    # A command's time to be sent again lay between two looks at the clock; no state could be saved for a second.
    @example(seed=0, raw=False, by_arrival=False, events=["identify", "stall", "identify"])
    @example(seed=25690, raw=False, by_arrival=False, events=["lose", "identify", "stall", "identify"])
    @settings(deadline=None, max_examples=12)
    @given(
        seed=st.integers(0, 1 << 32),
        raw=st.booleans(),
        by_arrival=st.booleans(),
        events=st.lists(st.sampled_from(EVENTS), max_size=5),
    )
    def holds(seed: int, raw: bool, by_arrival: bool, events: list[str]) -> None:
        recorder = Recorder(make_rig, layout, seed, raw, by_arrival)
        recorder.run(0.6)
        for event in events:
            recorder.happen(event)
            recorder.run(recorder.random.uniform(0.02, 0.9))
        recorder.run(0.5, save=0.5)
        recorder.run_until_saved()
        assert recorder.samples
        assert recorder.snapshots
        chosen = recorder.random.sample(recorder.snapshots, min(5, len(recorder.snapshots)))
        for first, samples_before, snapshot in chosen:
            replay = HubReplay(snapshot)
            found = [content(s.sample, s.stamp_ns) for piece in recorder.pieces[first:] for s in replay.feed(piece)]
            assert found == recorder.samples[samples_before:]
            assert replay.unexplained == 0

    holds()


@pytest.mark.usefixtures("turns")
def test_the_state_after_a_replay_is_that_of_the_hubs(make_rig: Callable[..., Rig], layout: SensorLayout) -> None:
    recorder = Recorder(make_rig, layout, 3, raw=True)
    recorder.run(2.0)
    (first, _, snapshot), *_, (last, _, expected) = recorder.snapshots
    replay = HubReplay(snapshot)
    for piece in recorder.pieces[first:last]:
        replay.feed(piece)
    later = HubReplay(expected)
    for piece in recorder.pieces[last:]:
        assert replay.feed(piece) is not None
        later.feed(piece)
    joints = [each._source._joint.saved_state() for each in (replay, later)]  # type: ignore[union-attr]
    assert packed(joints[0]) == packed(joints[1])


@pytest.mark.usefixtures("turns")
def test_pieces_that_do_not_fit_are_counted_and_do_no_harm(make_rig: Callable[..., Rig], layout: SensorLayout) -> None:
    recorder = Recorder(make_rig, layout, 4, raw=False)
    recorder.run(1.5)
    recorder.run_until_saved()
    first, _, snapshot = recorder.snapshots[0]
    now_s = recorder.pieces[first - 1].arrival_s  # all frames that were due by then are in the snapshot
    replay = HubReplay(snapshot)
    assert replay.feed(Piece(JOINED, now_s, b"\0\1\7")) == []
    assert replay.feed(Piece(0, now_s, b"", hub=9)) == []
    assert replay.unexplained == 4


@pytest.mark.usefixtures("turns")
def test_a_damaged_state_is_refused(make_rig: Callable[..., Rig], layout: SensorLayout) -> None:
    recorder = Recorder(make_rig, layout, 5, raw=True)
    recorder.run(1.5)
    arrays = unpacked(recorder.snapshots[-1][2])
    made = arrays["made"].tobytes().decode()
    changes: dict[str, list[object]] = {
        "made": [made.replace('"names": ["left", "right"]', '"names": []'), made.replace('["left", "right"]', "7")],
        "hub.since": [np.zeros(5, np.uint8), np.full(40, 255, np.uint8), np.zeros(3)],
        "hub.joint.units": ["[[1]]", "[[1], 2]", "{"],
        "hub.joint.hub_time": [np.zeros(3)],
        "hub.hub1.values": ["{}"],
        "hub.hub2.values": ["{}"],
        "hub.joint.assembler.used": [np.full((12, 4), 99, np.int64)],
    }
    for name, wrongs in changes.items():
        for wrong in wrongs:
            array = np.frombuffer(wrong.encode(), np.uint8) if isinstance(wrong, str) else wrong
            with pytest.raises(SnapshotError, match="expected"):
                HubReplay(packed(arrays | {name: array}))  # type: ignore[dict-item]


def test_a_hub_that_is_never_quiet_costs_no_memory() -> None:
    gathered = GatheredStates(2)
    assert not gathered.complete
    gathered.ask()
    assert gathered.wants(0)
    assert gathered.wants(1)
    gathered.came(0, [], {})
    assert not gathered.wants(0)
    for _ in range(MOST_PIECES + 1):
        gathered.came(0, [HubPiece(0, 1.0, b"", hub=0)], None)
    assert gathered.wants(0), "asked anew"
    assert not gathered._since
    gathered.came(1, [], {})
    gathered.came(0, [], {})
    assert gathered.complete
    gathered.forget()
    assert not gathered.complete
    assert not gathered.wants(0)

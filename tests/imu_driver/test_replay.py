"""A hub saved anywhere and run again from its bytes: the same samples, bit for bit, with the same times and stamps."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_model.errors import SnapshotError
from face_model.saved_arrays import packed, unpacked
from imu_driver.hub import FROM_HUB, ReplayableHub
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.replay import HubReplay, Piece, hub_snapshot, replayed, stamp_ns
from imu_sim.hub.faults import Faults
from sample_content import content

if TYPE_CHECKING:
    from conftest import Rig

EVENTS = ("lose", "cut", "unplug", "reboot", "pause", "identify", "stall", "counts_anew", "garbage", "skip", "spin")


class Recorder:
    """A session whose clock goes on with every look at it, what it reads in pieces, and all that a recorder keeps."""

    def __init__(self, rig: Rig, seed: int, raw: bool, by_arrival: bool = False) -> None:
        self.rig, self.random = rig, random.Random(seed)
        self.pieces: list[Piece] = []
        self.samples: list[tuple[object, ...]] = []
        self.sample_at: list[int] = []
        self.snapshots: list[tuple[int, int, bytes]] = []
        self.rest = b""
        session = rig.session
        session._flow.by_arrival = self.by_arrival = by_arrival
        session._line._clock = self.clock
        session.tap = self.tap
        self.read, rig.line.read = rig.line.read, self.read_part  # type: ignore[method-assign]
        if raw:
            rig.hub.set_faults(Faults(no_quaternion=True))

    def clock(self) -> float:
        self.rig.clock.advance(self.random.uniform(1e-7, 3e-5))
        return self.rig.clock.now_s

    def tap(self, direction: int, time_s: float, data: bytes) -> None:
        self.pieces.append(Piece(direction, time_s, data, 1_700_000_000_000_000_000 + round(1e9 * time_s) + 321))

    def read_part(self, timeout_s: float) -> bytes:
        data = self.rest or self.read(timeout_s)
        size = self.random.choice((len(data), len(data), self.random.randint(0, len(data))))
        self.rest = data[size:] if size else b""
        return data[:size] if size else data

    def run(self, seconds: float) -> None:
        until = self.rig.clock() + seconds
        while self.rig.clock() < until:
            for sample in self.rig.session.step():
                # Answers to what was read stand behind it.
                piece = next(q for q in reversed(self.pieces) if q.direction == FROM_HUB)
                stamp = stamp_ns(sample, self.by_arrival, piece.arrival_s, piece.stamp_ns)
                self.samples.append(content(sample, stamp))
            if self.rig.session.quiet and self.random.random() < 0.1:
                self.save()

    def save(self) -> None:
        session = self.rig.session
        name = session._choice.name
        data = hub_snapshot(session, "imusic_v1", self.rig.layout, 100, self.by_arrival, (name,))
        self.snapshots.append((len(self.pieces), len(self.samples), data))

    def happen(self, event: str) -> None:
        rig = self.rig
        if event == "lose":
            rig.line.lose = self.random.randint(1, 12)
        elif event == "cut":
            rig.line.cut = True
            self.run(self.random.uniform(0.05, 0.8))
            rig.line.cut = False
        elif event == "unplug":
            rig.line.plugged = False
            self.run(self.random.uniform(0.1, 1.5))
            rig.line.plugged, self.rest = True, b""
        elif event == "reboot":
            rig.hub.reboot()
        elif event == "pause":
            rig.session.set_streaming(False)
            self.run(self.random.uniform(0.1, 0.5))
            rig.session.set_streaming(True)
        elif event == "identify":
            rig.session.identify(3)
        elif event == "stall":
            rig.clock.advance(self.random.uniform(0.03, 0.4))
        elif event == "counts_anew":
            rig.hub.number(0)
        elif event == "garbage":
            rig.line.deliver(bytes(self.random.randrange(256) for _ in range(300)))
        elif event == "skip":
            rig.hub.skip(self.random.randint(1, 40))
        else:
            rig.line.deliver(p.encode(rig.hub.hello())[:-7] + b"\0")


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 1 << 32),
    raw=st.booleans(),
    by_arrival=st.booleans(),
    events=st.lists(st.sampled_from(EVENTS), max_size=5),
)
def test_from_any_snapshot_the_bytes_give_the_samples_again(
    make_rig: Callable[..., Rig], seed: int, raw: bool, by_arrival: bool, events: list[str]
) -> None:
    recorder = Recorder(make_rig(), seed, raw, by_arrival)
    recorder.save()
    recorder.run(0.6)
    for event in events:
        recorder.happen(event)
        recorder.run(recorder.random.uniform(0.02, 0.9))
    recorder.run(0.3)
    assert recorder.samples
    later = recorder.snapshots[1:]
    for first, samples_before, snapshot in [recorder.snapshots[0], *recorder.random.sample(later, min(5, len(later)))]:
        replay = HubReplay(snapshot)
        found = [content(s.sample, s.stamp_ns) for piece in recorder.pieces[first:] for s in replay.feed(piece)]
        assert found == recorder.samples[samples_before:]
        assert replay.unexplained == 0


@pytest.mark.parametrize("keyed", [False, True])
def test_another_hub_that_was_refused_by_its_name_is_refused_again(make_rig: Callable[..., Rig], keyed: bool) -> None:
    key = bytes(range(32)) if keyed else None
    recorder = Recorder(make_rig(name="bench-hub", key=key, hub_key=key), 3, raw=True)
    rig = recorder.rig
    recorder.run(1.0)
    recorder.rest = b""
    first, samples_before, snapshot = recorder.snapshots[-1]
    rig.line.plugged = False
    recorder.run(0.3)
    rig.hub.spoil = lambda hello: replace(hello, hub="another")
    rig.hub.reboot()
    rig.line.plugged, recorder.rest = True, b""
    recorder.run(1.0)
    assert "expected the hub 'bench-hub', found 'another'" in rig.session.problem
    rig.hub.spoil = lambda hello: hello
    recorder.run(3.0)
    assert len(recorder.samples) > samples_before + 50
    replay = HubReplay(snapshot)
    found = [content(s.sample, s.stamp_ns) for piece in recorder.pieces[first:] for s in replay.feed(piece)]
    assert found == recorder.samples[samples_before:]
    assert replay.unexplained == 0


def test_the_state_after_a_replay_is_that_of_the_session(make_rig: Callable[..., Rig]) -> None:
    recorder = Recorder(make_rig(), 1, raw=True)
    recorder.run(2.0)
    assert isinstance(recorder.rig.session, ReplayableHub)
    first, _, snapshot = recorder.snapshots[0]
    recorder.run(0.5)
    while not recorder.rig.session.quiet:
        recorder.run(0.01)
    recorder.save()
    replay = HubReplay(snapshot)
    for piece in recorder.pieces[first:]:
        replay.feed(piece)
    assert hub_snapshot(replay._source.hub, "imusic_v1", replay.layout, 100, False) == recorder.snapshots[-1][2]
    assert len(list(replayed(snapshot, recorder.pieces[first:]))) == len(recorder.samples) - recorder.snapshots[0][1]


def test_a_refused_state_changes_nothing(make_rig: Callable[..., Rig]) -> None:
    recorder = Recorder(make_rig(), 2, raw=True)
    recorder.run(1.0)
    session = recorder.rig.session
    good, before = session.saved_state(), packed(session.saved_state())
    text = good["values"].tobytes().decode()
    changes = {
        "values": [text.replace('"stage": 6', '"stage": 99'), text.replace("true", "1"), "{}", "[]", "[" * 9000, "{"],
        "pending": [np.zeros(1 << 20, np.uint8)],
        "pings": [np.zeros((3, 2)), np.full((2, 3), np.nan)],
        "converter.same": [np.zeros(5, np.int64)],
        "converter.filter": [np.zeros((12, 3))],
        "more": [np.zeros(1)],
    }
    for name, wrongs in changes.items():
        for wrong in wrongs:
            array = np.frombuffer(wrong.encode(), np.uint8) if isinstance(wrong, str) else wrong
            with pytest.raises(SnapshotError, match="expected"):
                session.restore_state(good | {name: array})
            assert packed(session.saved_state()) == before, name
    for name in good.keys() - {"converter.before"}:  # there is none before the first sample
        with pytest.raises(SnapshotError):
            session.restore_state({n: a for n, a in good.items() if n != name and not n.startswith(f"{name}.")})
        assert packed(session.saved_state()) == before, name


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_damaged_snapshot_is_refused_or_replays(make_rig: Callable[..., Rig], data: st.DataObject) -> None:
    global _good
    if not _good:
        recorder = Recorder(make_rig(), 3, raw=True)
        recorder.run(0.5)
        _good = recorder.snapshots[-1][2]
    damaged = bytearray(_good)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(SnapshotError):  # nothing else may be raised
        HubReplay(bytes(damaged))


_good = b""


@settings(deadline=None, max_examples=30)
@given(pieces=st.lists(st.tuples(st.integers(0, 3), st.floats(0, 2000), st.binary(max_size=40)), max_size=20))
def test_pieces_from_anywhere_raise_nothing(
    make_rig: Callable[..., Rig], pieces: list[tuple[int, float, bytes]]
) -> None:
    recorder = Recorder(make_rig(), 4, raw=False)
    recorder.save()
    replay = HubReplay(recorder.snapshots[0][2])
    for direction, time_s, data in pieces:
        replay.feed(Piece(direction, time_s, data))


def test_other_bytes_unpack_to_nothing() -> None:
    with pytest.raises(SnapshotError):
        HubReplay(b"")
    with pytest.raises(SnapshotError):
        HubReplay(packed({"made": np.zeros(3)}))
    assert unpacked(packed({})) == {}

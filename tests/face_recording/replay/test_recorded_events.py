"""What is played of a bag, and in which order snapshots and samples come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer

from face_recording.bag_reader import Bag, typestore
from face_recording.replay.events import Event, EventKind, Level
from face_recording.replay.recorded_events import FrameEvents, PublishedEvents, played_topics

STORE = typestore()
TYPES: Any = STORE.types
S = 1_000_000_000
BEGIN = 1_700_000_000 * S
STEP_NS = S // 100
COUNT = 3000
FIRST = 2**32 - 1500
"""The numbers wrap in the middle."""
SNAPSHOT_STEP = 500
MISSED = (700, 704)
"""Samples, counted from the first, that inference did not get; the snapshot after them says so."""


def header(time_ns: int) -> Any:
    return TYPES["std_msgs/msg/Header"](TYPES["builtin_interfaces/msg/Time"](*divmod(time_ns, S)), "face_head")


def number(index: int) -> int:
    return (FIRST + index) % 2**32


def write(path: Path, *, snapshots: bool = True) -> Path:
    kinds = {
        "imu/layout": "SensorLayout",
        "imu/frame": "ImuFrame",
        "face/blendshapes": "FaceBlendshapes",
        "face/snapshot": "Snapshot",
        "imu/bytes": "HubBytes",
        "face/tap": "Tap",
        "face/fused": "FaceBlendshapes",
        "face/expression": "Expression",
    }
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        to = {n: writer.add_connection(f"/ana/{n}", f"imusic/msg/{k}", typestore=STORE) for n, k in kinds.items()}

        def put(name: str, time_ns: int, *values: Any) -> None:
            kind = f"imusic/msg/{kinds[name]}"
            writer.write(to[name], time_ns, STORE.serialize_cdr(TYPES[kind](*values), kind))

        for i in range(COUNT):
            time_ns = BEGIN + i * STEP_NS
            if i == 0:
                put("imu/layout", time_ns, header(time_ns), 7, "face_1", "hub", 100.0, [])
            arrays = [np.zeros(n, np.float32) for n in (4, 3, 3)]
            put("imu/frame", time_ns, header(time_ns), 7, number(i), i, np.array([3], np.uint8), *arrays)
            if snapshots and i % SNAPSHOT_STEP == 100:
                # The recorder had it before the sample that is in it already.
                data = np.array([i // 256, i % 256], np.uint8)
                text = ("kind", "1", "model", "hash", "engine", "")
                put("face/snapshot", time_ns - 1, header(time_ns), number(i), 7, *text, data)
    return path


def missed(data: bytes) -> list[tuple[int, int]]:
    after = data[0] * 256 + data[1]
    return [(number(MISSED[0]), number(MISSED[1]))] if MISSED[1] <= after < MISSED[1] + SNAPSHOT_STEP else []


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("bag") / "bag")


def indices(events: list[Event]) -> list[int]:
    return [(e.sequence - FIRST) % 2**32 for e in events if e.kind is EventKind.FRAME]


@pytest.mark.parametrize("at", [0, 99, 101, 650, 1000, 1601, 2999])
def test_playing_begins_with_the_snapshot_before_the_place(path: Path, at: int) -> None:
    with Bag(path) as bag:
        source = FrameEvents(bag, "ana", compare=False, missed=missed)
        events = list(source.events(BEGIN + at * STEP_NS, bag.end_ns))
        assert source.has_snapshots
    frames = indices(events)
    before = [i for i in range(100, COUNT, SNAPSHOT_STEP) if i * STEP_NS - 1 <= at * STEP_NS]
    first = before[-1] + 1 if before else 0
    expected = [i for i in range(first, COUNT) if not MISSED[0] <= i <= MISSED[1] or first > MISSED[1]]
    if at == 0 or before:
        assert frames == expected
    loud = [e for e in events if e.kind is EventKind.FRAME and not e.silent]
    assert indices(loud)[0] == max(at, first)
    assert all(e.time_ns >= BEGIN + at * STEP_NS for e in loud)


def test_snapshots_come_after_the_last_sample_that_is_in_them(path: Path) -> None:
    with Bag(path) as bag:
        source = FrameEvents(bag, "ana", compare=False, missed=missed)
        events = [e for e in source.events(BEGIN + 650 * STEP_NS, bag.end_ns) if e.kind is not EventKind.PUBLISH]
    assert events[0].kind is EventKind.TAKE_OVER
    newest = 600
    for event in events[1:]:
        if event.kind is EventKind.FRAME:
            newest = (event.sequence - FIRST) % 2**32
        else:
            assert newest % SNAPSHOT_STEP == 100
    assert sum(e.kind is EventKind.TAKE_OVER for e in events) == len(range(600, COUNT, SNAPSHOT_STEP))


def test_what_holds_is_told_first(path: Path) -> None:
    with Bag(path) as bag:
        for source in (FrameEvents(bag, "ana", compare=False, missed=missed), PublishedEvents(bag, "ana")):
            first = next(iter(source.events(BEGIN + 1000 * STEP_NS, bag.end_ns)))
            assert (first.topic, first.kind) == ("imu/layout", EventKind.PUBLISH)


def test_without_snapshots_the_beginning_is_played_first_and_once(tmp_path: Path) -> None:
    with Bag(write(tmp_path / "bag", snapshots=False)) as bag:
        source = FrameEvents(bag, "ana", compare=False, missed=missed)
        assert not source.has_snapshots
        events = list(source.events(BEGIN + 2000 * STEP_NS, bag.end_ns))
        assert indices(events) == list(range(COUNT))
        assert [e.silent for e in events if e.kind is EventKind.FRAME] == [i < 2000 for i in range(COUNT)]
        again = list(source.events(BEGIN + 2000 * STEP_NS, bag.end_ns))
        assert indices(again) == list(range(2000, COUNT))


def test_each_level_plays_its_topics(path: Path) -> None:
    with Bag(path) as bag:
        both = {"imu/layout", "face/tap"}
        published = both | {"imu/frame", "face/blendshapes"}
        weights = Level.WEIGHTS
        assert set(played_topics(bag, "ana", weights).values()) == published | {"face/fused", "face/expression"}
        assert set(played_topics(bag, "ana", weights, ["affect"]).values()) == published | {"face/fused"}
        assert set(played_topics(bag, "ana", weights, ["affect", "fusion"]).values()) == published
        # Faces are computed again, so what was computed from those of then is not played.
        assert set(played_topics(bag, "ana", Level.FRAMES).values()) == both | {"imu/frame"}
        assert set(played_topics(bag, "ana", Level.BYTES).values()) == both

"""Topics of other drivers, saved anywhere and run again from what was read: the same frames, bit for bit."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from face_model.errors import SnapshotError
from face_model.imu_sample import STATUS_ORIENTATION_HOST
from face_model.saved_arrays import packed, unpacked
from imu_driver.hub import FROM_HUB, FusingHub, GyroBias, ReplayableHub
from imu_driver.replay import HubReplay, Piece, hub_snapshot, stamp_ns
from sample_content import content

if TYPE_CHECKING:
    from conftest import Message, TopicsRig

CHIN = 11
EVENTS = ("silent", "no orientation", "off", "stands", "later", "pause", "identify", "bias", "none")


class Recorder:
    """All that a recorder keeps of topics."""

    def __init__(self, rig: TopicsRig, seed: int) -> None:
        assert isinstance(rig.hub, ReplayableHub)
        self.rig, self.random = rig, random.Random(seed)
        self.pieces: list[Piece] = []
        self.samples: list[tuple[object, ...]] = []
        self.snapshots: list[tuple[int, int, bytes]] = []
        rig.hub.tap = self.tap

    def tap(self, what: int, time_s: float, data: bytes, _: int = 0, /) -> None:
        self.pieces.append(Piece(what, time_s, data, 1_700_000_000_000_000_000 + round(1e9 * time_s) + 321))

    def run(self, seconds: float) -> None:
        until_s = self.rig.clock() + seconds
        while self.rig.clock() < until_s:
            for sample in self.rig.hub.step():
                piece = self.pieces[-1]
                assert piece.direction == FROM_HUB
                self.samples.append(content(sample, stamp_ns(sample, False, piece.arrival_s, piece.stamp_ns)))
            if self.rig.hub.quiet and self.random.random() < 0.05:
                self.save()

    def save(self) -> None:
        data = hub_snapshot(self.rig.hub, "imu_topics", self.rig.hub._layout, 100, False)
        self.snapshots.append((len(self.pieces), len(self.samples), data))

    def happen(self, event: str) -> None:
        rig, sensor = self.rig, self.random.randrange(12)
        if event == "silent":
            rig.units.silent = {sensor, CHIN}
        elif event == "no orientation":
            rig.units.spoil = lambda unit, message: (
                replace(message, covariances=(-1.0, 0.0, 0.0)) if unit >= sensor else message
            )
        elif event == "off":
            rig.units.offset_s = self.random.uniform(-3.0, 3.0)
        elif event == "stands":
            rig.units.spoil = lambda unit, message: (
                replace(message, orientation=(0.0, 0.0, 0.0, 1.0)) if unit == sensor else message
            )
        elif event == "later":
            rig.clock.advance(self.random.uniform(0.05, 1.0))
        elif event == "pause":
            rig.hub.set_streaming(False)
            self.run(0.2)
            rig.hub.set_streaming(True)
        elif event == "identify":
            rig.hub.identify(3)
        elif event == "bias":
            rig.hub.use_gyro_bias({sensor: GyroBias((0.01, 0.0, -0.02), 0.002)})
        else:
            rig.units.silent = set()


@pytest.mark.parametrize("seed", range(8))
def test_from_any_snapshot_what_was_read_gives_the_frames_again(topics_rig: TopicsRig, seed: int) -> None:
    recorder = Recorder(topics_rig, seed)
    recorder.save()
    for _ in range(5):
        recorder.run(recorder.random.uniform(0.1, 0.9))
        recorder.happen(recorder.random.choice(EVENTS))
    recorder.run(1.0)
    assert len(recorder.samples) > 100
    chosen = recorder.random.sample(recorder.snapshots, min(6, len(recorder.snapshots)))
    for first, samples_before, snapshot in [recorder.snapshots[0], *chosen]:
        replay = HubReplay(snapshot)
        found = [content(s.sample, s.stamp_ns) for piece in recorder.pieces[first:] for s in replay.feed(piece)]
        assert found == recorder.samples[samples_before:]
        assert replay.unexplained == 0


def test_a_state_that_is_restored_is_the_state_that_was_saved(topics_rig: TopicsRig) -> None:
    recorder = Recorder(topics_rig, 1)
    recorder.happen("no orientation")
    recorder.run(2.0)
    (first, _, snapshot), *_, (last, _, later) = recorder.snapshots
    replay = HubReplay(snapshot)
    for piece in recorder.pieces[first:last]:
        replay.feed(piece)
    again, expected = hub_snapshot(replay._source.hub, "imu_topics", replay.layout, 100, False), unpacked(later)  # type: ignore[union-attr]
    for name, array in unpacked(again).items():
        if name != "hub.session":  # whose problem names where the messages come from
            np.testing.assert_array_equal(array, expected[name])


def test_a_damaged_state_is_refused(topics_rig: TopicsRig) -> None:
    recorder = Recorder(topics_rig, 2)
    recorder.happen("no orientation")
    recorder.run(1.0)
    recorder.save()
    arrays = unpacked(recorder.snapshots[-1][2])
    session = json.loads(arrays["hub.session"].tobytes())
    clock = session["topics"][0]["clock"]
    changes: dict[str, list[object]] = {
        "hub.session": [
            "{}",
            "[" * 9000,
            json.dumps(session | {"topics": []}),
            json.dumps(session | {"times": [1.0]}),
            json.dumps(session | {"state": "ELSEWHERE"}),
            json.dumps(session | {"topics": [{**session["topics"][0], "clock": clock | {"more": 1}}] * 12}),
            json.dumps(session | {"topics": [{**session["topics"][0], "ends": [1]}] * 12}),
        ],
        "hub.fill.known": [np.zeros((1, 3)), np.full((1, 5), 99.0)],
        "hub.fill.filter": [np.zeros((12, 3)), np.zeros(4)],
        "hub.more": [np.zeros(1)],
    }
    for name, wrongs in changes.items():
        for wrong in wrongs:
            array = np.frombuffer(wrong.encode(), np.uint8) if isinstance(wrong, str) else wrong
            with pytest.raises(SnapshotError, match="expected"):
                HubReplay(packed(arrays | {name: array}))  # type: ignore[dict-item]


def biased(unit: int, message: Message) -> Message:
    """No orientation, and a gyroscope that says 0.6 degrees a second about x at rest."""
    x, y, z = message.rate
    return replace(message, rate=(x + 0.01, y, z), covariances=(-1.0, 0.0, 0.0))


def test_biases_of_topics_with_raw_rates_are_found_and_can_be_gone_on_from(topics_rig: TopicsRig) -> None:
    hub = topics_rig.hub
    assert isinstance(hub, FusingHub)
    hub.use_gyro_bias({CHIN: GyroBias((0.02, 0.0, 0.0), 0.003)})
    topics_rig.run(0.5)
    assert hub.identity is not None
    assert hub.identity.sends_orientation
    assert hub.gyro_bias() == {}, "these send orientations"
    topics_rig.units.spoil = lambda unit, message: biased(unit, message) if unit != 3 else message
    samples = topics_rig.run(0.1)
    assert not hub.identity.sends_orientation, "so that what is kept is recalled"
    assert hub.gyro_bias()[CHIN].bias_rad_s[0] == pytest.approx(0.02, abs=0.002), "told before the fusion began"
    topics_rig.run(20.0)
    found = hub.gyro_bias()
    assert set(found) == set(range(12)) - {3}
    assert all(abs(bias.bias_rad_s[0] - 0.02) < 0.012 for bias in found.values())
    assert samples[-1].status[CHIN] & STATUS_ORIENTATION_HOST

"""A part of a take gives, from its snapshot and its frames, the weights that were recorded, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.face_estimate import FaceEstimate, InputLayout
from face_inference.model_folder import load_model
from face_inference.snapshot import restore_snapshot, snapshot_of
from face_inference.tracker import FaceTracker
from face_model import rotation
from face_model.imu_sample import ImuSample
from face_recording.bag_reader import Bag
from face_recording.takes.reading import read_take
from face_recording.takes.take import NS, Take
from face_recording.takes.trimming import trim
from made_up_bags import header, layout, message, write_bag
from made_up_takes import T0_NS

RATE_HZ, COUNT = 100.0, 700


def samples(names: tuple[str, ...]) -> list[ImuSample]:
    """Three still seconds, then smooth turns of every sensor."""
    rng = np.random.default_rng(4)
    t = np.arange(COUNT) / RATE_HZ
    moving = np.clip((t - 3.0) * 2.0, 0.0, 1.0)[:, None, None]
    phase = rng.uniform(0.0, 6.0, (len(names), 3))
    vector = 0.08 * moving * np.sin(t[:, None, None] * rng.uniform(2.0, 8.0, (len(names), 3)) + phase)
    orientation = rotation.from_vector(vector).astype(np.float32)
    rate = np.gradient(vector, 1.0 / RATE_HZ, axis=0).astype(np.float32)
    up = np.broadcast_to(np.array([0.0, 0.0, 9.81]), vector.shape)
    force = rotation.rotate(rotation.conjugate(orientation.astype(np.float64)), up).astype(np.float32)
    status = np.full(len(names), 3, np.uint8)
    return [ImuSample(7, i + 1, i / RATE_HZ, status, orientation[i], rate[i], force[i]) for i in range(COUNT)]


def test_bit_for_bit(tmp_path: Path) -> None:
    model = load_model("imusic")
    names = model.description.mounts.names
    given, engine = samples(names), OnnxRuntimeEngine(model)

    def fresh() -> FaceTracker:
        return FaceTracker(model.description, engine)

    tracker, estimates, states = fresh(), list[FaceEstimate](), dict[int, bytes]()
    tracker.set_layout(InputLayout(7, names, RATE_HZ))
    for i, sample in enumerate(given):
        if i % 100 == 0:
            states[i] = snapshot_of(tracker)
        estimate = tracker.update(sample, now_s=sample.hub_time_s)
        assert estimate is not None
        estimates.append(replace(estimate, weights=estimate.weights.copy(), confidence=estimate.confidence.copy()))
    weights = np.stack([e.weights for e in estimates])
    assert np.ptp(weights[400:], axis=0).max() > 0.01
    take = Take(
        stamps_ns=T0_NS + np.round(np.arange(COUNT) / RATE_HZ * NS).astype(np.int64),
        sequence=np.array([s.sequence for s in given], np.uint32),
        state=np.array([int(e.state) for e in estimates], np.uint8),
        weights=weights,
        confidence=np.stack([e.confidence for e in estimates]),
        observable=np.ones((COUNT, weights.shape[1]), bool),
        head_orientation=np.stack([e.head_orientation for e in estimates]).astype(np.float64),
        age=np.zeros(COUNT, np.float32),
        held=np.zeros(COUNT, bool),
    )

    def frame(_: Take, i: int) -> Any:
        sample = given[i]
        arrays = ("orientation", "angular_velocity", "specific_force")
        return message(
            "ImuFrame",
            header=header(int(take.stamps_ns[i])),
            layout_id=7,
            sequence=sample.sequence,
            hub_time_us=round(1e6 * sample.hub_time_s),
            status=sample.status,
            **{name: getattr(sample, name).ravel() for name in arrays},
        )

    two = layout(RATE_HZ)
    sensors = replace(two, sensors=[replace(two.sensors[0], name=name) for name in names])
    whole = write_bag(tmp_path / "whole", {"": take}, 1.0, frames=frame, sensors=sensors, states=states)
    trim(whole, tmp_path / "part", 4.3, 6.2)
    part = read_take(tmp_path / "part")
    assert part.weights.tobytes() == weights[430:620].tobytes()

    # Another tracker, which knows the part alone.
    again, computed = fresh(), dict[int, np.ndarray]()
    again.set_layout(InputLayout(7, names, RATE_HZ))
    with Bag(tmp_path / "part") as bag:
        first = bag.decoded(next(iter(bag.messages(("/face/snapshot",)))))
        restore_snapshot(again, bytes(first.data))
        for raw in bag.messages(("/imu/frame",)):
            content = bag.decoded(raw)
            assert content.sequence > first.after
            shape = (len(names), -1)
            sample = ImuSample(
                7,
                int(content.sequence),
                content.hub_time_us / 1e6,
                content.status,
                content.orientation.reshape(shape),
                content.angular_velocity.reshape(shape),
                content.specific_force.reshape(shape),
            )
            estimate = again.update(sample, now_s=sample.hub_time_s)
            assert estimate is not None
            computed[sample.sequence] = estimate.weights.copy()
    recomputed = np.stack([computed[int(number)] for number in part.sequence])
    assert recomputed.tobytes() == part.weights.tobytes()
    assert pytest.approx(4.3 - 4.0, abs=0.02) == (part.stamps_ns[0] - take.stamps_ns[400]) / NS

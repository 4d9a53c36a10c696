"""A replay without ROS: the estimator stands where the stage is. As fast as possible, on a clock that stands still."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from face_inference.batch import FaceBatch
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.face_estimate import InputLayout
from face_inference.model_folder import load_model
from face_inference.snapshot import missed_by_inference, restore_snapshot
from face_inference.tracker import FaceTracker
from face_model.imu_sample import ImuSample
from face_recording.bag_reader import LAYOUT, Bag, typestore
from face_recording.replay.face_check import FaceBits, FaceCheck
from face_recording.replay.part import played_part
from face_recording.replay.player import Player
from face_recording.replay.recorded_events import FrameEvents
from face_recording.replay.timeline import AS_FAST_AS_POSSIBLE, Timeline

S = 1_000_000_000


class TrackerStage:
    """Computes each sample as soon as it is played."""

    def __init__(self, bag: Bag, model: str, check: FaceCheck) -> None:
        loaded = load_model(model)
        engine = OnnxRuntimeEngine(loaded, 1)
        self.tracker = FaceTracker(loaded.description, engine)
        self._batch = FaceBatch(engine, [self.tracker])
        self._bag, self._check = bag, check
        self._store = typestore()
        self.taken_over = self.frames = 0

    def begin(self, at_ns: int) -> None:
        pass

    def tell(self, time_ns: int) -> None:
        pass

    def publish(self, topic: str, message: Any) -> None:
        if topic == LAYOUT:
            layout = self._store.deserialize_cdr(message, "imusic/msg/SensorLayout")
            names = tuple(sensor.name for sensor in layout.sensors)
            self.tracker.set_layout(InputLayout(layout.layout_id, names, float(layout.rate)))

    def frame(self, topic: str, message: Any, sequence: int, exact: bool) -> None:
        frame = message
        if isinstance(message, bytes):
            frame = self._store.deserialize_cdr(message, "imusic/msg/ImuFrame")
        count = len(frame.status)
        sample = ImuSample(
            layout_id=int(frame.layout_id),
            sequence=int(frame.sequence),
            hub_time_s=1e-6 * int(frame.hub_time_us),
            status=np.asarray(frame.status, np.uint8),
            orientation=np.asarray(frame.orientation, np.float32).reshape(count, 4),
            angular_velocity=np.asarray(frame.angular_velocity, np.float32).reshape(count, 3),
            specific_force=np.asarray(frame.specific_force, np.float32).reshape(count, 3),
        )
        self.frames += 1
        self._check.played(sequence, exact)
        for _, estimate in self._batch.update([(0, sample)], time.monotonic()):
            x, y, z, w = estimate.head_orientation.tolist()
            face = SimpleNamespace(
                header=frame.header,
                sequence=estimate.sequence,
                age=0.0,
                weights=estimate.weights,
                confidence=estimate.confidence,
                head_orientation=SimpleNamespace(x=x, y=y, z=z, w=w),
            )
            self._check.computed(FaceBits.of(face))

    def take_over(self, message: Any) -> None:
        snapshot = self._store.deserialize_cdr(message, "imusic/msg/Snapshot")
        restore_snapshot(self.tracker, bytes(snapshot.data))
        self.taken_over += 1

    def recorded(self, message: Any, exact: bool) -> None:
        self._check.recorded(FaceBits.of(message), exact)

    def drain(self) -> None:
        pass

    def wait(self, seconds: float) -> None:
        raise AssertionError("as fast as possible there is nothing to wait for")


def replayed(
    path: Path, namespace: str | None = None, start_s: float = 0.0, duration_s: float = 1e9, model: str = "imusic"
) -> tuple[FaceCheck, TrackerStage, float]:
    """The comparison of a replay from frames, and the seconds of the recording that a second played."""
    check = FaceCheck()
    with Bag(path) as bag:
        part = played_part(bag, bag.namespace(namespace), start_s, duration_s)
        timeline = Timeline(part.begin_ns, part.end_ns, rate=AS_FAST_AS_POSSIBLE, clock=lambda: 0.0)
        stage = TrackerStage(bag, model, check)
        source = FrameEvents(bag, bag.namespace(namespace), compare=True, missed=missed_by_inference)
        began_s = time.perf_counter()
        Player(source, timeline, stage, check).run()
        return check, stage, 1e-9 * (part.end_ns - part.begin_ns) / (time.perf_counter() - began_s)

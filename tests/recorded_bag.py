"""A bag of a simulated wearer: what inference would have published, computed here, with its snapshots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer

from face_evaluation.sources import Simulated
from face_evaluation.takes import layout_of, samples_of
from face_inference.batch import FaceBatch
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.model_folder import load_model
from face_inference.snapshot import KIND, snapshot_of
from face_inference.tracker import FaceTracker
from face_recording.bag_reader import typestore
from imu_sim.generator import generate

S = 1_000_000_000
BEGIN_NS = 1_700_000_000 * S
STEP_NS = S // 100
SNAPSHOT_EVERY = 300
MISSED = range(650, 655)
"""Samples that the recorder got and inference did not."""


def write_recording(path: Path, seconds: float, namespace: str = "ana") -> Path:
    """Frames, faces, layout, and a snapshot of inference every three seconds from the first sample on."""
    store = typestore()
    types: Any = store.types
    recording = Simulated(generate(900_007, seconds), "head", 900_001, 100.0).load().recording
    model = load_model("imusic")
    engine = OnnxRuntimeEngine(model, 1)
    tracker = FaceTracker(model.description, engine)
    batch = FaceBatch(engine, [tracker])
    layout = layout_of(recording)
    tracker.set_layout(layout)
    kinds = {
        "imu/layout": "SensorLayout",
        "imu/frame": "ImuFrame",
        "face/blendshapes": "FaceBlendshapes",
        "face/snapshot": "Snapshot",
    }

    def header(time_ns: int) -> Any:
        return types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](*divmod(time_ns, S)), "face_head")

    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        to = {
            name: writer.add_connection(f"/{namespace}/{name}", f"imusic/msg/{kind}", typestore=store)
            for name, kind in kinds.items()
        }

        def put(name: str, time_ns: int, *values: Any) -> None:
            kind = f"imusic/msg/{kinds[name]}"
            writer.write(to[name], time_ns, store.serialize_cdr(types[kind](*values), kind))

        zero = types["geometry_msgs/msg/Point"](0.0, 0.0, 0.0)
        level = types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
        pose, place = types["geometry_msgs/msg/Pose"](zero, level), np.zeros(2, np.float32)
        mounts = [
            types["imusic/msg/SensorMount"](i, name, "none", "midline", "", True, i == 0, place, pose, 0.0, 0.0)
            for i, name in enumerate(layout.names)
        ]
        put("imu/layout", BEGIN_NS, header(BEGIN_NS), layout.layout_id, "face_12", "hub", layout.rate_hz, mounts)
        for i, sample in enumerate(samples_of(recording)):
            taken_ns = BEGIN_NS + i * STEP_NS
            got_ns = taken_ns + 2_000_000
            arrays = (sample.orientation, sample.angular_velocity, sample.specific_force)
            flat = [np.ascontiguousarray(array, np.float32).ravel() for array in arrays]
            hub_time_us = round(1e6 * sample.hub_time_s)
            told = (sample.layout_id, sample.sequence, hub_time_us, sample.status)
            put("imu/frame", got_ns, header(taken_ns), *told, *flat)
            if i in MISSED:
                continue
            for _, face in batch.update([(0, sample)], 1e-9 * got_ns):
                q = types["geometry_msgs/msg/Quaternion"](*face.head_orientation.tolist())
                put(
                    "face/blendshapes", got_ns + 1_000_000, header(taken_ns), *_face_values(store, face, q)
                )  # fmt: skip
            if i % SNAPSHOT_EVERY == 0:
                data = np.frombuffer(snapshot_of(tracker), np.uint8)
                tracker.missed.clear()
                told = (KIND, "0", model.description.title, model.description.digest, engine.description, "")
                values = (sample.sequence, layout.layout_id, *told, data)
                put("face/snapshot", got_ns + 2_000_000, header(taken_ns), *values)
    return path


def _face_values(store: Any, face: Any, q: Any) -> list[Any]:
    """Fields of a face after its header, in the order of the message."""
    known = {
        "sequence": face.sequence,
        "state": int(face.state),
        "model": "",
        "weights": face.weights,
        "confidence": face.confidence,
        "observable": np.zeros(52, np.bool_),
        "head_orientation": q,
        "age": 0.003,
    }
    names = [name for name, _ in store.fielddefs["imusic/msg/FaceBlendshapes"][1]]
    return [known[name] for name in names if name != "header"]

"""Takes in folders as the recorder writes them, made up, without ROS."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from face_model import arkit
from face_recording.bag_metadata import BagTopic, qos_text
from face_recording.bag_reader import typestore
from face_recording.bag_writer import BagWriter
from face_recording.recorded_topics import KINDS
from face_recording.take_sheet import TakeSheet, write_sheet
from face_recording.takes.take import CALIBRATING, NS, TRACKING, Take
from made_up_takes import T0_NS, made_up

STORE = typestore()
LATE_NS = 6_000_000


def message(kind: str, /, **values: Any) -> Any:
    """A message of this package, or of ROS."""
    package, _, name = kind.rpartition("/")
    return STORE.types[f"{package or 'imusic'}/msg/{name}"](**values)


def header(stamp_ns: int, frame: str = "face_head") -> Any:
    time = message("builtin_interfaces/Time", sec=stamp_ns // NS, nanosec=stamp_ns % NS)
    return message("std_msgs/Header", stamp=time, frame_id=frame)


def face(take: Take, i: int) -> Any:
    x, y, z, w = take.head_orientation[i].tolist()
    return message(
        "FaceBlendshapes",
        header=header(int(take.stamps_ns[i]), take.frame_id),
        sequence=int(take.sequence[i]),
        state=int(take.state[i]),
        weights=take.weights[i],
        confidence=take.confidence[i],
        observable=take.observable[i],
        head_orientation=message("geometry_msgs/Quaternion", x=x, y=y, z=z, w=w),
        age=float(take.age[i]),
        model=take.model,
    )


def snapshot(kind: str, stamp_ns: int, after: int, wearer: str) -> Any:
    return message(
        "Snapshot",
        header=header(stamp_ns),
        after=after,
        layout_id=7,
        kind=kind,
        version="0",
        model="imusic 1",
        model_hash="",
        engine="onnx",
        wearer=wearer,
        data=np.frombuffer(f"{kind} {after}".encode(), np.uint8),
    )


def frame(take: Take, i: int) -> Any:
    arrays = {"orientation": 4, "angular_velocity": 3, "specific_force": 3}
    rng = np.random.default_rng(i)
    content = {name: rng.normal(size=(2, size)).astype(np.float32) for name, size in arrays.items()}
    content["orientation"] /= np.linalg.norm(content["orientation"], axis=1, keepdims=True)
    return message(
        "ImuFrame",
        header=header(int(take.stamps_ns[i])),
        layout_id=7,
        sequence=int(take.sequence[i]),
        hub_time_us=1_000_000 + (int(take.stamps_ns[i]) - T0_NS) // 1000,
        status=np.array([3, 3], np.uint8),
        **{name: values.ravel() for name, values in content.items()},
    )


def layout(rate_hz: float) -> Any:
    zero = message("geometry_msgs/Point", x=0.0, y=0.0, z=0.0)
    pose = message(
        "geometry_msgs/Pose", position=zero, orientation=message("geometry_msgs/Quaternion", x=0.0, y=0.0, z=0.0, w=1.0)
    )
    sensors = [
        message(
            "SensorMount",
            id=i,
            name=name,
            muscle="none",
            side="midline",
            part="QMI8658",
            present=True,
            reference=not i,
            place=np.zeros(2, np.float32),
            skull_pose=pose,
            gyro_range=1.0,
            accel_range=1.0,
        )
        for i, name in enumerate(("skull", "chin"))
    ]
    return message(
        "SensorLayout", header=header(T0_NS), layout_id=7, name="face_2", hub="hub", rate=rate_hz, sensors=sensors
    )


def reference(take: Take, i: int, shift_ns: int, number: int) -> Any:
    return message(
        "FaceReference",
        header=header(int(take.stamps_ns[i]) + shift_ns),
        source="livelink test",
        number=number,
        source_time=float("nan"),
        face_seen=True,
        weights=take.weights[i],
        seen=np.ones(arkit.COUNT, bool),
        confidence=np.zeros(arkit.COUNT, np.float32),
        head_seen=False,
        head_orientation=message("geometry_msgs/Quaternion", x=0.0, y=0.0, z=0.0, w=1.0),
    )


def expression(take: Take, i: int) -> Any:
    return message(
        "Expression",
        header=header(int(take.stamps_ns[i])),
        expression="neutral",
        confidence=1.0,
        names=["neutral"],
        probabilities=np.ones(1, np.float32),
        valence=0.0,
        arousal=0.0,
        valence_deviation=0.25,
        arousal_deviation=0.25,
        intensity=0.0,
    )


def write_bag(
    folder: Path,
    takes: dict[str, Take],
    snapshots_s: float | None = 1.0,
    sheet: TakeSheet | None = None,
    reference_lag_s: float | None = None,
    kill: bool = False,
    frames: Callable[[Take, int], Any] | None = None,
    sensors: Any = None,
    states: Mapping[int, bytes] | None = None,
    faceless: Container[int] = (),
    expressions: bool = False,
) -> Path:
    """A take of one wearer for each namespace: bytes, frames, faces, snapshots, layout.

    Args:
        folder: to make.
        takes: by namespace.
        snapshots_s: how often both nodes publish one; None: never.
        sheet: what take.yaml says.
        reference_lag_s: how much later than the weights a reference is; None: there is none.
        kill: leave it as a recorder that was killed.
        frames: makes ImuFrame of a row; by default of noise.
        sensors: SensorLayout; by default of two sensors.
        faceless: rows of samples that gave no face.
        expressions: whether `face/expression` follows each face.
        states: data of inference's snapshots, by the row that follows; by default text.
    """
    folder.mkdir(parents=True)
    writer = BagWriter(folder)
    entries: list[tuple[int, str, str, Any]] = []
    for place, take in takes.items():
        rate_hz, step = take.rate_hz or 100.0, 0
        entries.append((T0_NS - NS, place, "imu/layout", sensors or layout(rate_hz)))
        for i, stamp in enumerate(take.stamps_ns.tolist()):
            if snapshots_s is not None and stamp - T0_NS >= step * snapshots_s * NS:
                # Both were made after the sample before this one.
                old = int(take.stamps_ns[i - 1]) if i else stamp - NS // 100
                entries.append((stamp + 1, place, "imu/snapshot", snapshot("driver", old, i, take.wearer)))
                after = max(0, int(take.sequence[i]) - 1)
                known = snapshot("tracker", old, after, take.wearer)
                if states is not None:
                    known = replace(known, data=np.frombuffer(states[i], np.uint8))
                entries.append((stamp + 2, place, "face/snapshot", known))
                step += 1
            piece = message(
                "HubBytes",
                header=header(stamp),
                number=i + 1,
                arrival=float(i),
                direction=0,
                data=np.full(20, i % 256, np.uint8),
                hub=0,
            )
            entries.append((stamp + 3, place, "imu/bytes", piece))
            entries.append((stamp + 2_000_000, place, "imu/frame", (frames or frame)(take, i)))
            if i not in faceless:
                entries.append((stamp + LATE_NS, place, "face/blendshapes", face(take, i)))
                if expressions:
                    entries.append((stamp + LATE_NS + 1, place, "face/expression", expression(take, i)))
            if reference_lag_s is not None and i % 2 == 0:
                shift = round(reference_lag_s * NS)
                entries.append(
                    (stamp + max(0, shift) + 20_000_000, place, "face/reference", reference(take, i, shift, i))
                )
    for time_ns, place, relative, content in sorted(entries, key=lambda entry: entry[0]):
        kind = KINDS[relative]
        name = f"/{place}/{relative}" if place else f"/{relative}"
        topic = BagTopic(name, kind.type, qos_text(kind.reliable, kind.latched, kind.depth))
        writer.define(kind.type, STORE.generate_msgdef(kind.type, ros_version=2)[0])
        writer.write(topic, time_ns, bytes(STORE.serialize_cdr(content, kind.type)))
    if kill:
        writer.flush()
        writer.abandon()
    else:
        writer.close()
    if sheet is not None:
        write_sheet(folder, sheet)
    return folder


def tracked(count: int = 500, rate_hz: float = 100.0, calibrating: int = 50, **texts: Any) -> Take:
    """As a recording from its first second: calibration, then tracking."""
    take = made_up(count, rate_hz, **texts)
    take.state[:calibrating], take.state[calibrating:] = CALIBRATING, TRACKING
    take.weights[:calibrating] = 0.0
    return take

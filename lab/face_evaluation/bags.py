"""A recorded bag with a phone's weights beside it, as a take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_evaluation.sources import Loaded
from face_evaluation.states import recorded_observations
from face_inference.model_folder import ModelDescription
from face_inference.wearer.phone_rows import phone_rows
from face_model import arkit
from face_model.share import share_dir
from imu_sim.recorded_motion import recorded_motion
from imu_sim.recording import Recording
from imusic_cli.errors import CommandError

FRAMES, LAYOUT = "imu/frame", "imu/layout"
"""Topics that are read, in any namespace."""

_USABLE, _UNUSABLE = 1 | 2, 32 | 64
"""Bits of ImuFrame.status: valid, orientation valid; missing, fault."""

_TYPES = ("ImuFrame", "SensorLayout", "SensorMount")
_MOST_LAG_S = 60.0
"""Largest difference between the starts of bag and phone."""


@dataclass(frozen=True)
class Given:
    """A take that is there already."""

    recording: Recording

    @property
    def subject(self) -> tuple[str, int]:
        """Nobody that was simulated."""
        return "", 0

    def load(self) -> Loaded:
        """The take; nothing is known of the face, and there is no routine."""
        return Loaded(self.recording, "", "recorded", None, lambda: None)


def bag_with_truth(bag: Path, phone: Path, description: ModelDescription) -> Recording:
    """The part of a bag during which a phone saw the face, with the phone's weights as truth.

    The clocks are brought together by what the model expects the sensors to feel of the phone's weights.

    Args:
        bag: folder of a rosbag2 recording, MCAP or SQLite.
        phone: Live Link Face CSV recorded at the same time.
        description: of a model, whose sensors are in the bag.

    Raises:
        CommandError: the package rosbags is missing, or the bag holds no frames that can be used.
        LiveLinkError: the CSV cannot be used.
        WearerError: bag and phone do not fit together.
        LayoutMismatchError: the model's reference sensor is not in the bag.
    """
    motion, _ = recorded_motion(phone)
    recording = replace(read_bag(bag), person=motion.person)
    time_s = np.arange(motion.samples) / motion.rate_hz
    observed = recorded_observations(recording, description.mounts)
    lag_s = phone_rows(observed, time_s, motion.weights, description.prior, _MOST_LAG_S).alignment.lag_s
    begins, ends = (round((lag_s + t) * recording.rate_hz) for t in (0.0, motion.duration_s))
    rows = slice(max(0, begins), min(len(recording.valid), ends))
    sample_s = np.arange(rows.start, rows.stop) / recording.rate_hz - lag_s
    weights = np.stack([np.interp(sample_s, time_s, column) for column in motion.weights.T], axis=1)
    return replace(
        recording,
        weights=weights.astype(np.float32),
        **{name: getattr(recording, name)[rows] for name in _SIGNALS},
    )


_SIGNALS = ("orientation", "angular_velocity", "specific_force", "valid", "head_orientation")


def read_bag(bag: Path) -> Recording:
    """All frames of the last layout in a bag; lost ones are invalid, weights and head orientation are unknown: zero.

    Raises:
        CommandError: the package rosbags is missing, or the bag holds no frames that can be used.
    """
    layout, frames = _messages(bag)
    if layout is None or len(frames) < 2:
        raise CommandError(
            f"expected {LAYOUT} and {FRAMES} in {bag}, found {len(frames)} frames"
            f"{'' if layout else ' and no layout'}; record: ros2 bag record {FRAMES} {LAYOUT}"
        )
    first, sensors = int(frames[0].sequence), len(layout.sensors)
    rows = np.array([int(frame.sequence) - first for frame in frames])
    if (np.diff(rows) <= 0).any():
        raise CommandError(f"expected rising sequence numbers in {bag}, found the hub restarted; record it again")
    samples = int(rows[-1]) + 1

    def placed(values: list[NDArray[Any]], size: int) -> NDArray[np.float32]:
        out = np.zeros((samples, sensors, size), dtype=np.float32)
        out[rows] = np.stack(values).reshape(len(rows), sensors, size)
        return out

    status = np.stack([np.asarray(frame.status) for frame in frames])
    valid = np.zeros((samples, sensors), dtype=bool)
    valid[rows] = ((status & _USABLE) == _USABLE) & ((status & _UNUSABLE) == 0)
    return Recording(
        person=bag.name,
        take=bag.name,
        rate_hz=float(layout.rate),
        sensor_names=tuple(str(sensor.name) for sensor in layout.sensors),
        orientation=placed([frame.orientation for frame in frames], 4),
        angular_velocity=placed([frame.angular_velocity for frame in frames], 3),
        specific_force=placed([frame.specific_force for frame in frames], 3),
        valid=valid,
        weights=np.zeros((samples, arkit.COUNT), dtype=np.float32),
        head_orientation=np.tile(np.array([0.0, 0.0, 0.0, 1.0], dtype=np.float32), (samples, 1)),
    )


def _messages(bag: Path) -> tuple[Any, list[Any]]:
    """The last layout, None without any, and the frames that refer to it, in order."""
    try:
        from rosbags.highlevel import AnyReader, AnyReaderError
    except ImportError as error:
        raise CommandError(f"expected the package rosbags to read bags, found {error}; pip install rosbags") from error
    layout, frames = None, []
    try:
        with AnyReader([bag], default_typestore=typestore()) as reader:
            chosen = [c for c in reader.connections if c.topic.lstrip("/").endswith((FRAMES, LAYOUT))]
            # Without a choice the reader would give every message.
            for connection, _, raw in reader.messages(connections=chosen) if chosen else ():
                message: Any = reader.deserialize(raw, connection.msgtype)
                if connection.topic.endswith(LAYOUT):
                    layout = message
                else:
                    frames.append(message)
    except (AnyReaderError, OSError) as error:
        raise CommandError(f"expected a bag in {bag}, found: {error}; give the folder that ros2 bag wrote") from error
    return layout, [frame for frame in frames if layout is not None and frame.layout_id == layout.layout_id]


def typestore() -> Any:
    """Message types of ROS 2 and of this package, for bags that do not hold their definitions."""
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store, types = get_typestore(Stores.ROS2_JAZZY), {}
    for name in _TYPES:
        text = (share_dir() / "msg" / f"{name}.msg").read_text(encoding="utf-8")
        types.update(get_types_from_msg(text, f"imusic/msg/{name}"))
    store.register(types)
    return store

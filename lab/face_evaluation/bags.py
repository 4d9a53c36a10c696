"""A recorded bag with a phone's weights beside it, as a take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_evaluation.sources import Loaded, RoutineOnly
from face_evaluation.states import recorded_observations
from face_inference.model_folder import ModelDescription
from face_inference.wearer.phone_rows import phone_rows
from face_model import arkit
from face_model.livelink import LiveLinkTake, read_livelink
from face_recording.bag_reader import FRAMES, LAYOUT, Bag, split_topic
from imu_sim.recording import Recording
from imusic_cli.errors import CommandError

_USABLE, _UNUSABLE = 1 | 2, 32 | 64
"""Bits of ImuFrame.status: valid, orientation valid; missing, fault."""

_LONGEST_GAP_S = 10.0
_MOST_RATE_HZ = 10_000.0
_MOST_LAG_S = 60.0
"""Largest difference between the starts of bag and phone."""


@dataclass(frozen=True)
class Given:
    """A take that is there already."""

    recording: Recording

    @property
    def subject(self) -> tuple[str, int, float, int]:
        """Nobody that was simulated."""
        return "", 0, 0.0, 0

    def load(self) -> Loaded:
        """The take; nothing is known of the face, and there is no routine."""
        return Loaded(self.recording, "", "recorded", None, RoutineOnly())


def bag_with_truth(
    bag: Path, phone: Path, description: ModelDescription, namespace: str | None = None, fps: float | None = None
) -> Recording:
    """The part of a bag during which a phone saw the face, with the phone's weights as truth.

    The clocks are brought together by what the model expects the sensors to feel of the phone's weights.

    Args:
        bag: folder of a rosbag2 recording, or one of its files, MCAP or SQLite.
        phone: Live Link Face CSV recorded at the same time.
        description: of a model, whose sensors are in the bag.
        namespace: whose topics are read; None: those of the only one.
        fps: the phone's frames per second, where its timecodes do not tell.

    Raises:
        BagError: the bag cannot be read.
        CommandError: it holds no frames that can be used.
        LiveLinkError: the CSV cannot be used.
        WearerError: bag and phone do not fit together.
        LayoutMismatchError: the model's reference sensor is not in the bag.
    """
    take = read_livelink(phone, fps=fps)
    return with_truth(replace(read_bag(bag, namespace), person=take.person), take, description)


def with_truth(recording: Recording, take: LiveLinkTake, description: ModelDescription) -> Recording:
    """The part of a recording during which a phone saw the face, with the phone's weights as truth.

    Raises:
        WearerError: recording and phone do not fit together.
        LayoutMismatchError: the model's reference sensor is not in the recording.
    """
    time_s = np.arange(len(take.weights)) / take.rate_hz
    observed = recorded_observations(recording, description.mounts)
    found = phone_rows(observed, time_s, take.weights, description.prior, _MOST_LAG_S, take.seen)
    lag_s = found.alignment.lag_s
    begins, ends = (round((lag_s + t) * recording.rate_hz) for t in (0.0, time_s[-1]))
    rows = slice(max(0, begins), min(len(recording.valid), ends))
    sample_s = np.arange(rows.start, rows.stop) / recording.rate_hz - lag_s
    weights = np.stack([np.interp(sample_s, time_s, column) for column in take.weights.T], axis=1)
    return replace(
        recording,
        weights=weights.astype(np.float32),
        seen=_seen_at(sample_s, take),
        **{name: getattr(recording, name)[rows] for name in _SIGNALS},
    )


_SIGNALS = ("orientation", "angular_velocity", "specific_force", "valid", "head_orientation")


def _seen_at(sample_s: NDArray[np.float64], take: LiveLinkTake) -> NDArray[np.bool_]:
    """Which samples lie between two frames, or at one, in which the phone saw the face; times on the phone's clock."""
    seen: NDArray[np.bool_] = np.asarray(take.seen.any(axis=1), dtype=np.bool_)
    before = np.clip(np.floor(sample_s * take.rate_hz + 1e-6).astype(np.int64), 0, len(seen) - 1)
    after = np.clip(np.ceil(sample_s * take.rate_hz - 1e-6).astype(np.int64), 0, len(seen) - 1)
    both: NDArray[np.bool_] = seen[before] & seen[after]
    return both


def read_bag(bag: Path, namespace: str | None = None) -> Recording:
    """The longest stretch of a bag in which the hub did not start anew; weights and head orientation are unknown: zero.

    Samples that are lost are invalid. A stretch ends where the hub restarts, where the layout changes, and where
    nothing came for ten seconds.

    Args:
        bag: folder of a rosbag2 recording, or one of its files, MCAP or SQLite.
        namespace: whose topics are read; None: those of the only one.

    Raises:
        BagError: the bag cannot be read, or holds several wearers and none is named.
        CommandError: it holds no frames that can be used.
    """
    layouts, frames = _messages(bag, namespace)
    frames = [frame for frame in frames if frame.layout_id in layouts]
    if len(frames) < 2:
        raise CommandError(
            f"expected /{LAYOUT} and /{FRAMES} in {bag}, found {len(frames)} frames of a known layout"
            f"{'' if layouts else ' and no layout'}; record: ros2 bag record /{FRAMES} /{LAYOUT}, with a namespace "
            f"/NAME/{FRAMES}: names must be absolute"
        )
    frames, layout = _longest_stretch(frames, layouts)
    rate_hz, sensors = float(layout.rate), len(layout.sensors)
    if len(frames) < 2 or not 1.0 <= rate_hz <= _MOST_RATE_HZ or not sensors:
        raise CommandError(
            f"expected frames of one or more sensors at 1 to {_MOST_RATE_HZ:g} Hz in {bag}, found {len(frames)} in a "
            f"row of {sensors} sensors at {rate_hz:g} Hz; record it again"
        )
    rows = np.array([int(frame.sequence) for frame in frames]) - int(frames[0].sequence)
    samples = int(rows[-1]) + 1

    def placed(name: str, size: int) -> NDArray[np.float32]:
        values = [np.asarray(getattr(frame, name)) for frame in frames]
        wrong = {len(value) for value in values} - {sensors * size}
        if wrong:
            raise CommandError(
                f"expected {sensors * size} values of {name} in each frame of {bag}, found {sorted(wrong)[0]}; "
                "the layout is another's: record both topics of one driver"
            )
        out = np.zeros((samples, sensors, size), dtype=np.float32)
        out[rows] = np.stack(values).reshape(len(rows), sensors, size)
        return out

    orientation, status = placed("orientation", 4), placed("status", 1)[..., 0].astype(np.uint8)
    return Recording(
        person=bag.name,
        take=bag.name,
        rate_hz=rate_hz,
        sensor_names=tuple(str(sensor.name) for sensor in layout.sensors),
        orientation=orientation,
        angular_velocity=placed("angular_velocity", 3),
        specific_force=placed("specific_force", 3),
        valid=((status & _USABLE) == _USABLE) & ((status & _UNUSABLE) == 0),
        weights=np.zeros((samples, arkit.COUNT), dtype=np.float32),
        head_orientation=np.tile(np.array([0.0, 0.0, 0.0, 1.0], dtype=np.float32), (samples, 1)),
    )


def _longest_stretch(frames: list[Any], layouts: dict[int, Any]) -> tuple[list[Any], Any]:
    """Frames of one layout whose numbers rise, as long as any; and their layout."""
    sequence = np.array([int(frame.sequence) for frame in frames])
    layout = np.array([int(frame.layout_id) for frame in frames])
    most = np.array([max(2.0, _LONGEST_GAP_S * float(layouts[i].rate)) for i in layout[1:]])
    step = np.diff(sequence)
    # A number that comes twice is the same frame, recorded twice.
    breaks = np.flatnonzero((step < 0) | ~(step <= most) | (np.diff(layout) != 0)) + 1
    edges = [0, *(int(i) for i in breaks), len(frames)]
    begins, ends = max(pairwise(edges), key=lambda part: sequence[part[1] - 1] - sequence[part[0]])
    fresh = np.diff(sequence[begins:ends], prepend=sequence[begins] - 1) > 0
    return [frame for frame, new in zip(frames[begins:ends], fresh, strict=True) if new], layouts[int(layout[begins])]


def _messages(bag: Path, namespace: str | None) -> tuple[dict[int, Any], list[Any]]:
    """Layouts of one namespace by their number, and its frames in order."""
    layouts: dict[int, Any] = {}
    frames: list[Any] = []
    with Bag(bag) as opened:
        if not any(opened.of_wearer(name).keys() & {FRAMES, LAYOUT} for name in opened.namespaces):
            return layouts, frames
        topics = opened.of_wearer(opened.namespace(namespace, needs=(FRAMES,)))
        names = [topic.name for relative, topic in topics.items() if relative in (FRAMES, LAYOUT)]
        for message in opened.messages(names):
            decoded = opened.decoded(message)
            if split_topic(message.topic)[1] == LAYOUT:
                layouts[int(decoded.layout_id)] = decoded
            else:
                frames.append(decoded)
    return layouts, frames

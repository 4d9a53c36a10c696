"""What the sensors of a take tell of its face, as a pairing with a camera needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.face_estimate import InputLayout
from face_inference.heading_filter import HeadingParams
from face_inference.model_folder import ModelDescription
from face_inference.wearer.observations import Observations
from face_inference.wearer.recorded import recorded_observations
from face_model.imu_sample import ImuSample
from face_recording.bag_reader import FRAMES, LAYOUT, Bag
from face_recording.takes.errors import TakeError
from face_recording.takes.reading import full_name, stamp_ns

CHIN = "mentalis"
"""Sensor that is tapped."""

_LONGEST_GAP_S = 10.0


@dataclass(frozen=True)
class Sensed:
    """What the sensors felt.

    Attributes:
        begins_ns: ROS time of second 0.
        observations: of the skin.
        time_s: (T,) of the chin unit's samples.
        chin: (T, 3) specific force of the chin unit, m/s2; empty where the layout has none.
        turning_s: for how long the head turned fast enough for headings to be compared.
        namespace: of the wearer.
        model: title of the model that says what the sensors feel.
    """

    begins_ns: int
    observations: Observations
    time_s: NDArray[np.float64]
    chin: NDArray[np.float64]
    turning_s: float
    namespace: str
    model: str


def read_sensed(bag: Bag, place: str, description: ModelDescription) -> Sensed:
    """The longest stretch of frames in which the hub did not start anew."""
    layouts: dict[int, InputLayout] = {}
    stretches: list[list[tuple[int, ImuSample]]] = [[]]
    names = [full_name(place, FRAMES), full_name(place, LAYOUT)]
    for message in bag.messages(names):
        decoded = bag.decoded(message)
        if message.topic == names[1]:
            sensors = tuple(str(sensor.name) for sensor in decoded.sensors)
            layouts[int(decoded.layout_id)] = InputLayout(int(decoded.layout_id), sensors, float(decoded.rate))
            continue
        stamp, sample = stamp_ns(decoded.header), _sample(decoded)
        newest = stretches[-1][-1] if stretches[-1] else None
        if newest is not None and _broken(newest, (stamp, sample)):
            stretches.append([])
            newest = None
        if newest is None or (stamp > newest[0] and sample.hub_time_s > newest[1].hub_time_s):
            stretches[-1].append((stamp, sample))
    frames = max(stretches, key=lambda part: part[-1][0] - part[0][0] if part else -1)
    layout = layouts.get(frames[0][1].layout_id) if frames else None
    if len(frames) < 100 or layout is None:
        raise TakeError(
            f"expected frames on {names[0]} and their layout on {names[1]} in {bag.path}, found {len(frames)} frames "
            f"{'without' if layout is None else 'with'} a layout; record with imusic record"
        )
    begins_ns = frames[0][0]
    time_s = np.array([1e-9 * (stamp - begins_ns) for stamp, _ in frames])
    samples = [sample for _, sample in frames]
    observations = recorded_observations(time_s, samples, layout, description)
    chin = np.zeros((0, 3))
    if CHIN in layout.names:
        index = layout.names.index(CHIN)
        chin = np.array([sample.specific_force[index] for sample in samples], dtype=np.float64)
    return Sensed(
        begins_ns,
        observations,
        time_s,
        chin,
        _turning_s(time_s, samples, layout, description),
        place,
        description.title,
    )


def _turning_s(
    time_s: NDArray[np.float64], samples: list[ImuSample], layout: InputLayout, description: ModelDescription
) -> float:
    """For how long the skull turned faster than the heading filter asks for, s."""
    skull = layout.names.index(description.mounts.names[description.mounts.reference])
    rate = np.linalg.norm([sample.angular_velocity[skull] for sample in samples], axis=1)
    steps = np.minimum(np.diff(time_s, append=time_s[-1]), 1.0)
    return float(steps[rate > HeadingParams().least_rate_rad_s].sum())


def _broken(before: tuple[int, ImuSample], after: tuple[int, ImuSample]) -> bool:
    """Whether the hub, its layout or the clock changed between two frames."""
    step = after[1].sequence - before[1].sequence
    gap_s = 1e-9 * (after[0] - before[0])
    return after[1].layout_id != before[1].layout_id or step < 0 or not -1.0 < gap_s < _LONGEST_GAP_S


def _sample(message: Any) -> ImuSample:
    count = len(message.status)
    try:
        return ImuSample(
            layout_id=int(message.layout_id),
            sequence=int(message.sequence),
            hub_time_s=1e-6 * int(message.hub_time_us),
            status=np.asarray(message.status, dtype=np.uint8),
            orientation=np.asarray(message.orientation, dtype=np.float32).reshape(count, 4),
            angular_velocity=np.asarray(message.angular_velocity, dtype=np.float32).reshape(count, 3),
            specific_force=np.asarray(message.specific_force, dtype=np.float32).reshape(count, 3),
        )
    except ValueError as error:
        raise TakeError(
            f"expected frames of {count} sensors each, found others: {error}; the take is damaged"
        ) from error

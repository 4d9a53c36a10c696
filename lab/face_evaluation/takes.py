"""Running over a recorded take: where its neutral is, its features, and its frames as samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.errors import LayoutMismatchError
from face_inference.face_estimate import InputLayout
from face_inference.features import FeatureExtractor, State
from face_inference.mounts import NominalMounts
from face_inference.neutral import Neutral, solve_neutral
from face_inference.ticks import between
from face_model import observability
from face_model.imu_sample import ImuSample, status_of
from imu_sim.recording import Recording


def in_model_order(recording: Recording, mounts: NominalMounts) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Index of each model sensor in the recording, and whether it is there at all, both (S,).

    Raises:
        LayoutMismatchError: the reference is not among the recording's sensors.
    """
    index = {name: i for i, name in enumerate(recording.sensor_names)}
    reference = mounts.names[mounts.reference]
    if reference not in index:
        raise LayoutMismatchError(
            f"expected sensor {reference!r} in take {recording.take}, found {', '.join(recording.sensor_names)}"
        )
    take = np.array([index.get(name, 0) for name in mounts.names], dtype=np.intp)
    return take, np.array([name in index for name in mounts.names])


def neutral_window(recording: Recording, reference: int, duration_s: float = 2.0) -> slice:
    """The `duration_s` in which the true face is most neutral and the skull most still.

    A live wearer is asked to relax; in a recorded take the truth tells when that was. It costs nothing to score each
    window with running sums: mean absolute observable weight plus the skull's mean angular rate (rad/s). `reference` is
    the skull unit's index in the recording.
    """
    length = min(max(2, round(duration_s * recording.rate_hz)), len(recording.valid))
    face = np.abs(recording.weights[:, list(observability.OBSERVABLE)]).mean(axis=1)
    if recording.seen is not None:
        face = np.where(recording.seen, face, 1.0)  # what nobody saw may be anything
    rate = np.linalg.norm(recording.angular_velocity[:, reference], axis=-1)
    cost = np.concatenate([[0.0], np.cumsum(face + rate, dtype=np.float64)])
    start = int(np.argmin(cost[length:] - cost[:-length]))
    return slice(start, start + length)


def recorded_neutral(recording: Recording, mounts: NominalMounts, duration_s: float = 2.0) -> Neutral:
    """Neutral from the take's most neutral window.

    Raises:
        LayoutMismatchError: the reference sensor is absent or never valid there.
    """
    take, present = in_model_order(recording, mounts)
    rows = neutral_window(recording, int(take[mounts.reference]), duration_s)
    neutral = solve_neutral(
        mounts,
        recording.orientation[rows][:, take],
        recording.angular_velocity[rows][:, take],
        recording.valid[rows][:, take] & present,
    )
    if neutral is None:
        raise LayoutMismatchError(f"take {recording.take}: the reference sensor is not valid in the neutral window")
    return neutral


def recorded_features(recording: Recording, mounts: NominalMounts, duration_s: float = 2.0) -> NDArray[np.float32]:
    """(T, F) features of a take, with the neutral from its most neutral window.

    A frame without any valid sensor was lost: as in the live tracker, nothing is learned from it, and features
    are interpolated across it.
    """
    extractor = FeatureExtractor(mounts, rate_hz=recording.rate_hz)
    neutral = State(recorded_neutral(recording, mounts, duration_s))
    take, present = in_model_order(recording, mounts)
    begins = neutral_window(recording, int(take[mounts.reference]), duration_s).start
    lost = lost_frames(recording)
    features = np.zeros((len(lost), extractor.channels.size), dtype=np.float32)
    there = np.flatnonzero(~lost)
    # Headings drift from the neutral on; before it there is nothing to take back.
    for rows in np.split(there, [np.searchsorted(there, begins)]):
        extractor.state = neutral
        features[rows] = extractor.batch(
            recording.orientation[rows][:, take],
            recording.angular_velocity[rows][:, take],
            recording.specific_force[rows][:, take],
            recording.valid[rows][:, take] & present,
        )
    if lost.any() and not lost.all():
        _bridge(features, lost, extractor.channels)
    return features


def lost_frames(recording: Recording) -> NDArray[np.bool_]:
    """(T,) whether a frame got lost on the way from the hub: then no sensor is valid."""
    lost: NDArray[np.bool_] = np.logical_not(recording.valid.any(axis=1))
    return lost


def _bridge(features: NDArray[np.float32], lost: NDArray[np.bool_], channels: Channels) -> None:
    """Fill lost rows between others, in place, as `TickResampler` does."""
    there = np.flatnonzero(~lost)
    rows = np.flatnonzero(lost)
    rows = rows[(rows > there[0]) & (rows < there[-1])]
    after = np.searchsorted(there, rows)
    first, last = there[after - 1], there[after]
    share = ((rows - first) / (last - first)).astype(np.float32)
    features[rows] = between(channels, features[first], features[last], share[:, None])


def layout_of(recording: Recording) -> InputLayout:
    """The take as an input layout."""
    return InputLayout(1, recording.sensor_names, recording.rate_hz)


def samples_of(recording: Recording) -> Iterator[ImuSample]:
    """The take's frames as they would arrive: lost ones do not, and the sequence goes on."""
    for i in np.flatnonzero(~lost_frames(recording)).tolist():
        yield ImuSample(
            layout_id=1,
            sequence=i,
            hub_time_s=i / recording.rate_hz,
            status=status_of(recording.valid[i]),
            orientation=recording.orientation[i],
            angular_velocity=recording.angular_velocity[i],
            specific_force=recording.specific_force[i],
        )

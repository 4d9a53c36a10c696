"""Running over a take: its neutral, its features, and its frames as samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from face_evaluation.signals import NEUTRAL_S, Signals
from face_inference.channels import Channels
from face_inference.errors import LayoutMismatchError
from face_inference.face_estimate import InputLayout
from face_inference.features import FeatureExtractor, State
from face_inference.mounts import NominalMounts
from face_inference.neutral import Neutral, solve_neutral
from face_inference.ticks import between
from face_model.imu_sample import ImuSample, status_of
from imu_sim.recording import Recording


def signals_of(take: Recording | Signals, mounts: NominalMounts, duration_s: float = NEUTRAL_S) -> Signals:
    """What sensors gave; the neutral of a recording is its most neutral window, as a wearer would give it.

    Raises:
        LayoutMismatchError: the reference is not among the recording's sensors.
    """
    if isinstance(take, Signals):
        return take
    return Signals.of(take, mounts.names[mounts.reference], duration_s)


def in_model_order(take: Recording | Signals, mounts: NominalMounts) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Index of each model sensor in the take, and whether it is there at all, both (S,).

    Raises:
        LayoutMismatchError: the reference is not among the take's sensors.
    """
    index = {name: i for i, name in enumerate(take.sensor_names)}
    reference = mounts.names[mounts.reference]
    if reference not in index:
        raise LayoutMismatchError(
            f"expected sensor {reference!r} in take {take.take}, found {', '.join(take.sensor_names)}"
        )
    order = np.array([index.get(name, 0) for name in mounts.names], dtype=np.intp)
    return order, np.array([name in index for name in mounts.names])


def recorded_neutral(take: Recording | Signals, mounts: NominalMounts, duration_s: float = NEUTRAL_S) -> Neutral:
    """Neutral from the rows in which the wearer relaxed.

    Raises:
        LayoutMismatchError: the reference sensor is absent or never valid there.
    """
    signals = signals_of(take, mounts, duration_s)
    order, present = in_model_order(signals, mounts)
    rows = signals.neutral
    neutral = solve_neutral(
        mounts,
        signals.orientation[rows][:, order],
        signals.angular_velocity[rows][:, order],
        signals.valid[rows][:, order] & present,
    )
    if neutral is None:
        raise LayoutMismatchError(f"take {take.take}: the reference sensor is not valid in the neutral window")
    return neutral


def recorded_features(
    take: Recording | Signals, mounts: NominalMounts, duration_s: float = NEUTRAL_S
) -> NDArray[np.float32]:
    """(T, F) features of a take, with the neutral from the rows in which the wearer relaxed; see `recorded_trust`."""
    return recorded_trust(take, mounts, duration_s)[0]


def recorded_trust(
    take: Recording | Signals, mounts: NominalMounts, duration_s: float = NEUTRAL_S
) -> tuple[NDArray[np.float32], NDArray[np.floating]]:
    """(T, F) features of a take, with the neutral from the rows in which the wearer relaxed, and (T,) heading trust.

    A frame without any valid sensor was lost: as in the live tracker, nothing is learned from it, and features
    are interpolated across it.
    """
    signals = signals_of(take, mounts, duration_s)
    extractor = FeatureExtractor(mounts, rate_hz=signals.rate_hz)
    neutral = State(recorded_neutral(signals, mounts))
    order, present = in_model_order(signals, mounts)
    lost = lost_frames(signals)
    features = np.zeros((len(lost), extractor.channels.size), dtype=np.float32)
    trust = np.ones(len(lost))
    there = np.flatnonzero(~lost)
    # Headings drift from the neutral on; before it there is nothing to take back.
    for rows in np.split(there, [np.searchsorted(there, signals.neutral.start)]):
        extractor.state = neutral
        features[rows], trust[rows] = extractor.batch_and_trust(
            signals.orientation[rows][:, order],
            signals.angular_velocity[rows][:, order],
            signals.specific_force[rows][:, order],
            signals.valid[rows][:, order] & present,
        )
    if lost.any() and not lost.all():
        _bridge(features, lost, extractor.channels)
    return features, trust


def lost_frames(take: Recording | Signals) -> NDArray[np.bool_]:
    """(T,) whether a frame got lost on the way from the hub: then no sensor is valid."""
    lost: NDArray[np.bool_] = np.logical_not(take.valid.any(axis=1))
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


def layout_of(take: Recording | Signals) -> InputLayout:
    """The take as an input layout."""
    return InputLayout(1, take.sensor_names, take.rate_hz)


def samples_of(take: Recording | Signals) -> Iterator[ImuSample]:
    """The take's frames as they would arrive: lost ones do not, and the sequence goes on."""
    for i in np.flatnonzero(~lost_frames(take)).tolist():
        yield ImuSample(
            layout_id=1,
            sequence=i,
            hub_time_s=i / take.rate_hz,
            status=status_of(take.valid[i]),
            orientation=take.orientation[i],
            angular_velocity=take.angular_velocity[i],
            specific_force=take.specific_force[i],
        )

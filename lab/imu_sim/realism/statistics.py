"""What facial motion is like, in numbers.

Every figure is taken at `RATE_HZ`, whatever the rate of the takes, so that 30 and 60 fps recordings compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks, welch

from face_model import arkit, rotation
from imu_sim.errors import ImuSimError
from imu_sim.motion import FaceMotion, Floats

RATE_HZ = 30.0
"""Frame rate of the slowest recordings."""

QUANTILES = np.linspace(0.0, 1.0, 201)
"""At which distributions are kept."""

SPEED_PERCENTILES = (50, 75, 95, 99)
"""Percentiles of the speed |dw/dt| of the moving samples, in `MotionStatistics.speed`."""

MOVING_PER_S = 0.05
"""A shape moves when its weight changes faster than this, 1/s."""

BANDS_HZ = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Borders of the bands of the power spectrum, Hz."""

_ON, _OFF = 0.3, 0.15
"""An event begins when a weight rises above the first and ends when it falls below the second."""

_WINDOW_S = 8.0
"""Length of the windows of the spectrum, s: a resolution of 1/8 Hz."""

PAIRS: tuple[tuple[int, int], ...] = tuple(
    (i, arkit.MIRROR[i])
    for i, name in enumerate(arkit.BLENDSHAPES)
    if i < arkit.MIRROR[i] and not name.startswith(("jaw", "mouthLeft"))
)
"""Left and right index of the pairs of one movement (jawLeft and jawRight exclude each other and are none)."""


@dataclass(frozen=True)
class MotionStatistics:
    """Statistics of one or more takes; arrays over the 52 shapes are in `arkit.BLENDSHAPES` order.

    Attributes:
        seconds: length of the takes together.
        mean, deviation: (52,) of the weights.
        quantiles: (len(QUANTILES), 52) of the weights.
        active: (52,) share of time above 0.05.
        strong: (52,) share of time above 0.3.
        events_per_min: (52,) excursions above 0.3, until below 0.15.
        event_s: durations of all events of each shape, s.
        speed: (len(SPEED_PERCENTILES), 52) percentiles of |dw/dt| while moving, 1/s.
        onset, offset: (52,) 95th percentile of the speed while rising and while falling, 1/s.
        bands: (len(BANDS_HZ) - 1, 52) share of the power of w by frequency; 0 where a shape never moves.
        edge_hz: (52,) frequency below which 95 % of the power lies.
        correlation: (52, 52) between shapes; 0 where a shape never moves.
        left_right: (len(PAIRS),) correlation of the sides of each pair.
        blinks_per_min: closings of both eyes shorter than half a second.
        blink_s: their durations at half depth, s.
        head_deg_s: root mean square of the head's angular rate, deg/s; NaN where the head is not recorded.
        head_turning: share of time in which the head turns faster than 6 deg/s; NaN where it is not recorded.
    """

    seconds: float
    mean: Floats
    deviation: Floats
    quantiles: Floats
    active: Floats
    strong: Floats
    events_per_min: Floats
    event_s: tuple[Floats, ...]
    speed: Floats
    onset: Floats
    offset: Floats
    bands: Floats
    edge_hz: Floats
    correlation: Floats
    left_right: Floats
    blinks_per_min: float
    blink_s: Floats
    head_deg_s: float
    head_turning: float


def motion_statistics(motions: Sequence[FaceMotion], *, head: bool = True) -> MotionStatistics:
    """Statistics of takes, pooled by time.

    Args:
        motions: takes of any rate, each of a second or more.
        head: whether the motion of the head is the person's own; where it is not, its figures are NaN.

    Raises:
        ImuSimError: no takes, or one too short.
    """
    if not motions or min(m.duration_s for m in motions) < 1.0:
        raise ImuSimError(f"expected takes of a second or more, found {[round(m.duration_s, 2) for m in motions]}")
    takes = [m.resampled(RATE_HZ) for m in motions]
    weights = np.concatenate([t.weights for t in takes])
    velocity = np.concatenate([np.diff(t.weights, axis=0) * RATE_HZ for t in takes])
    minutes = sum(t.duration_s for t in takes) / 60.0
    durations = tuple(
        np.concatenate([event_durations(t.weights[:, i], RATE_HZ) for t in takes]) for i in range(arkit.COUNT)
    )
    power, frequencies = _power(takes)
    blinks = np.concatenate([blink_durations(t) for t in takes])
    rates = np.concatenate([_head_rate_deg_s(t) for t in takes]) if head else np.array([np.nan])
    correlation = correlations(weights)
    return MotionStatistics(
        seconds=minutes * 60.0,
        mean=weights.mean(axis=0),
        deviation=weights.std(axis=0),
        quantiles=np.quantile(weights, QUANTILES, axis=0),
        active=(weights > 0.05).mean(axis=0),
        strong=(weights > 0.3).mean(axis=0),
        events_per_min=np.array([len(d) for d in durations]) / minutes,
        event_s=durations,
        speed=np.stack([_percentiles(np.abs(v[np.abs(v) > MOVING_PER_S]), SPEED_PERCENTILES) for v in velocity.T], 1),
        onset=np.array([_percentiles(v[v > MOVING_PER_S], (95,))[0] for v in velocity.T]),
        offset=np.array([_percentiles(-v[v < -MOVING_PER_S], (95,))[0] for v in velocity.T]),
        bands=band_shares(power, frequencies),
        edge_hz=edge_frequency(power, frequencies),
        correlation=correlation,
        left_right=np.array([correlation[left, right] for left, right in PAIRS]),
        blinks_per_min=len(blinks) / minutes,
        blink_s=blinks,
        head_deg_s=float(np.sqrt(np.mean(rates**2))),
        head_turning=float(np.mean(rates > 6.0)) if head else float("nan"),
    )


def event_durations(weight: Floats, rate_hz: float, on: float = _ON, off: float = _OFF) -> Floats:
    """Durations in s of the excursions of one weight (T,) above `on`, until it falls below `off`.

    What is under way at the first or last sample is left out: its duration is unknown.
    """
    state = np.where(weight > on, 1, np.where(weight < off, -1, 0))
    known = np.flatnonzero(state)
    high = state[known] > 0
    # Hysteresis: between the thresholds the last clear state goes on.
    change = np.flatnonzero(np.diff(high.astype(np.int8)))
    edges, rising = known[change + 1], high[change + 1]
    if len(edges) and not rising[0]:
        edges = edges[1:]
    pairs = len(edges) // 2
    return np.asarray((edges[1 : 2 * pairs : 2] - edges[0 : 2 * pairs : 2]) / rate_hz, dtype=np.float64)


def blink_durations(motion: FaceMotion) -> Floats:
    """Durations in s, at half depth, of closings of both eyes deeper than 0.3 and shorter than half a second."""
    both = motion.weights[:, [arkit.INDEX["eyeBlinkLeft"], arkit.INDEX["eyeBlinkRight"]]].min(axis=1)
    _, found = find_peaks(both, prominence=0.3, width=(0.0, 0.5 * motion.rate_hz), rel_height=0.5)
    return np.asarray(found["widths"] / motion.rate_hz, dtype=np.float64)


def band_shares(power: Floats, frequencies: Floats) -> Floats:
    """Share of a power spectrum (F, N) in each band of `BANDS_HZ`, (bands, N)."""
    band = np.clip(np.searchsorted(BANDS_HZ, frequencies, side="right") - 1, 0, len(BANDS_HZ) - 2)
    total = power.sum(axis=0)
    shares = np.stack([power[band == b].sum(axis=0) for b in range(len(BANDS_HZ) - 1)])
    return np.asarray(np.divide(shares, total, out=np.zeros_like(shares), where=total > 1e-9))


def edge_frequency(power: Floats, frequencies: Floats, share: float = 0.95) -> Floats:
    """Frequency below which `share` of a power spectrum (F, N) lies, (N,) Hz; 0 where there is no power."""
    running = np.cumsum(power, axis=0)
    first = np.argmax(running >= share * running[-1], axis=0)
    return np.where(running[-1] > 1e-9, frequencies[first], 0.0)


def correlations(weights: Floats) -> Floats:
    """Correlation of the columns of (T, N), (N, N); 0 where a column is constant."""
    centred = weights - weights.mean(axis=0)
    size = np.sqrt(np.sum(centred**2, axis=0))
    scale = np.divide(1.0, size, out=np.zeros_like(size), where=size > 1e-9)
    return np.asarray((centred * scale).T @ (centred * scale))


def _power(takes: Sequence[FaceMotion]) -> tuple[Floats, Floats]:
    """Power spectral density (F, 52) of the weights without their means, weighted by length, and frequencies (F,)."""
    samples = round(_WINDOW_S * RATE_HZ)
    total, frequencies = np.zeros((samples // 2 + 1, arkit.COUNT)), np.fft.rfftfreq(samples, 1.0 / RATE_HZ)
    for take in takes:
        # Shorter takes are padded: less resolution, same bins.
        length = min(samples, take.samples)
        _, density = welch(take.weights, RATE_HZ, nperseg=length, nfft=samples, axis=0, detrend="constant")
        total += density * take.duration_s
    return total, np.asarray(frequencies)


def _percentiles(values: Floats, percentiles: Sequence[int]) -> Floats:
    return np.percentile(values, percentiles) if len(values) else np.zeros(len(percentiles))


def _head_rate_deg_s(motion: FaceMotion) -> Floats:
    step = rotation.multiply(rotation.conjugate(motion.head_orientation[:-1]), motion.head_orientation[1:])
    rate: NDArray[np.float64] = np.linalg.norm(rotation.to_vector(step), axis=-1) * motion.rate_hz
    return np.rad2deg(rate)

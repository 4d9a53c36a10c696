"""Two clocks brought together, a camera's, which saw a face, and the sensors', which felt it.

A moment at t on the camera's clock is `t + offset_s + drift * (t - origin_s)` on the sensors'. Three steps:

1. Coarse: the lag at which the sensors' signals agree best with what is expected of the camera's weights
   (`face_model.lag_search`), and how far it stands out from what chance gives.
2. Fine: offset, drift, and a linear map from the weights to this wearer's signals, by least squares (Gauss and Newton),
   since a wearer's own map fits far better than anybody's. The map is free, so that it cannot pull the offset.
3. Uncertainty: from how much blocks of `_BLOCK_S` disagree about offset and drift (the sandwich estimator; H. White,
   "A Heteroskedasticity-Consistent Covariance Matrix Estimator", Econometrica 48, 1980): what the model leaves over is
   anything but white, and the curvature of the fit alone would promise too much.

Taps on the chin unit (`face_reference.taps`) give the same map where the face hardly moved, and check it where it did.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from face_model.lag_search import GRID_HZ, Track, best_lag, sampled, without_slow
from face_reference.errors import AlignmentError

FloatArray = NDArray[np.float64]

LEAST_CORRELATION = 0.08
LEAST_LEAD = 1.35
"""As for learning from a phone (`face_inference.wearer.phone_rows`): 1 by chance, 1.8 to 3 if both saw one face."""

MOST_DRIFT_PPM = 500.0
"""Two crystals differ by 100 at most; beyond this it is no drift."""

LEAST_S = 5.0
"""Shortest stretch that both must have seen."""

_BLOCK_S = 4.0
_WINDOW_S = 60.0
_WINDOW_LAG_S = 0.4
_ROUNDS = 6
_MOST_SHIFT_S = 0.25
"""The fine step may not leave the peak of the coarse one."""
_RIDGE = 0.02
_SMOOTH = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0
"""Before differences are taken of a camera's weights, which tremble."""
_FLOOR_S = 0.002
"""What no statistics tell: the skin follows the muscle a little later, by where the unit sits (synthetic)."""
_FLOOR_PPM = 3.0
_TIGHT_S = 70.0
"""The map of the wearer's own follows chance the more the shorter the recording is: deviations grow by one and this
over its length (synthetic; docs/reference.md)."""
_USUAL_DRIFT = 100e-6
"""Standard deviation of the drift before anything is known: what crystals do. A minute tells little more."""


@dataclass(frozen=True)
class ClockAlignment:
    """How a camera's clock and the sensors' belong together.

    Attributes:
        offset_s: of the sensors' clock ahead of the camera's, at `origin_s`.
        drift_ppm: how much faster the sensors' clock runs.
        origin_s: on the camera's clock; the middle of what both saw, where offset and drift are independent.
        deviation_s: standard deviation of the offset at the origin.
        drift_deviation_ppm: standard deviation of the drift.
        overlap_s: how long both saw the face.
        correlation: of the sensors' signals with what is expected of the weights, for people in general; NaN for taps.
        lead: that correlation over the best at any other lag; NaN for taps.
        explained: share of the signals' variance that the weights explain with this wearer's own map; NaN for taps.
        method: "faces", "taps" or "faces and taps".
    """

    offset_s: float
    drift_ppm: float
    origin_s: float
    deviation_s: float
    drift_deviation_ppm: float
    overlap_s: float
    correlation: float = float("nan")
    lead: float = float("nan")
    explained: float = float("nan")
    method: str = "faces"

    def to_sensors(self, camera_s: NDArray[np.floating]) -> FloatArray:
        """Times on the camera's clock as times on the sensors'."""
        at = np.asarray(camera_s, dtype=np.float64)
        shifted: FloatArray = at + self.offset_s + 1e-6 * self.drift_ppm * (at - self.origin_s)
        return shifted

    def to_camera(self, sensors_s: NDArray[np.floating]) -> FloatArray:
        """Times on the sensors' clock as times on the camera's."""
        at = np.asarray(sensors_s, dtype=np.float64)
        back: FloatArray = self.origin_s + (at - self.origin_s - self.offset_s) / (1.0 + 1e-6 * self.drift_ppm)
        return back

    def deviation_at(self, camera_s: float) -> float:
        """Standard deviation of the mapped time at a moment of the camera's clock, s."""
        return float(np.hypot(self.deviation_s, 1e-6 * self.drift_deviation_ppm * (camera_s - self.origin_s)))

    @property
    def summary(self) -> str:
        """One line for people; plus and minus are two standard deviations."""
        return (
            f"offset {self.offset_s:+.3f} s (plus or minus {2e3 * self.deviation_s:.0f} ms), "
            f"drift {self.drift_ppm:+.0f} ppm (plus or minus {2.0 * self.drift_deviation_ppm:.0f}), by {self.method}"
        )


def align_faces(
    sensors: Track, camera_s: NDArray[np.floating], weights: Track, expected: NDArray[np.floating], max_lag_s: float
) -> ClockAlignment:
    """The map between the clocks, from what the face did.

    Args:
        sensors: (T, D) what the sensors felt, in units of their noise.
        camera_s: (P,) the camera's times, s, increasing: those of `weights`.
        weights: (P, 52) the camera's weights and which of them it saw.
        expected: (P, D) what is expected of these weights in the sensors' signals, for people in general.
        max_lag_s: largest difference between the clocks.

    Raises:
        AlignmentError: no lag stands out, or both saw the same for too short a time.
    """
    there: NDArray[np.bool_] = np.asarray(weights.valid.any(axis=1), dtype=np.bool_)
    anybody = Track(camera_s, expected, np.repeat(there[:, None], expected.shape[1], axis=1))
    found = best_lag(sensors, anybody, max_lag_s)
    if found is None:
        raise AlignmentError(
            f"expected recordings that overlap by half within {max_lag_s:g} s of each other, found the camera's "
            f"{weights.span} and the sensors' {sensors.span}; record both at once"
        )
    if found.correlation < LEAST_CORRELATION or found.lead < LEAST_LEAD:
        raise AlignmentError(
            f"expected one lag within {max_lag_s:g} s at which camera and sensors agree (correlation over "
            f"{LEAST_CORRELATION}, {LEAST_LEAD} times any other's), found {found.correlation:.2f} "
            f"at {found.lag_s:+.2f} s, {found.lead:.2f} times the next; move the whole face for a minute in the "
            "camera's view"
        )
    return replace(
        _refined(sensors, weights, *_by_windows(sensors, anybody, found.lag_s)),
        correlation=found.correlation,
        lead=found.lead,
    )


def _by_windows(sensors: Track, anybody: Track, lag_s: float) -> tuple[float, float, float]:
    """Origin on the camera's clock, offset there and drift, from the lags of windows; a robust line through them."""
    start_s = max(anybody.time_s[0], sensors.time_s[0] - lag_s)
    end_s = min(anybody.time_s[-1], sensors.time_s[-1] - lag_s)
    origin_s = float(0.5 * (start_s + end_s))
    count = int((end_s - start_s) // _WINDOW_S)
    if count < 3:
        return origin_s, lag_s, 0.0
    middles, lags = [], []
    for k in range(count):
        begin_s = start_s + k * (end_s - start_s) / count
        part = _between(anybody, begin_s, begin_s + _WINDOW_S)
        near = _between(sensors, begin_s + lag_s - 1.0, begin_s + lag_s + _WINDOW_S + 1.0)
        shifted = replace(near, time_s=near.time_s - lag_s)
        if len(part.time_s) < 2 or len(shifted.time_s) < 2:
            continue
        found = best_lag(shifted, part, _WINDOW_LAG_S)
        if found is not None and found.correlation > LEAST_CORRELATION:
            middles.append(begin_s + 0.5 * _WINDOW_S)
            lags.append(lag_s + found.lag_s)
    if len(lags) < 3:
        return origin_s, lag_s, 0.0
    at, late = np.array(middles), np.array(lags)
    pairs = [(i, j) for i in range(len(at)) for j in range(i + 1, len(at))]
    slope = float(np.median([(late[j] - late[i]) / (at[j] - at[i]) for i, j in pairs]))  # Theil and Sen
    slope = float(np.clip(slope, -1e-6 * MOST_DRIFT_PPM, 1e-6 * MOST_DRIFT_PPM))
    return origin_s, float(np.median(late - slope * (at - origin_s))), slope


def _refined(sensors: Track, weights: Track, origin_s: float, offset_s: float, drift: float) -> ClockAlignment:
    """Gauss and Newton from a start that is good to a fraction of the peak's width."""
    begin_s = max(sensors.time_s[0], weights.time_s[0] + offset_s)
    end_s = min(sensors.time_s[-1], weights.time_s[-1] + offset_s)
    if end_s - begin_s < LEAST_S:
        raise AlignmentError(
            f"expected at least {LEAST_S:g} s that camera and sensors both saw, found {max(0.0, end_s - begin_s):.1f} "
            "s; record both for a minute at once"
        )
    grid_s = begin_s + np.arange(int((end_s - begin_s) * GRID_HZ) + 1) / GRID_HZ
    felt, felt_there = sampled(sensors, grid_s)
    # A shape that the camera hardly ever saw would cost the moments in which it saw the others.
    often = weights.valid[weights.valid.any(axis=1)].mean(axis=0)
    shapes = np.flatnonzero(often > 0.9)
    if not len(shapes):
        raise AlignmentError("expected weights that the camera saw most of the time, found none; record it again")
    seen = Track(weights.time_s, weights.values[:, shapes], weights.valid[:, shapes])
    seen = replace(seen, valid=seen.valid.all(axis=1, keepdims=True).repeat(len(shapes), axis=1))
    felt = without_slow(felt * felt_there)
    start_s, parameters = offset_s, np.array([offset_s, drift])
    for _ in range(_ROUNDS):
        step = _step(grid_s, felt, felt_there, seen, origin_s, parameters)
        parameters = parameters + step.change
        if abs(parameters[0] - start_s) > _MOST_SHIFT_S:
            raise AlignmentError(
                f"expected one lag near {start_s:+.2f} s at which camera and sensors agree, found none; move the whole "
                "face for a minute in the camera's view, and tap the chin unit three times"
            )
        if abs(step.change[0]) < 1e-5 and abs(step.change[1]) < 1e-7:
            break
    told = np.linalg.inv(step.covariance * (1.0 + _TIGHT_S / step.overlap_s) ** 2)
    covariance = np.linalg.inv(told + np.diag([0.0, _USUAL_DRIFT**-2]))
    parameters = covariance @ told @ parameters
    deviation = np.sqrt(np.diag(covariance))
    return ClockAlignment(
        float(parameters[0]),
        float(np.clip(1e6 * parameters[1], -MOST_DRIFT_PPM, MOST_DRIFT_PPM)),
        origin_s,
        float(np.hypot(deviation[0], _FLOOR_S)),
        float(np.hypot(1e6 * deviation[1], _FLOOR_PPM)),
        float(step.overlap_s),
        explained=step.explained,
    )


@dataclass(frozen=True)
class _Step:
    change: FloatArray
    covariance: FloatArray
    explained: float
    overlap_s: float


def _step(
    grid_s: FloatArray,
    felt: FloatArray,
    felt_there: NDArray[np.bool_],
    seen: Track,
    origin_s: float,
    parameters: FloatArray,
) -> _Step:
    offset_s, drift = parameters
    camera_s = origin_s + (grid_s - origin_s - offset_s) / (1.0 + drift)
    values, there = sampled(seen, camera_s)
    rows: NDArray[np.bool_] = np.asarray(there.any(axis=1), dtype=np.bool_)
    if np.count_nonzero(rows) < LEAST_S * GRID_HZ:
        raise AlignmentError(
            f"expected at least {LEAST_S:g} s in which the camera saw the face while the sensors were there, found "
            f"{np.count_nonzero(rows) / GRID_HZ:.1f} s; record it again, the whole face in view"
        )
    smooth = np.apply_along_axis(np.convolve, 0, values, _SMOOTH, mode="same")
    speed = without_slow(np.gradient(smooth, 1.0 / GRID_HZ, axis=0) * there)
    values = without_slow(values * there)
    # Every channel is what the weights make of it, by a map of this wearer's own; `use` (N, D) where both are there.
    use = felt_there & rows[:, None]
    power = values[rows].T @ values[rows]
    ridge = _RIDGE * np.trace(power) / len(power) * np.eye(len(power))
    own = np.linalg.solve(power + ridge, values.T @ (felt * use))  # (52, D)
    rest = (felt - values @ own) * use
    total = np.maximum((np.square(felt) * use).sum(axis=0), 1e-12)
    left = np.maximum(np.square(rest).sum(axis=0), 1e-12)
    count = np.maximum(use.sum(axis=0), 1)
    precision = count / left * (total > 1e-9)  # one over each channel's variance of what is left
    # A later offset makes the mapped camera's time earlier: d expected / d offset = -speed.
    slope = (speed @ own) * use
    lever_s = camera_s - origin_s
    score = -(slope * rest * precision).sum(axis=1)
    weight = (np.square(slope) * precision).sum(axis=1)
    design = np.stack([np.ones_like(lever_s), lever_s], axis=1)
    gradient = design * score[:, None]
    curvature = (design * weight[:, None]).T @ design
    curvature += np.diag([1e-9, 1e-9]) * max(float(np.trace(curvature)), 1e-12)
    inverse = np.linalg.inv(curvature)
    block = np.floor((grid_s - grid_s[0]) / _BLOCK_S).astype(np.int64)
    blocks = np.zeros((int(block[-1]) + 1, 2))
    np.add.at(blocks, block, gradient)
    many = max(int(np.count_nonzero(blocks.any(axis=1))), 3)
    spread = blocks.T @ blocks * many / max(many - 2, 1)
    explained = float(1.0 - (left * precision).sum() / max((total * precision).sum(), 1e-12))
    return _Step(
        inverse @ gradient.sum(axis=0),
        inverse @ spread @ inverse,
        explained,
        np.count_nonzero(use.any(axis=1)) / GRID_HZ,
    )


def _between(track: Track, start_s: float, end_s: float) -> Track:
    rows = slice(*np.searchsorted(track.time_s, [start_s, end_s]).tolist())
    return Track(track.time_s[rows], track.values[rows], track.valid[rows])

"""How far the stamps of a reference face are from those of the measured one."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from face_recording.bag_reader import (
    REFERENCE,
    Bag,
)
from face_recording.takes.reading import full_name, stamp_ns
from face_recording.takes.recorded_track import RecordedTrack
from face_recording.takes.take import CALIBRATING, NS
from face_recording.takes.verdict import Finding, Grade

LEAST_CORRELATION: Final = 0.5
MOST_LAG_S: Final = 2.0
FINE_LAG_S: Final = 0.008
"""A reference whose stamps are off by less needs nothing: half a picture of a camera."""
_GRID_HZ: Final = 250.0


def reference_finding(bag: Bag, place: str, faces: RecordedTrack, paired: bool) -> Finding:
    """How far the stamps of a reference are from the faces', by the lag at which both agree best."""
    came = [bag.decoded(raw) for raw in bag.messages((full_name(place, REFERENCE),))]
    seen = [message for message in came if message.face_seen]
    if len(seen) < 30:
        return Finding("reference", Grade.REMARK, f"{len(seen)} of {len(came)} pictures show a face: too few to align")
    times = np.array([stamp_ns(message.header) for message in seen], dtype=np.int64)
    # Until the neutral is known there are no weights, and their first step would count for all.
    known = np.flatnonzero([int(message.state) != CALIBRATING for message in faces.messages])
    since = faces.stamps_ns[known[0]] if len(known) else faces.stamps_ns[-1]
    begin, end = max(times[0], since), min(times[-1], faces.stamps_ns[-1])
    if end - begin < 2 * NS or (np.diff(times) <= 0).any():
        return Finding("reference", Grade.REMARK, "too short, or its stamps go back: cannot be aligned")
    shapes = np.flatnonzero(
        np.array([m.seen for m in seen]).all(axis=0) & np.array([m.observable for m in faces.messages]).any(axis=0)
    )
    grid = np.arange(0.0, (end - begin) / NS, 1.0 / _GRID_HZ)
    ours = _on_grid(faces.stamps_ns, np.array([m.weights for m in faces.messages]), begin, grid, shapes)
    theirs = _on_grid(times, np.array([m.weights for m in seen]), begin, grid, shapes)
    lag_s, r = best_lag(ours, theirs)
    who = f"{seen[0].source}: {len(seen)} of {len(came)} pictures with a face"
    if r < LEAST_CORRELATION:
        return Finding("reference", Grade.REMARK, f"{who}; hardly like the weights (r {r:.2f}): not aligned")
    text = f"{who}; {1e3 * lag_s:+.0f} ms after the weights, r {r:.2f}"
    off = abs(lag_s) > FINE_LAG_S and not paired
    return Finding(
        "reference", Grade.REMARK if off else Grade.GOOD, text + ("; align it: imusic takes pair" if off else "")
    )


def _on_grid(
    stamps: NDArray[np.int64],
    weights: NDArray[np.floating],
    begin: int,
    grid: NDArray[np.float64],
    shapes: NDArray[Any],
) -> NDArray[np.float64]:
    since = (stamps - begin) / NS
    return np.stack([np.interp(grid, since, np.nan_to_num(weights[:, k])) for k in shapes], axis=1).reshape(
        len(grid), -1
    )


def best_lag(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[float, float]:
    """By how much the second (T, K) is later than the first, s, and their correlation there; at `_GRID_HZ`."""
    if not ours.shape[1]:
        return 0.0, 0.0
    # Changes, not levels, tell the time; both are smoothed to what a camera sees.
    width = np.ones(8) / 8.0
    first, second = (
        np.stack([np.convolve(np.diff(c), width, mode="same") for c in table.T], axis=1) for table in (ours, theirs)
    )
    count = len(first)
    most = min(round(MOST_LAG_S * _GRID_HZ), count // 2)
    size = 1 << int(2 * count).bit_length()
    product = (np.fft.rfft(second, size, axis=0) * np.conj(np.fft.rfft(first, size, axis=0))).sum(axis=1)
    lags = np.arange(-most, most + 1)
    common = np.fft.irfft(product, size)[lags]
    # By the power of what overlaps at each lag: else the peak is drawn towards zero.
    power = [np.concatenate([[0.0], np.cumsum((table**2).sum(axis=1))]) for table in (first, second)]
    ours_power = power[0][count - np.maximum(lags, 0)] - power[0][np.maximum(-lags, 0)]
    theirs_power = power[1][count + np.minimum(lags, 0)] - power[1][np.maximum(lags, 0)]
    r = common / np.sqrt(np.maximum(ours_power * theirs_power, 1e-30))
    best = int(np.argmax(r))
    fine = 0.0
    if 0 < best < len(r) - 1 and (bend := r[best - 1] - 2.0 * r[best] + r[best + 1]) < 0.0:
        fine = 0.5 * (r[best - 1] - r[best + 1]) / bend
    return float(lags[best] + fine) / _GRID_HZ, float(r[best])

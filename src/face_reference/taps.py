"""Taps on the chin unit: moments that the sensors feel to a sample, and that a camera sees as a jolt of the jaw.

The wearer taps the unit on the chin (`mentalis`) with a fingertip, three times or more, not in step. A tap is a peak
of the unit's specific force that lasts a few hundredths of a second, far beyond what any expression does there. The
camera sees the jaw give way and come back; or somebody marks the moments on the camera's clock by hand (a finger seen
in the video).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.taps import ABOUT_S, find_taps, peaks, running_median
from face_reference.alignment import MOST_DRIFT_PPM, ClockAlignment
from face_reference.errors import AlignmentError

FloatArray = NDArray[np.float64]

LEAST_TAPS = 3
"""Fewer leave it open which belongs to which."""

_JAW = tuple(arkit.INDEX[name] for name in ("jawOpen", "jawForward", "mouthClose", "mouthShrugLower", "mouthRollLower"))
_LEAST_JOLT = 0.04
_MATCH_S = 0.05
"""Taps and marks belong together within this: a frame and a half of a webcam."""
_MOST_MARKS = 60


def felt_taps(time_s: NDArray[np.floating], specific_force: NDArray[np.floating]) -> FloatArray:
    """Times (K,) of taps in the specific force (T, 3) of one unit, m/s2, at times (T,), s: where each peaks."""
    return np.array([float(time_s[tap.row]) for tap in find_taps(time_s, specific_force)])


def seen_jolts(time_s: NDArray[np.floating], weights: NDArray[np.floating]) -> FloatArray:
    """Times (K,) at which the jaw jolts in weights (P, 52) at times (P,), s: candidates, of which few are taps."""
    if len(time_s) < 8:
        return np.zeros(0)
    step_s = float(np.median(np.diff(time_s)))
    jaw = np.asarray(weights, dtype=np.float64)[:, list(_JAW)]
    about = max(3, round(ABOUT_S / step_s) | 1)
    change = np.linalg.norm(jaw - running_median(jaw, about), axis=1)
    bar = max(_LEAST_JOLT, 4.0 * float(np.median(change)))
    times = [_peak_time(time_s, change, index) for index in peaks(change, bar, time_s)]
    return np.array(sorted(times))


def align_taps(
    felt_s: NDArray[np.floating], marks_s: NDArray[np.floating], max_lag_s: float, frame_s: float = 1.0 / 30.0
) -> ClockAlignment:
    """The map between the clocks from taps (K,) on the sensors' and marks (M,) on the camera's, s.

    The pattern decides: the offset at which most taps have a mark. Marks without a tap, and taps without a mark, are
    passed over. `frame_s` is the time between the camera's pictures: a mark is known to within it.

    Raises:
        AlignmentError: fewer than three belong together, or two offsets do equally well.
    """
    felt, marks = np.sort(np.asarray(felt_s, dtype=np.float64)), np.sort(np.asarray(marks_s, dtype=np.float64))
    if len(felt) < LEAST_TAPS or len(marks) < LEAST_TAPS:
        raise AlignmentError(
            f"expected at least {LEAST_TAPS} taps on the chin unit that the camera saw too, found {len(felt)} felt and "
            f"{len(marks)} seen; tap three times, not in step, the chin in view"
        )
    if len(felt) > _MOST_MARKS or len(marks) > 20 * _MOST_MARKS:
        raise AlignmentError(
            f"expected at most {_MOST_MARKS} taps, found {len(felt)} felt and {len(marks)} jolts seen; "
            "say where they are"
        )
    offsets = (felt[:, None] - marks[None, :]).reshape(-1)
    offsets = np.sort(offsets[np.abs(offsets) <= max_lag_s])
    best, runner_up = _best_offsets(felt, marks, offsets)
    taps, seen = _matched(felt, marks, best)
    if len(taps) < LEAST_TAPS or len(taps) < 0.6 * min(len(felt), len(marks)):
        raise AlignmentError(
            f"expected {LEAST_TAPS} taps or more, most of those felt, at one offset within {max_lag_s:g} s, found "
            f"{len(taps)} of {len(felt)}; tap three times, not in step, the chin in view"
        )
    if runner_up >= len(taps):
        raise AlignmentError(
            f"expected one offset at which the taps fit, found two that fit {len(taps)} taps; tap again, not in step"
        )
    return _fitted(taps, seen, frame_s)


def combined(faces: ClockAlignment, taps: ClockAlignment) -> ClockAlignment:
    """Both, each by how sure it is.

    Raises:
        AlignmentError: they contradict each other by more than four standard deviations.
    """
    at_s = taps.origin_s
    by_faces = float(faces.to_sensors(np.array([at_s]))[0] - at_s)
    spread = float(np.hypot(faces.deviation_at(at_s), taps.deviation_s))
    if abs(by_faces - taps.offset_s) > 4.0 * spread + 0.5 * _MATCH_S:
        raise AlignmentError(
            f"expected taps and faces to agree, found offsets of {taps.offset_s:+.3f} s by taps and {by_faces:+.3f} s "
            "by faces; give the right taps, or leave them out"
        )
    # The taps' information of offset and drift, added to the faces' at the faces' origin.
    lever = at_s - faces.origin_s
    row = np.array([1.0, lever])
    known = np.diag([faces.deviation_s**-2, (1e-6 * faces.drift_deviation_ppm) ** -2])
    gain = taps.deviation_s**-2
    covariance = np.linalg.inv(known + gain * np.outer(row, row))
    change = covariance @ row * gain * (taps.offset_s - by_faces)
    deviation = np.sqrt(np.diag(covariance))
    return ClockAlignment(
        faces.offset_s + float(change[0]),
        faces.drift_ppm + 1e6 * float(change[1]),
        faces.origin_s,
        float(deviation[0]),
        float(1e6 * deviation[1]),
        faces.overlap_s,
        faces.correlation,
        faces.lead,
        faces.explained,
        "faces and taps",
    )


def _fitted(taps: FloatArray, seen: FloatArray, frame_s: float) -> ClockAlignment:
    origin_s = float(seen.mean())
    lever = seen - origin_s
    late = taps - seen
    # A mark is anywhere within its frame; what they scatter more than that, they scatter.
    grain_s = frame_s / np.sqrt(12.0)
    reach = float(np.sqrt(np.square(lever).sum()))
    drift = 0.0
    drift_deviation = 1e-6 * MOST_DRIFT_PPM / 3.0
    if len(taps) > 3 and reach > 0.0:
        # A prior of zero drift, as crystals are: taps within seconds say nothing of it.
        gain = (reach / grain_s) ** 2
        known = drift_deviation**-2
        drift = float((lever @ (late - late.mean())) / reach**2 * gain / (gain + known))
        drift_deviation = float((gain + known) ** -0.5)
    rest = late - late.mean() - drift * lever
    spread_s = max(grain_s, float(np.sqrt(np.square(rest).sum() / max(len(taps) - 2, 1))))
    return ClockAlignment(
        float(late.mean()),
        1e6 * drift,
        origin_s,
        # Half a frame at most is common to all: how the camera stamps its pictures.
        float(np.hypot(spread_s / np.sqrt(len(taps)), 0.25 * frame_s)),
        1e6 * drift_deviation,
        float(seen[-1] - seen[0]),
        method="taps",
    )


def _best_offsets(felt: FloatArray, marks: FloatArray, offsets: FloatArray) -> tuple[float, int]:
    """The offset that brings most taps to a mark, and how many the best does that is clearly another."""
    if not len(offsets):
        raise AlignmentError("expected taps and marks within reach of each other, found none; say a larger lag")
    fits = [len(_matched(felt, marks, offset)[0]) for offset in offsets]
    most = max(fits)
    # Of equals, the one whose marks lie closest to their taps.
    equals = [offset for offset, fit in zip(offsets, fits, strict=True) if fit == most]
    best = min(equals, key=lambda offset: _distance(felt, marks, offset))
    best = float(best + np.mean(np.subtract(*_matched(felt, marks, best)) - best))
    others = [fit for offset, fit in zip(offsets, fits, strict=True) if abs(offset - best) > 2.0 * _MATCH_S]
    return best, max(others, default=0)


def _distance(felt: FloatArray, marks: FloatArray, offset: float) -> float:
    taps, seen = _matched(felt, marks, offset)
    return float(np.std(taps - seen))


def _matched(felt: FloatArray, marks: FloatArray, offset: float) -> tuple[FloatArray, FloatArray]:
    """Taps that have a mark at this offset, and their marks."""
    shifted = marks + offset
    after = np.clip(np.searchsorted(shifted, felt), 1, len(shifted) - 1)
    nearest = np.where(felt - shifted[after - 1] < shifted[after] - felt, after - 1, after)
    close = np.abs(shifted[nearest] - felt) <= _MATCH_S
    return felt[close], marks[nearest[close]]


def _peak_time(time_s: NDArray[np.floating], height: FloatArray, index: int) -> float:
    """When a peak is, to a fraction of a frame."""
    if not 0 < index < len(height) - 1:
        return float(time_s[index])
    before, top, after = height[index - 1 : index + 2]
    bend = before - 2.0 * top + after
    part = float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0.0 else 0.0
    step_s = time_s[index + 1] - time_s[index] if part > 0.0 else time_s[index] - time_s[index - 1]
    return float(time_s[index] + part * step_s)

"""When each row of a Live Link Face CSV was, from its timecode `HH:MM:SS:FF.fff`.

What FF counts is written nowhere: the app's own files count 60ths of a second whatever the frame rate; many tools that
write or convert such files count the take's own frames (24, 25, 30, 50), as SMPTE timecode does. It is decided from
the rows: FF never reaches its own rate, and from the last row of a second to the first of the next the step is the
same as within a second only for one rate.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_model.errors import LiveLinkError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_TIMECODE = re.compile(r"^(\d{1,2})[:;](\d{2})[:;](\d{2})([:;.])(\d{1,3}(?:\.\d+)?)$")
_DAY_S = 86400

_COUNTED_HZ = (24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 90.0, 100.0, 120.0)
"""What FF may count per second."""

_USUAL_RATES_HZ = (24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 90.0, 100.0, 120.0)
_SLOWEST_HZ, _FASTEST_HZ = 5.0, 240.0
_TOLERANCE = 0.6
"""Of the step into a new second, in units of FF: half a unit where FF is written without a fraction."""

_LOST_AT_ONCE = 3
"""Rows that may be missing where the only new second of a short take begins."""

_NTSC = 1000.0 / 1001.0
_SKIPPED = {30.0: 2, 60.0: 4}
"""Frame numbers that drop-frame timecode leaves out at each minute but every tenth (SMPTE ST 12-1, section 5.2.2)."""

_HALF_HOUR_S = 1800.0


@dataclass(frozen=True)
class RowTimes:
    """When the rows were.

    Attributes:
        rows: (K,) indices of the rows that have a time, rising.
        time_s: (K,) s, rising, the first 0.
        rate_hz: frames per second.
        passes_midnight: whether the take does.
        notes: what was repaired, in words.
    """

    rows: Ints
    time_s: Floats
    rate_hz: float
    passes_midnight: bool
    notes: tuple[str, ...]


def row_times(path: Path, codes: Sequence[str], fps: float | None) -> RowTimes:
    """Times of rows from their timecodes.

    Args:
        path: of the file, for messages.
        codes: a timecode for each row.
        fps: the take's frames per second, for a take whose timecodes do not tell; None: not known.

    Raises:
        LiveLinkError: the timecodes make no sense, do not tell the rate, or contradict `fps`.
    """
    if fps is not None and not _SLOWEST_HZ <= fps <= _FASTEST_HZ:
        raise LiveLinkError(f"expected {_SLOWEST_HZ:g} to {_FASTEST_HZ:g} frames per second, found {fps:g}")
    rows, second, unit, drop = _parsed(path, codes)
    midnight = np.cumsum(np.diff(second, prepend=second[0]) < -_DAY_S // 2)
    second = second + midnight * _DAY_S
    kept = _without_strays(second, unit)
    rows, second, unit = rows[kept], second[kept], unit[kept]
    changes, notes = _clock_changes(path, second, unit)
    within = np.flatnonzero((np.diff(second) == 0) & ~changes)
    if fps is not None and not len(within):
        # FF says nothing at all, as with one second per row: the rows are the frames.
        return RowTimes(
            rows, np.arange(len(rows)) / fps, fps, bool(midnight.any()), ("rows counted at the given rate",)
        )
    counted = _counted(path, second, unit, changes, fps)
    time_s = _seconds(path, second, unit, counted, drop)
    step = np.diff(time_s)
    usual = float(np.median(step[~changes]))
    time_s = np.concatenate([[0.0], np.cumsum(np.where(changes, usual, step))])
    rate_hz = _frame_rate(path, usual, counted, drop)
    if fps is not None and abs(rate_hz - fps) > 0.03 * fps:
        raise LiveLinkError(
            f"{path}: expected a take at {fps:g} frames per second as given, found timecodes of {rate_hz:g}; "
            "leave the rate out"
        )
    if drop:
        notes = (*notes, f"drop-frame timecode, read as {counted * _NTSC:.2f} fps")
    return RowTimes(rows, time_s, rate_hz, bool(midnight.any()), notes)


def _parsed(path: Path, codes: Sequence[str]) -> tuple[Ints, Ints, Floats, bool]:
    """Indices of rows with a timecode, their second of the day, FF, and whether it is drop-frame timecode."""
    rows, seconds, units, semicolons = [], [], [], 0
    for i, code in enumerate(codes):
        match = _TIMECODE.match(code)
        if match is None:
            continue
        hours, minutes, whole = (int(group) for group in match.groups()[:3])
        rows.append(i)
        seconds.append(hours * 3600 + minutes * 60 + whole)
        units.append(float(match[5]))
        semicolons += match[4] != ":"
    if not rows:
        raise LiveLinkError(
            f"{path}: expected timecodes HH:MM:SS:FF.fff that rise, found none in {len(codes)} rows "
            f"(first: {codes[0]!r}); export the take again"
        )
    return np.array(rows), np.array(seconds), np.array(units), 2 * semicolons > len(rows)


def _without_strays(second: Ints, unit: Floats) -> NDArray[np.bool_]:
    """Which rows to keep: not one that repeats the timecode before it, nor a single one out of order."""
    code = second + unit / 1000.0  # in order within a second, whatever FF counts
    kept = np.ones(len(code), dtype=bool)
    alone = (np.abs(code[2:] - code[:-2]) < 2.0) & (code[2:] > code[:-2])
    stray = alone & ((code[1:-1] < code[:-2]) | (code[1:-1] > code[2:] + 2.0))
    kept[1:-1] = ~stray
    places = np.flatnonzero(kept)
    kept[places[1:][np.diff(code[places]) == 0.0]] = False
    return kept


def _clock_changes(path: Path, second: Ints, unit: Floats) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Before which rows (all but the first) the phone's clock was set: there the rows go on with the usual step."""
    jump = np.diff(second).astype(np.float64)
    back = (jump < 0.0) | ((jump == 0.0) & (np.diff(unit) < 0.0))
    hours = np.round(jump / _HALF_HOUR_S)
    ahead = (hours > 0) & (np.abs(jump - hours * _HALF_HOUR_S) <= 1.0)
    changes = back | ahead
    spread = float(jump[~changes].sum())
    if spread > 60.0 + len(second) or (jump[~changes] > 60.0).any():
        raise LiveLinkError(
            f"{path}: expected timecodes that run with the rows, found {len(second)} rows spread over {spread:.0f} s; "
            "export the take again"
        )
    if np.count_nonzero(changes) > max(3, len(second) // 100):
        raise LiveLinkError(
            f"{path}: expected timecodes that rise, found that they go back {np.count_nonzero(changes)} times in "
            f"{len(second)} rows; export the take again"
        )
    notes = tuple(
        f"the clock was set by {jump[k]:+.0f} s at row {k + 2}, the take goes on" for k in np.flatnonzero(changes)
    )
    return changes, notes


def _counted(path: Path, second: Ints, unit: Floats, changes: NDArray[np.bool_], fps: float | None) -> float:
    """What FF counts per second."""
    possible = [rate for rate in _COUNTED_HZ if rate > unit.max()]
    step = np.diff(unit)
    within = np.flatnonzero((np.diff(second) == 0) & ~changes & (step > 0.0))
    across = np.flatnonzero((np.diff(second) == 1) & ~changes)
    if len(within) and len(across):
        # The step of the nearest rows within a second: a take may change its rate.
        usual = np.array([np.median(step[within[np.argsort(np.abs(within - k), kind="stable")[:9]]]) for k in across])
        found = usual - step[across]
        off = [float(np.median(rate - found)) for rate in possible]
        fits = [
            (abs(d), rate)
            for d, rate in zip(off, possible, strict=True)
            if -_TOLERANCE <= d <= _TOLERANCE + _LOST_AT_ONCE * float(np.median(usual))
        ]
        if fits:
            return min(fits)[1]
        raise LiveLinkError(
            f"{path}: expected timecodes whose last field counts {', '.join(f'{r:g}' for r in _COUNTED_HZ)} a second, "
            f"found {float(np.median(found)):.1f} with values up to {unit.max():g}; export the take again"
        )
    if fps is None:
        raise LiveLinkError(
            f"{path}: expected timecodes that tell the frame rate, found "
            f"{'one row for each second' if not len(within) else 'a take that never passes a second'}"
            f"{' (a `_neutral` file holds one pose, not a take)' if path.stem.endswith('_neutral') else ''}; "
            "say the take's frames per second: --fps, or `fps` in a recipe"
        )
    wanted = fps * float(np.median(step[within]))
    nearest = min(possible, key=lambda rate: abs(rate - wanted), default=0.0)
    if abs(nearest - wanted) > 0.05 * wanted:
        raise LiveLinkError(
            f"{path}: expected timecodes of a take at {fps:g} frames per second as given, found steps of "
            f"{float(np.median(step[within])):g} up to {unit.max():g}; give another rate"
        )
    return nearest


def _seconds(path: Path, second: Ints, unit: Floats, counted: float, drop: bool) -> Floats:
    if not drop:
        return np.asarray(second + unit / counted, dtype=np.float64)
    if counted not in _SKIPPED:
        raise LiveLinkError(
            f"{path}: expected drop-frame timecode (HH:MM:SS;FF) to count 30 or 60 frames a second, found "
            f"{counted:g}; export the take with HH:MM:SS:FF"
        )
    minutes = second // 60
    number = second * counted + unit - _SKIPPED[counted] * (minutes - minutes // 10)
    return np.asarray(number / (counted * _NTSC), dtype=np.float64)


def _frame_rate(path: Path, step_s: float, counted: float, drop: bool) -> float:
    rate_hz = 1.0 / step_s
    if drop and abs(rate_hz - counted * _NTSC) < 0.001 * counted:
        return counted * _NTSC
    nearest = min(_USUAL_RATES_HZ, key=lambda usual: abs(usual - rate_hz))
    # Phones record 29.97 or 59.94 as 30 or 60; anything else is kept as found.
    rate_hz = nearest if abs(nearest - rate_hz) < 0.02 * nearest else rate_hz
    if not _SLOWEST_HZ <= rate_hz <= _FASTEST_HZ:
        raise LiveLinkError(
            f"{path}: expected {_SLOWEST_HZ:g} to {_FASTEST_HZ:g} frames per second, found {rate_hz:.3g}; "
            "export the take with every frame"
        )
    return rate_hz

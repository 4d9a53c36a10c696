"""Reads Apple Live Link Face CSV files: real recorded facial motion.

Format: one row per video frame with `Timecode`, `BlendShapeCount` (also spelt `BlendshapeCount`), the ARKit weights
and the angles of head and eyes in rad. Read off real files; the vendor publishes no specification. Known traps, all
handled here: columns come in varying order; a frame without a face has only the first two columns; the timecode counts
60ths of a second whatever the frame rate and wraps at midnight; weights pass 1 slightly; head angles are often zero.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.errors import LiveLinkError

Floats = NDArray[np.float64]

_TIMECODE = re.compile(r"^(\d{1,2}):(\d{2}):(\d{2}):(\d{1,2}(?:\.\d+)?)$")
_DAY_S = 86400.0
_TICKS_HZ = 60.0
"""The fourth field of a timecode counts 60ths of a second, also in 30 fps takes (seen in real files)."""

_USUAL_RATES_HZ = (24.0, 25.0, 30.0, 50.0, 60.0)
_MOST_BRIDGED_S = 0.25
"""A gap up to this is interpolated; through a longer one the face is held. A guess: half a slow expression's onset."""

_HEAD_COLUMNS = ("headyaw", "headpitch", "headroll")


@dataclass(frozen=True)
class LiveLinkReport:
    """What was found in a file and what was repaired; `str()` is one readable line."""

    rows: int
    rate_hz: float
    lost_interpolated: int
    lost_held: int
    unreadable_rows: int
    frames_missing: int
    clipped_values: int
    largest_weight: float
    wrapped_midnight: bool
    head_recorded: bool

    def __str__(self) -> str:
        head = "head motion is recorded" if self.head_recorded else "head angles are all zero"
        return (
            f"{self.rows} rows at {self.rate_hz:g} fps; face lost in {self.lost_interpolated + self.lost_held} "
            f"({self.lost_interpolated} interpolated, {self.lost_held} held); {self.unreadable_rows} unreadable; "
            f"{self.frames_missing} frames missing in time; {self.clipped_values} weights clipped, largest "
            f"{self.largest_weight:.2f}; {'passes midnight; ' if self.wrapped_midnight else ''}{head}"
        )


@dataclass(frozen=True)
class LiveLinkTake:
    """What a phone saw, at a constant rate: `T` frames without gaps.

    Attributes:
        name: of the file, without its ending.
        person: whose take it is.
        rate_hz: frames per second.
        weights: (T, 52) ARKit weights in `arkit.BLENDSHAPES` order, 0 to 1.2.
        head_angles: (T, 3) yaw, pitch and roll in rad as the app gives them; all zero where it gives none.
        report: what was found and repaired.
    """

    name: str
    person: str
    rate_hz: float
    weights: Floats
    head_angles: Floats
    report: LiveLinkReport


def read_livelink(path: Path | str, *, person: str | None = None) -> LiveLinkTake:
    """Read a take and say what had to be repaired.

    Args:
        path: CSV file.
        person: whose take it is; by default the file name up to its second underscore (`person_a_rom_1` -> `person_a`).

    Raises:
        LiveLinkError: no such file, not a Live Link Face CSV, blendshape columns are missing, or no row with a face.
    """
    path = Path(path)
    header, rows = _table(path)
    columns = _columns(path, header)
    times, values, unreadable = _parse(path, rows, columns)
    rate_hz = _frame_rate(times)
    if times[-1] - times[0] > 60.0 + len(rows):
        raise LiveLinkError(
            f"{path}: expected timecodes that run with the rows, found {len(rows)} rows spread over "
            f"{times[-1] - times[0]:.0f} s; export the take again"
        )
    frame = np.round((times - times[0]) * rate_hz).astype(np.int64)
    present = np.isfinite(values[:, 0])
    if not present.any():
        raise LiveLinkError(f"{path}: expected rows with a face, found {len(rows)} rows without one; record it again")
    filled, interpolated, held = _on_grid(frame, values, present, rate_hz)
    weights, angles = filled[:, : arkit.COUNT], filled[:, arkit.COUNT :]
    clipped = int(np.count_nonzero((weights < 0.0) | (weights > _LARGEST)))
    weights = np.clip(weights, 0.0, _LARGEST)
    report = LiveLinkReport(
        rows=len(rows),
        rate_hz=rate_hz,
        lost_interpolated=interpolated,
        lost_held=held,
        unreadable_rows=unreadable,
        frames_missing=len(filled) - len(np.unique(frame)),
        clipped_values=clipped,
        largest_weight=float(np.max(weights)),
        wrapped_midnight=bool(times[-1] >= _DAY_S),
        head_recorded=bool(np.any(np.abs(angles) > 1e-6)),
    )
    who = person or "_".join(path.stem.split("_")[:2])
    return LiveLinkTake(path.stem, who, rate_hz, weights, angles, report)


_LARGEST = 1.2
"""ARKit weights pass 1 by up to 0.08 in real files; what is beyond this is damage and is clipped."""


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        # utf-8-sig: the phone writes no mark, but spreadsheet programs that re-save the file do.
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except FileNotFoundError as error:
        raise LiveLinkError(f"expected a Live Link Face CSV at {path}, found no file; check the path") from error
    except OSError as error:
        raise LiveLinkError(f"expected a readable file at {path}, found: {error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LiveLinkError(f"{path}: expected CSV text, found: {error}; export the take again") from error
    if not rows:
        raise LiveLinkError(f"{path}: expected a header and rows, found an empty file")
    return [cell.strip() for cell in rows[0]], rows[1:]


def _columns(path: Path, header: list[str]) -> NDArray[np.int64]:
    """Column of each of the 52 weights, then of yaw, pitch and roll (-1: absent)."""
    lower = {name.lower(): i for i, name in enumerate(header)}
    if lower.get("timecode") != 0 or lower.get("blendshapecount") != 1:
        raise LiveLinkError(
            f"{path}: expected the header of a Live Link Face CSV (Timecode,BlendShapeCount,...), "
            f"found {','.join(header[:4])!r}; give the CSV that the phone app wrote"
        )
    missing = tuple(name[0].upper() + name[1:] for name in arkit.BLENDSHAPES if name.lower() not in lower)
    if missing:
        raise LiveLinkError(
            f"{path}: expected all {arkit.COUNT} ARKit columns, missing {', '.join(missing)}; export the take again"
        )
    return np.array(
        [lower[name.lower()] for name in arkit.BLENDSHAPES] + [lower.get(name, -1) for name in _HEAD_COLUMNS]
    )


def _parse(path: Path, rows: list[list[str]], columns: NDArray[np.int64]) -> tuple[Floats, Floats, int]:
    """Times in s (T,), values (T, 55) with NaN where the face was lost, and the number of rows that made no sense."""
    if not rows:
        raise LiveLinkError(f"{path}: expected rows after the header, found none; record the take again")
    times: list[float] = []
    values: list[list[float]] = []
    unreadable, days, width = 0, 0.0, int(columns.max()) + 1
    for row in rows:
        match = _TIMECODE.match(row[0].strip())
        if match is None:
            unreadable += 1
            continue
        hours, minutes, seconds, ticks = (float(group) for group in match.groups())
        time_s = hours * 3600.0 + minutes * 60.0 + seconds + ticks / _TICKS_HZ + days
        if times and time_s < times[-1] - _DAY_S / 2.0:
            days += _DAY_S
            time_s += _DAY_S
        if times and time_s <= times[-1]:
            unreadable += 1
            continue
        numbers = [float("nan")] * len(columns)
        if len(row) >= width:
            try:
                numbers = [float(row[c]) if c >= 0 else 0.0 for c in columns]
            except ValueError:
                unreadable += 1
        if not np.isfinite(numbers).all():
            numbers = [float("nan")] * len(columns)
        times.append(time_s)
        values.append(numbers)
    if not times:
        raise LiveLinkError(
            f"{path}: expected timecodes HH:MM:SS:FF.fff that rise, found none in {len(rows)} rows "
            f"(first: {rows[0][0]!r}); export the take again"
        )
    return np.array(times), np.array(values), unreadable


def _frame_rate(times: Floats) -> float:
    if len(times) < 2:
        return 60.0
    rate_hz = 1.0 / float(np.median(np.diff(times)))
    nearest = min(_USUAL_RATES_HZ, key=lambda usual: abs(usual - rate_hz))
    # Phones record 29.97 or 59.94 as 30 or 60; anything else is kept as found.
    return nearest if abs(nearest - rate_hz) < 0.02 * nearest else rate_hz


def _on_grid(
    frame: NDArray[np.int64], values: Floats, present: NDArray[np.bool_], rate_hz: float
) -> tuple[Floats, int, int]:
    """Values at every frame of the take; lost faces bridged or held; counts of rows bridged and held."""
    known, first = np.unique(frame[present], return_index=True)
    grid = np.arange(frame[-1] + 1, dtype=np.float64)
    source = values[present][first]
    filled = np.stack([np.interp(grid, known, source[:, c]) for c in range(source.shape[1])], axis=1)
    after = np.searchsorted(known, grid)
    before = np.clip(np.searchsorted(known, grid, side="right") - 1, 0, len(known) - 1)
    gap = known[np.clip(after, 0, len(known) - 1)] - known[before]
    longer = (gap > _MOST_BRIDGED_S * rate_hz) | (after >= len(known)) | (grid < known[0])
    hold = longer & ~np.isin(grid, known)
    # Held at the last seen face, then carried to the next one in the last quarter second, so that there is no jump.
    start = known[np.clip(after, 0, len(known) - 1)] - _MOST_BRIDGED_S * rate_hz
    share = np.clip((grid - start) / (_MOST_BRIDGED_S * rate_hz), 0.0, 1.0)[:, None]
    held = source[before] * (1.0 - share) + source[np.clip(after, 0, len(known) - 1)] * share
    filled[hold] = held[hold]
    lost = frame[~present]
    return filled, int(np.count_nonzero(~hold[lost])), int(np.count_nonzero(hold[lost]))

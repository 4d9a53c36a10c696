"""Reads Apple Live Link Face CSV files: real recorded facial motion.

Format: one row per video frame with `Timecode`, `BlendShapeCount` (also spelt `BlendshapeCount`), the ARKit weights
and the angles of head and eyes in rad. Read off real files; the vendor publishes no specification. Known traps, all
handled here, in `livelink_table` and in `livelink_timecode`: columns come in varying order; a frame without a face has
only the first two columns, or zeros, or the last face again; the timecode counts 60ths of a second or the take's own
frames, wraps at midnight and follows a clock that may be set; weights pass 1 slightly, or run to 100; head angles are
often zero, or in degrees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.errors import LiveLinkError
from face_model.livelink_table import read_table
from face_model.livelink_timecode import row_times

Floats = NDArray[np.float64]

_MOST_BRIDGED_S = 0.25
"""A gap up to this is interpolated; through a longer one the face is held. A guess: half a slow expression's onset."""

_FROZEN_S = 0.25
"""A camera's weights tremble: a face that stays the same to the last digit for this long was not seen (a guess)."""


@dataclass(frozen=True)
class LiveLinkReport:
    """What was found in a file and what was repaired; `str()` is one readable line.

    Attributes:
        rows: number of rows.
        rate_hz: frames per second.
        lost_interpolated: rows without a face that were bridged.
        lost_held: rows without a face that were held at the last one.
        frozen: rows that repeat the face before them to the last digit, in runs of a quarter second or more.
        unreadable_rows: rows without a timecode that fits, or with a cell that is no number.
        frames_missing: frames of the grid without a row.
        clipped_values: weights outside 0 to 1.2.
        largest_weight: after clipping.
        wrapped_midnight: whether the take passes midnight.
        head_recorded: whether the head's angles are there.
        notes: what else was read otherwise than written: units, clock, columns.
    """

    rows: int
    rate_hz: float
    lost_interpolated: int
    lost_held: int
    frozen: int
    unreadable_rows: int
    frames_missing: int
    clipped_values: int
    largest_weight: float
    wrapped_midnight: bool
    head_recorded: bool
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = "head motion is recorded" if self.head_recorded else "head angles are all zero"
        frozen = f"{self.frozen} rows repeat a face; " if self.frozen else ""
        notes = "".join(f"; {note}" for note in self.notes)
        return (
            f"{self.rows} rows at {self.rate_hz:g} fps; face lost in {self.lost_interpolated + self.lost_held} "
            f"({self.lost_interpolated} interpolated, {self.lost_held} held); {frozen}"
            f"{self.unreadable_rows} unreadable; {self.frames_missing} frames missing in time; "
            f"{self.clipped_values} weights clipped, largest {self.largest_weight:.2f}; "
            f"{'passes midnight; ' if self.wrapped_midnight else ''}{head}{notes}"
        )


@dataclass(frozen=True)
class LiveLinkTake:
    """What a phone saw, at a constant rate: `T` frames without gaps.

    Attributes:
        name: of the file, without its ending.
        person: whose take it is.
        rate_hz: frames per second.
        weights: (T, 52) ARKit weights in `arkit.BLENDSHAPES` order, 0 to 1.2.
        seen: (T, 52) bool, which of them the phone saw: not those that were interpolated, held, frozen or have no
            column. Labels and truth are made of seen weights only.
        head_angles: (T, 3) yaw, pitch and roll in rad as the app gives them; all zero where it gives none.
        report: what was found and repaired.
    """

    name: str
    person: str
    rate_hz: float
    weights: Floats
    seen: NDArray[np.bool_]
    head_angles: Floats
    report: LiveLinkReport


def read_livelink(path: Path | str, *, person: str | None = None, fps: float | None = None) -> LiveLinkTake:
    """Read a take and say what had to be repaired.

    Args:
        path: CSV file.
        person: whose take it is; by default as the file is named: see `person_of`.
        fps: frames per second, for a take whose timecodes do not tell them.

    Raises:
        LiveLinkError: no such file, not a Live Link Face CSV, blendshape columns are missing or doubled, nothing tells
            when the rows were, units that are not known, or fewer than two rows with a face.
    """
    path = Path(path)
    table = read_table(path)
    if len(table.codes) < 2:
        what = "a `_neutral` file holds one pose, not a take: give" if path.stem.endswith("_neutral") else "give"
        raise LiveLinkError(f"{path}: expected a take of two rows or more, found one; {what} the CSV of the take")
    present = np.isfinite(table.values[:, 0])
    if np.count_nonzero(present) < 2:
        found = "one of them with a face" if present.any() else "all without one"
        raise LiveLinkError(
            f"{path}: expected rows with a face, at least two, found {len(present)} rows, {found}; record it again"
        )
    when = row_times(path, table.codes, fps)
    values, notes = _in_units(path, table.values[when.rows])
    if table.absent:
        notes = (*notes, f"no column {', '.join(table.absent)}: never seen")
    frame = np.round(when.time_s * when.rate_hz).astype(np.int64)
    present = np.isfinite(values[:, 0])
    if np.count_nonzero(present) < 2:
        raise LiveLinkError(f"{path}: expected rows with a face and a timecode that fits, found hardly any")
    frozen = _frozen(values, round(_FROZEN_S * when.rate_hz))
    filled, interpolated, held = _on_grid(frame, values, present, when.rate_hz)
    weights, angles = filled[:, : arkit.COUNT], filled[:, arkit.COUNT :]
    seen = np.zeros(weights.shape, dtype=bool)
    seen[frame[present & ~frozen]] = True
    seen[:, [arkit.INDEX[name] for name in table.absent]] = False
    clipped = int(np.count_nonzero((weights < 0.0) | (weights > _LARGEST)))
    weights = np.clip(weights, 0.0, _LARGEST)
    report = LiveLinkReport(
        rows=len(table.codes),
        rate_hz=when.rate_hz,
        lost_interpolated=interpolated,
        lost_held=held,
        frozen=int(np.count_nonzero(frozen)),
        unreadable_rows=len(table.codes) - len(when.rows) + int(np.count_nonzero(table.no_sense[when.rows])),
        frames_missing=len(filled) - len(np.unique(frame)),
        clipped_values=clipped,
        largest_weight=float(np.max(weights)),
        wrapped_midnight=when.passes_midnight,
        head_recorded=bool(np.any(np.abs(angles) > 1e-6)),
        notes=(*when.notes, *notes),
    )
    return LiveLinkTake(path.stem, person or person_of(path), when.rate_hz, weights, seen, angles, report)


def person_of(path: Path) -> str:
    """Whose take a file is, as far as its name tells: the first two words that are not numbers.

    `person_a_rom_1` is person_a's. The app names takes by slate and number, `MySlate_7_iPhone`: all takes of a phone
    are taken for one person's, since a person counted as two would be learned from and tested on.
    """
    words = [_NUMBER.sub("", word) if _SLATE.match(word) else word for word in path.stem.split("_")]
    names = [word for word in words if word and not word.isdigit() and word.lower() not in _NO_NAMES]
    return "_".join(names[:2]) or path.stem


_SLATE = re.compile(r"^(my)?(slate|take|scene|shot)[-]?\d*$", re.IGNORECASE)
_NUMBER = re.compile(r"[-]?\d+$")
_NO_NAMES = ("neutral", "cal", "raw")
"""Ends of names that the app gives to what lies beside a take."""

_LARGEST = 1.2
"""ARKit weights pass 1 by up to 0.08 in real files; what is beyond this is damage and is clipped."""

_HALF_TURN = 3.3
"""rad, somewhat more than half a turn: angles beyond it are in degrees."""


def _in_units(path: Path, values: Floats) -> tuple[Floats, tuple[str, ...]]:
    """Weights of 0 to 1 and angles in rad, and what was converted; `values` (T, 55)."""
    notes: tuple[str, ...] = ()
    values = values.copy()
    weights, angles = values[:, : arkit.COUNT], values[:, arkit.COUNT :]
    some = weights[np.isfinite(weights) & (np.abs(weights) > 1e-6)]
    if len(some) and np.mean(some > 1.5) > 0.5:
        if some.max() > 100.0 * _LARGEST or some.min() < 0.0:
            raise LiveLinkError(
                f"{path}: expected weights of 0 to 1, found {some.min():g} to {some.max():g}; export the take again"
            )
        weights /= 100.0
        notes += ("weights of 0 to 100 were divided by 100",)
    turned = np.abs(angles[np.isfinite(angles).all(axis=1)]).max(axis=1, initial=0.0)
    if len(turned) and np.mean(turned > _HALF_TURN) > 0.01:
        if turned.max() > 360.0:
            raise LiveLinkError(f"{path}: expected head angles in rad, found {turned.max():g}; export the take again")
        angles[:] = np.radians(angles)
        notes += ("head angles were converted from degrees",)
    return values, notes


def _frozen(values: Floats, least: int) -> NDArray[np.bool_]:
    """(T,) rows that repeat the weights before them, in runs of at least `least` rows."""
    same = np.concatenate([[False], (np.diff(values[:, : arkit.COUNT], axis=0) == 0.0).all(axis=1)])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], same.astype(np.int8), [0]])))
    frozen = np.zeros(len(values), dtype=bool)
    for begins, ends in edges.reshape(-1, 2):
        frozen[begins:ends] = ends - begins >= least
    return frozen


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

"""Brief events in a stream of weights: micro-expressions and blinks, with onset, apex and offset.

A micro-expression is a small bump in many weights at once. At each of five widths, the mean of the newest weights over
that width less the mean of what lies before and after says how far they stand out; the squared length of that vector,
in units of how a face in neutral wear makes it move (`event_noise.npz`), is the evidence. Blinks are found
by the lids' own weights; what else of this wearer's face moves with them is learned, and taken out of what happens
beside them.

All is in time, not in frames: weights are interpolated to a grid of 10 ms. What is told lies `LATENCY_S` and more in
the past, because an event is brief only once it is over.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from face_affect.bumps import GRID_S, HALF, LENGTH, SHAPES, WINDOWS, Floats
from face_affect.errors import AffectError
from face_affect.event_noise import EventNoise, load_noise
from face_model import arkit

LATENCY_S: Final = 0.54
"""From an apex to the moment at which the widest bump about it can be measured, s."""
LONGEST_S: Final = 0.5
"""Duration from which an expression is no micro-expression, s (Ekman and Friesen 1969: 1/25 to 1/2 s)."""

_MOST_GAP_S = 0.1
"""A gap in the input from which all begins anew: what is interpolated over it would be invented."""
_MERGE_S = 0.45
"""Evidence that comes again within this time belongs to the same event: a bump has a dip on either side."""
_ECHO = 0.3
"""Share of an event's evidence that a bump right after it must have to be one of its own."""
_EDGE = 0.12
"""Share of the peak at which an event begins and ends."""
_BLINK_WIDTH = 2
_BLINK_LEAST = 0.12
"""How far eyeBlink must stand out for a blink: half of what the published model shows of the faintest full blinks."""
_BLINK_LONGEST_S = 0.7
_BESIDE_S = 0.15
"""An event whose apex is so near that of a blink may be the blink."""
_OWN_BLINKS = 3
"""So many blinks of this wearer make a pattern of what else of the face moves with them."""
_BLINK_MEMORY = 0.2
"""Share of the newest blink in that pattern, once it is there."""
_BESIDE_FACTOR, _BESIDE_UNKNOWN = 1.5, 4.0
"""Evidence that an event beside a blink must have beyond the blink's pattern, and before there is one."""
_BLINK_STEPS = (-4, 0, 4)
"""Grid steps about a blink's apex of which the pattern is made: neighbours of the lids move a little earlier or
later."""

_LIDS: Final = [arkit.INDEX["eyeBlinkLeft"], arkit.INDEX["eyeBlinkRight"]]


class EventKind(IntEnum):
    """What happened."""

    MICRO_EXPRESSION = 0
    BLINK = 1


@dataclass(frozen=True)
class FacialEvent:
    """One event that is over.

    Attributes:
        kind: what.
        onset_s, apex_s, offset_s: when it began, was strongest and ended, on the clock of the stamps, s.
        codes: FACS codes of the units that moved, the surest first; (45,) of a blink, (46,) of a wink.
        sides: for each code, -1 the wearer's right, 1 left, 0 both or no side.
        intensity: for each code, at the apex, 0 to 1, less what was there before. As weights show it, which is less
            than the skin did: see docs/affect.md.
        strength: evidence at the apex over the threshold, 1 and more.
        confidence: 0 to 1.
    """

    kind: EventKind
    onset_s: float
    apex_s: float
    offset_s: float
    codes: tuple[int, ...]
    sides: tuple[int, ...]
    intensity: tuple[float, ...]
    strength: float
    confidence: float

    @property
    def duration_s(self) -> float:
        """From onset to offset, s."""
        return self.offset_s - self.onset_s


_MERGE: Final = round(_MERGE_S / GRID_S)
_KEPT: Final = 256
"""Grid steps that are kept: long enough for the longest event, its surroundings and the latency."""


class EventDetector:
    """Finds events in a stream of weights.

    Args:
        noise: what neutral wear looks like; the shipped one by default.
        threshold: evidence from which an event is told; 1 gives what docs/affect.md says, more gives fewer.
    """

    def __init__(self, noise: EventNoise | None = None, threshold: float = 1.0) -> None:
        self._noise = noise or load_noise()
        self.threshold = threshold
        # The square root of the precision makes evidence a sum of squares: one product for all widths.
        values, vectors = np.linalg.eigh(self._noise.precision)
        self._whiten = np.sqrt(np.maximum(values, 0.0))[:, :, None] * vectors.transpose(0, 2, 1)
        self.forget()

    def reset(self) -> None:
        """Forget the stream."""
        # Each row stands twice, so that the newest rows always lie in one piece.
        self._ring = np.zeros((2 * _KEPT, len(SHAPES) + 2))
        self._count = 0
        self._time_s = self._first_s = float("nan")
        self._last: Floats | None = None
        self._peak: tuple[float, int, int] | None = None
        self._quiet_after = 0
        self._told: tuple[float, int] | None = None
        self._lid_peak: tuple[float, int] | None = None
        self._blinked: deque[int] = deque(maxlen=4)
        self._unlearned: deque[tuple[int, Floats]] = deque(maxlen=4)
        self._apex = -_KEPT

    def forget(self) -> None:
        """Forget the wearer too: how this face blinks."""
        self.reset()
        self._own_blink: Floats | None = None
        self._own_blinks = 0

    @property
    def ready(self) -> bool:
        """Whether enough of the stream was seen."""
        return self._count >= LENGTH

    def update(self, stamp_s: float, weights: ArrayLike) -> list[FacialEvent]:
        """Take the weights (52,) of one frame; events that became known by it, usually none.

        Stamps that go back, or that jump ahead by more than 0.1 s, begin anew.
        """
        given = np.asarray(weights, dtype=np.float64)
        if given.shape != (arkit.COUNT,):
            raise AffectError(f"expected weights of shape (52,), found {given.shape}")
        if not np.isfinite(stamp_s) or not np.isfinite(given).all():
            return []
        row = given[_TAKEN]
        if self._last is None or not 0.0 < stamp_s - self._time_s <= _MOST_GAP_S:
            if self._last is not None and stamp_s == self._time_s:
                return []
            self.reset()
            self._time_s = self._first_s = stamp_s
            self._last = row
            self._push(row)
            return []
        found: list[FacialEvent] = []
        before_s, before, span = self._time_s, self._last, stamp_s - self._time_s
        while True:
            at_s = self._first_s + self._count * GRID_S
            if at_s > stamp_s + 1e-9:
                break
            share = min(1.0, max(0.0, (at_s - before_s) / span))
            self._push(before + share * (row - before))
            found += self._look()
        self._time_s, self._last = stamp_s, row
        return found

    def _push(self, row: Floats) -> None:
        at = self._count % _KEPT
        self._ring[at] = self._ring[at + _KEPT] = row
        self._count += 1

    def _rows(self, first: int, last: int) -> Floats:
        """Grid rows `first` to `last`, exclusive; both within the newest `_KEPT`."""
        at = first % _KEPT
        return self._ring[at : at + last - first]

    def _look(self) -> list[FacialEvent]:
        if self._count < LENGTH:
            return []
        middle = self._count - 1 - HALF
        bumps = WINDOWS @ self._rows(self._count - LENGTH, self._count)
        white = (self._whiten @ bumps[:, :-2, None])[:, :, 0]
        evidence = np.einsum("wk,wk->w", white, white)
        width = int(evidence.argmax())
        found = self._blink(middle, bumps[_BLINK_WIDTH, -2:])
        value = float(evidence[width])
        if value >= self.threshold and (self._peak is None or value > self._peak[0]):
            self._peak = (value, middle, width)
        if self._peak is not None and middle - self._peak[1] >= _MERGE:
            peak, self._peak = self._peak, None
            echo = self._told is not None and peak[1] - self._told[1] < 2 * _MERGE and peak[0] < _ECHO * self._told[0]
            event = None if echo else self._event(*peak)
            if not echo:
                self._told = (peak[0], peak[1])
            if event is not None:
                self._apex = peak[1]
                found.append(event)
        self._learn_blinks(middle)
        return found

    def _event(self, value: float, middle: int, width: int) -> FacialEvent | None:
        oldest = max(0, self._count - _KEPT)
        rows = self._rows(oldest, self._count)[:, :-2]
        window = np.zeros(len(rows))
        begin = middle - HALF - oldest
        if begin < 0:
            return None
        window[begin : begin + LENGTH] = WINDOWS[width]
        bump = window @ rows
        precision = self._noise.precision[width]
        along = precision @ bump
        surround = np.minimum(window, 0.0)
        course = (rows - (surround @ rows) / surround.sum()) @ along
        at = middle - oldest
        near = slice(max(0, at - 8), at + 9)
        apex = near.start + int(course[near].argmax())
        if course[apex] <= 0.0:
            return None
        low = course < _EDGE * course[apex]
        before, after = np.flatnonzero(low[:apex]), np.flatnonzero(low[apex:])
        if not len(before) or not len(after):
            return None
        onset, offset = int(before[-1]) + 1, apex + int(after[0]) - 1
        first_s = self._first_s + oldest * GRID_S
        duration_s = (offset - onset + 1) * GRID_S
        if duration_s > LONGEST_S or onset + oldest < self._quiet_after:
            return None
        value = self._beyond_blink(value, middle, width, bump, precision)
        if value < self.threshold:
            return None
        self._quiet_after = offset + oldest
        codes, sides, amounts = self._units(bump, precision)
        strength = value / self.threshold
        return FacialEvent(
            EventKind.MICRO_EXPRESSION,
            first_s + onset * GRID_S,
            first_s + apex * GRID_S,
            first_s + (offset + 1) * GRID_S,
            codes,
            sides,
            amounts,
            strength,
            1.0 - 0.5 / strength,
        )

    def _beyond_blink(self, value: float, middle: int, width: int, bump: Floats, precision: Floats) -> float:
        """Evidence of a bump; beside a blink, of what is not the blink's, over what is asked of it there."""
        if not any(abs(at - middle) <= round(_BESIDE_S / GRID_S) for at in self._blinked):
            return value
        if self._own_blink is None or self._own_blinks < _OWN_BLINKS:
            return value / _BESIDE_UNKNOWN
        pattern = self._own_blink[:, width]
        weighed = pattern @ precision
        share = np.linalg.lstsq(weighed @ pattern.T, weighed @ bump, rcond=1e-6)[0]
        rest = bump - share @ pattern
        return float(rest @ precision @ rest) / _BESIDE_FACTOR

    def _keep_blink(self, apex: int) -> None:
        """Keep what moved with a blink until it is known whether something else did; `apex` is a grid step."""
        first, last = apex + _BLINK_STEPS[0] - HALF, apex + _BLINK_STEPS[-1] + HALF + 1
        if first < max(0, self._count - _KEPT) or last > self._count:
            return
        rows = self._rows(first, last)[:, :-2]
        moved = np.stack([WINDOWS @ rows[i : i + LENGTH] for i in (s - _BLINK_STEPS[0] for s in _BLINK_STEPS)])
        self._unlearned.append((apex, moved))

    def _learn_blinks(self, middle: int) -> None:
        """Take blinks that nothing happened beside into the pattern of this wearer's."""
        while self._unlearned and middle - self._unlearned[0][0] > _MERGE + 2 * round(_BESIDE_S / GRID_S):
            apex, moved = self._unlearned.popleft()
            if abs(apex - self._apex) <= 2 * round(_BESIDE_S / GRID_S):
                continue
            self._own_blinks += 1
            share = max(_BLINK_MEMORY, 1.0 / self._own_blinks)
            self._own_blink = moved if self._own_blink is None else self._own_blink + share * (moved - self._own_blink)

    def _units(self, bump: Floats, precision: Floats) -> tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]]:
        """Units whose patterns explain the bump, taken one after the other, the best first."""
        patterns, rest = self._noise.patterns, bump.copy()
        weighed = patterns @ precision
        own = np.einsum("pk,pk->p", weighed, patterns)
        total = float(bump @ precision @ bump)
        found: dict[int, tuple[int, float]] = {}
        for _ in range(4):
            fit = weighed @ rest
            gain = np.where(fit > 0.0, fit * fit / own, 0.0)
            best = int(gain.argmax())
            if gain[best] < 0.08 * total:
                break
            amount = float(fit[best] / own[best])
            rest -= amount * patterns[best]
            code, side = int(self._noise.codes[best]), int(self._noise.sides[best])
            if code in found:
                old_side, old = found[code]
                found[code] = (old_side if old_side == side else 0, max(old, amount))
            else:
                found[code] = (side, amount)
        codes = tuple(found)
        return codes, tuple(found[c][0] for c in codes), tuple(min(1.0, found[c][1]) for c in codes)

    def _blink(self, middle: int, lids: Floats) -> list[FacialEvent]:
        value = float(lids.max())
        if value >= _BLINK_LEAST and (self._lid_peak is None or value > self._lid_peak[0]):
            self._lid_peak = (value, middle)
        if self._lid_peak is None or middle - self._lid_peak[1] < 15:
            return []
        (value, middle), self._lid_peak = self._lid_peak, None
        oldest = max(0, self._count - _KEPT)
        rows = self._rows(oldest, self._count)[:, -2:]
        at = middle - oldest
        around = rows[max(0, at - 40) : at + 41]
        lid = rows.max(axis=1)
        apex = max(0, at - 8) + int(lid[max(0, at - 8) : at + 9].argmax())
        base = float(np.quantile(around.max(axis=1), 0.1))
        height = float(lid[apex]) - base
        low = lid < base + _EDGE * height
        before, after = np.flatnonzero(low[:apex]), np.flatnonzero(low[apex:])
        if height <= 0.0 or not len(before) or not len(after):
            return []
        onset, offset = int(before[-1]) + 1, apex + int(after[0])
        if (offset - onset) * GRID_S > _BLINK_LONGEST_S:
            return []
        first_s = self._first_s + oldest * GRID_S
        closed = rows[apex] - base
        wink = float(closed.min()) < 0.4 * float(closed.max())
        side = 0 if not wink else 1 if closed[0] > closed[1] else -1
        strength = value / _BLINK_LEAST
        self._blinked.append(apex + oldest)
        self._keep_blink(apex + oldest)
        return [
            FacialEvent(
                EventKind.BLINK,
                first_s + onset * GRID_S,
                first_s + apex * GRID_S,
                first_s + offset * GRID_S,
                (46 if wink else 45,),
                (side,),
                (min(1.0, height),),
                strength,
                1.0 - 0.5 / strength,
            )
        ]


_TAKEN: Final = np.array([*SHAPES, *_LIDS])

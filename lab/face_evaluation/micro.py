"""Micro-expressions in neutral wear: motions that have them, and what of them is found again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_affect.bumps import GRID_S, SHAPES, WIDTHS_S, bump_windows
from face_affect.event_noise import EventNoise
from face_affect.events import EventDetector, EventKind, FacialEvent
from face_model import arkit
from imu_sim.head_motion import Walk, random_gestures
from imu_sim.motion import FaceMotion
from imu_sim.performance.action_units import action_units
from imu_sim.performance.expression import Expression
from imu_sim.performance.perform import Script, perform
from imu_sim.performance.style import draw_style

SHORTEST_S, LONGEST_S = 0.04, 0.5
"""P. Ekman, W. Friesen, "Nonverbal leakage and clues to deception", 1969: 1/25 to 1/2 s."""

WEAKEST, STRONGEST = 0.3, 0.8
"""Intensity of the units at the apex: from slight to severe. Whether a muscle gets so far in 40 ms is doubted; the
events are equally strong at all durations, so that duration alone tells the difference."""

SHOWN: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("12", (12,)),
    ("6+12", (6, 12)),
    ("1+2", (1, 2)),
    ("1+2+5+26", (1, 2, 26)),
    ("1+2+4+20", (1, 2, 4, 20)),
    ("1+4", (1, 4)),
    ("4", (4,)),
    ("4+7", (4, 7)),
    ("4+7+24", (4, 7, 24)),
    ("9", (9,)),
    ("10", (10,)),
    ("9+17", (9, 17)),
    ("15", (15,)),
    ("1+4+15", (1, 4, 15)),
    ("15+17", (15, 17)),
    ("20", (20,)),
    ("24", (24,)),
    ("L14", (14,)),
    ("R14", (14,)),
    ("L12+L14", (12, 14)),
    ("R12+R14", (12, 14)),
)
"""What is shown, as FACS writes it, and the units that sensors can see of it: single units, and prototypes of the basic
emotions and contempt."""

SINGLE: tuple[tuple[str, tuple[int, ...]], ...] = tuple(
    (f"{side}{code}", (code,))
    for code in (1, 2, 4, 6, 7, 9, 10, 12, 14, 15, 16, 17, 18, 20, 22, 23, 24, 26)
    for side in (("", "L", "R") if code in (2, 4, 9, 10, 12, 14, 15, 20) else ("",))
)
"""Single units that patterns are learned of, where it matters with their side."""

_STILL_S = 3.0
_EVERY_S = (3.0, 6.0)
"""From one event to the next, s."""


@dataclass(frozen=True)
class TrueEvent:
    """A micro-expression that was played.

    Attributes:
        start_s: when the face begins to move, s of the take.
        end_s: when it is back.
        shown: as FACS writes it.
        codes: its observable units.
        intensity: of its units at the apex.
    """

    start_s: float
    end_s: float
    shown: str
    codes: tuple[int, ...]
    intensity: float

    @property
    def duration_s(self) -> float:
        """From the first movement to the last, s."""
        return self.end_s - self.start_s


def micro_motion(
    seed: int, seconds: float, shown: Sequence[tuple[str, tuple[int, ...]]] = SHOWN
) -> tuple[FaceMotion, list[TrueEvent]]:
    """A person who sits, looks about, nods, blinks, in every third take walks for a while, and has micro-expressions.

    They are drawn from `shown`; nothing in it: the same without any. The face else rests, with the faint play and the
    tonus that this person has.
    """
    rng = np.random.default_rng([seed, 0x31C0])
    style = draw_style(rng)
    end_s = seconds - 1.5
    head = random_gestures(_STILL_S + 0.3, end_s, rng)
    walks = (Walk(0.5 * seconds, 0.3 * seconds),) if seed % 3 == 0 else ()
    drawn = _drawn(rng, end_s, shown) if shown else []
    script = Script(
        duration_s=seconds,
        still_s=_STILL_S,
        expressions=tuple(expression for expression, _ in drawn),
        head=head,
        walks=walks,
        blink_interval_s=style.blink_interval_s,
    )
    motion = perform(script, rng, f"micro {seed}", f"wearer {seed}", style)
    return motion, [event for _, event in drawn]


def _drawn(
    rng: np.random.Generator, end_s: float, choices: Sequence[tuple[str, tuple[int, ...]]]
) -> list[tuple[Expression, TrueEvent]]:
    found = []
    now = _STILL_S + float(rng.uniform(*_EVERY_S))
    while now < end_s:
        shown, codes = choices[int(rng.integers(len(choices)))]
        intensity = float(rng.uniform(WEAKEST, STRONGEST))
        total_s = float(rng.uniform(SHORTEST_S, LONGEST_S))
        onset_s = total_s * float(rng.uniform(0.3, 0.45))
        apex_s = total_s * float(rng.uniform(0.0, 0.2))
        expression = Expression(now, action_units(shown), intensity, onset_s, apex_s, total_s - onset_s - apex_s)
        found.append((expression, TrueEvent(now, now + total_s, shown, codes, intensity)))
        now += total_s + float(rng.uniform(*_EVERY_S))
    return found


MATCH_S = 0.15
"""An event that was found belongs to a true one if its apex lies within it, give or take this."""


@dataclass(frozen=True)
class Found:
    """What of one take was found.

    Attributes:
        true: micro-expressions that were played, with what was found of each; None: missed.
        false: micro-expressions that were told and not played.
        blinks: true ones, of which so many were found.
        blinks_found: how many.
        minutes: of the take that was listened to.
    """

    true: tuple[tuple[TrueEvent, FacialEvent | None], ...]
    false: tuple[FacialEvent, ...]
    blinks: int
    blinks_found: int
    minutes: float


def detect(
    weights: NDArray[np.floating], rate_hz: float, noise: EventNoise | None = None, threshold: float = 1.0
) -> list[FacialEvent]:
    """Events in the weights (T, 52) of a take, streamed."""
    detector = EventDetector(noise, threshold)
    return [event for i, row in enumerate(weights) for event in detector.update(i / rate_hz, row)]


def judge(
    events: Iterable[FacialEvent], true: Sequence[TrueEvent], true_weights: NDArray[np.floating], rate_hz: float
) -> Found:
    """Compare events with what was played; each true event takes one, more of them about it are no alarm."""
    found = list(events)
    micro = [event for event in found if event.kind == EventKind.MICRO_EXPRESSION and event.apex_s > _STILL_S]
    pairs: list[tuple[TrueEvent, FacialEvent | None]] = []
    taken: set[int] = set()
    for played in true:
        near = [
            i for i, event in enumerate(micro) if played.start_s - MATCH_S <= event.apex_s <= played.end_s + MATCH_S
        ]
        taken.update(near)
        pairs.append((played, micro[max(near, key=lambda i: micro[i].strength)] if near else None))
    false = tuple(event for i, event in enumerate(micro) if i not in taken)
    closing = true_blinks(true_weights, rate_hz)
    lids = np.array([event.apex_s for event in found if event.kind == EventKind.BLINK])
    seen = sum(bool(len(lids)) and float(np.abs(lids - at).min()) < MATCH_S for at in closing)
    return Found(tuple(pairs), false, len(closing), int(seen), (len(true_weights) / rate_hz - _STILL_S) / 60.0)


def true_blinks(weights: NDArray[np.floating], rate_hz: float) -> list[float]:
    """When the lids were shut by more than half, s: the middle of each time."""
    shut = weights[:, arkit.INDEX["eyeBlinkLeft"]] > 0.5
    edges = np.diff(np.concatenate([[False], shut, [False]]).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [0.5 * (a + b) / rate_hz for a, b in zip(starts, ends, strict=True) if a / rate_hz > _STILL_S]


def bumps(weights: NDArray[np.floating], width: int) -> NDArray[np.float64]:
    """(T, shapes): how far the weights of a take at the grid's rate stand out at one width; nought near its ends."""
    window = bump_windows()[width]
    columns = np.asarray(weights[:, list(SHAPES)], dtype=np.float64)
    return np.stack([np.convolve(column, window[::-1], mode="same") for column in columns.T], axis=1)


_FLOOR = 1e-6
"""Variance of a bump that nobody believes to be less: a published weight means nothing below 0.001."""
_BLINKS_COUNT = 0.3
"""Share of the bumps about blinks in the covariance: so much that they hide what looks like them, and no more."""
_RARE = 0.998
"""Quantile of the evidence in neutral wear that all widths have in common."""


def fit_noise(
    quiet: Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]],
    units: Sequence[tuple[NDArray[np.floating], Sequence[TrueEvent]]],
    model: str,
    alarms_per_min: float,
) -> EventNoise:
    """Noise of neutral wear, from takes without micro-expressions, and patterns of units, from takes of single units.

    Args:
        quiet: estimated and true weights (T, 52) of takes at the rate of the grid.
        units: estimated weights of takes with events of single units, and these.
        model: whose weights they are.
        alarms_per_min: that the threshold is to give on the quiet takes.
    """
    precision = np.stack([_precision(quiet, width) for width in range(len(WIDTHS_S))])
    patterns, codes, sides = _patterns(units)
    noise = EventNoise(precision, patterns, codes, sides, model)
    alarms: list[float] = []
    minutes = 0.0
    for estimated, true in quiet:
        result = judge(detect(estimated, 1.0 / GRID_S, noise, 0.2), (), true, 1.0 / GRID_S)
        alarms += [event.strength * 0.2 for event in result.false]
        minutes += result.minutes
    allowed = int(alarms_per_min * minutes)
    threshold = sorted(alarms, reverse=True)[allowed] if len(alarms) > allowed else 0.2
    return EventNoise(precision / threshold, patterns, codes, sides, model)


def _precision(quiet: Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]], width: int) -> NDArray[np.float64]:
    still, blinking = [], []
    reach = round((0.1 + 1.5 * WIDTHS_S[width]) / GRID_S)
    for estimated, true in quiet:
        z = bumps(estimated, width)
        near = np.convolve(true[:, arkit.INDEX["eyeBlinkLeft"]] > 0.03, np.ones(2 * reach + 1), mode="same") > 0.5
        inside = np.zeros(len(z), dtype=bool)
        inside[round((_STILL_S + 1.0) / GRID_S) : -200] = True
        still.append(z[inside & ~near])
        blinking.append(z[inside & near])
    a, b = np.vstack(still), np.vstack(blinking)
    covariance = a.T @ a / len(a) + _BLINKS_COUNT * (b.T @ b) / max(1, len(b)) + _FLOOR * np.eye(a.shape[1])
    precision = np.linalg.inv(covariance)
    both = np.vstack([a, b])
    level = np.quantile(np.einsum("ij,jk,ik->i", both, precision, both), _RARE)
    return np.asarray(precision / level)


def _patterns(
    units: Sequence[tuple[NDArray[np.floating], Sequence[TrueEvent]]],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    sums: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    middle = 2
    for estimated, events in units:
        z = bumps(estimated, middle)
        for event in events:
            at = round(0.5 * (event.start_s + event.end_s) / GRID_S)
            near = z[at - 5 : at + 10]
            if len(near) < 15:
                continue
            size = np.einsum("ij,ij->i", near, near)
            side = {"L": 1, "R": -1}.get(event.shown[0], 0)
            sums.setdefault((event.codes[0], side), []).append(near[int(size.argmax())] / event.intensity)
    keys = sorted(sums)
    return (
        np.stack([np.mean(sums[key], axis=0) for key in keys]),
        np.array([code for code, _ in keys], dtype=np.int64),
        np.array([side for _, side in keys], dtype=np.int64),
    )


def plain_events(weights: NDArray[np.floating], rate_hz: float, least: float = 0.02) -> list[FacialEvent]:
    """The plain detector to compare with: any weight but the lids' that rises above its median of the last second and
    is back within half a second. `strength` is by how much it rose.
    """
    second, longest = round(rate_hz), round(0.5 * rate_hz)
    columns = np.asarray(weights[:, list(SHAPES)], dtype=np.float64)
    found: list[FacialEvent] = []
    at = second
    while at < len(columns):
        base = np.median(columns[at - second : at], axis=0)
        rise = columns[at] - base
        shape = int(rise.argmax())
        if rise[shape] < least:
            at += 1
            continue
        course = columns[at : at + longest + 1, shape] - base[shape]
        apex = int(course.argmax())
        over = np.flatnonzero(course[apex:] < 0.5 * course[apex])
        if len(over):
            ends = at + apex + int(over[0])
            begin_s, apex_s, end_s = at / rate_hz, (at + apex) / rate_hz, ends / rate_hz
            height = float(course[apex])
            found.append(FacialEvent(EventKind.MICRO_EXPRESSION, begin_s, apex_s, end_s, (), (), (), height, 0.0))
            at = ends
        at += 5
    return found


def recall_at(takes: Sequence[Found], alarms_per_min: float) -> tuple[float, float]:
    """Recall, and the strength it takes, where the threshold is raised until so many false alarms a minute are left."""
    alarms = sorted((event.strength for take in takes for event in take.false), reverse=True)
    allowed = int(alarms_per_min * sum(take.minutes for take in takes))
    least = alarms[allowed] if len(alarms) > allowed else 0.0
    pairs = [event for take in takes for _, event in take.true]
    return sum(event is not None and event.strength > least for event in pairs) / max(1, len(pairs)), least

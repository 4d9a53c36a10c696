"""Labels without a camera: what the sensors did while the wearer followed the prompts of `face_model.routine`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_inference.errors import WearerError
from face_inference.wearer.alignment import align
from face_inference.wearer.evidence import LabelledRows
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import Prior
from face_model import arkit, routine

FloatArray = NDArray[np.float64]

AMOUNT = float(np.mean(routine.REACHED))
"""Share of a prompt's nominal weights that is expected to be reached."""

AMOUNT_SPREAD = 0.15
"""Standard deviation of that share, that of an even distribution over `REACHED`."""

COMPANION_SPREAD = 0.05
"""Standard deviation of each weight that comes along unasked for (a guess)."""

WINDOW_S = 0.3
"""Length of the steadiest part of a window that is looked for, s."""

LEAST_LEAD = 0.7
"""Correlation of what the sensors saw with what was asked for, over that of the same shifted by more than a reaction's
time: 1.1 to 2.6 where a synthetic wearer followed the prompts, under 0.3 where the prompts came at other times."""

_REACTION_S = 0.45
"""From being told to moving, s: the middle of what people take (a guess)."""

_LATEST_S = 0.7
"""Reactions differ from the expected one by less than this, s."""

_STEP_S = 0.05
_LEAST_MOTION_RAD = 0.012
"""A prompt that turned no sensor by this much was not followed, or moved nothing that IMUs see (a guess: brows turn
their sensors by 0.03 to 0.07 rad, sensor noise by 0.001)."""

_FLOOR_RAD = 0.01
"""Scatter below which one window is as steady as another."""

_LEAST_SEEN = 5
"""With fewer prompts followed, the wearer did something else."""


@dataclass(frozen=True)
class PromptOutcome:
    """What came of one prompt.

    Attributes:
        name: of the prompt.
        seen: whether it turned the sensors.
        motion_rad: largest turn of a sensor from rest to the held pose; 0 if the samples were lost.
        scatter_rad: RMS deviation of the sensors' turns while it was held.
    """

    name: str
    seen: bool
    motion_rad: float
    scatter_rad: float


@dataclass(frozen=True)
class GuidedRows:
    """Rows to adapt with, one for each prompt that was seen, and what came of every prompt."""

    rows: LabelledRows
    outcomes: tuple[PromptOutcome, ...]

    @property
    def seen(self) -> tuple[str, ...]:
        """Names of the prompts that moved the sensors."""
        return tuple(outcome.name for outcome in self.outcomes if outcome.seen)

    @property
    def not_seen(self) -> tuple[str, ...]:
        """Names of the prompts that did not."""
        return tuple(outcome.name for outcome in self.outcomes if not outcome.seen)

    @property
    def scatter_rad(self) -> float:
        """Median scatter of the held poses: how still the wearer kept them."""
        return float(np.median([outcome.scatter_rad for outcome in self.outcomes if outcome.seen]))

    @property
    def summary(self) -> str:
        """One line for the wearer."""
        unseen = f"; not seen: {', '.join(self.not_seen)}" if self.not_seen else ""
        return f"{len(self.seen)} of {len(self.outcomes)} prompts seen{unseen}"


def guided_rows(observations: Observations) -> GuidedRows:
    """Each prompt's held pose minus the rest around it, labelled with what was asked for.

    How far the wearer went is not known, so the labels are the expected share of the nominal weights, with a spread.
    The difference to rest cancels slow drift. Rest itself gives no row: weights of zero say nothing of the Jacobian.

    Args:
        observations: time 0 is the routine's start.

    Raises:
        WearerError: hardly a prompt moved anything.
    """
    cues = routine.schedule()
    rests = [_steadiest(observations, *cue.rest_s, from_rest=None) for cue in cues]
    rows, outcomes, labelled = [], [], []
    for number, cue in enumerate(cues):
        around = [rest for rest in rests[number : number + 2] if rest is not None]
        rest = _mean_of(around) if around else None
        held = None if rest is None else _steadiest(observations, *cue.hold_s, from_rest=rest)
        if rest is None or held is None:
            outcomes.append(PromptOutcome(cue.prompt.name, False, 0.0, 0.0))
            continue
        valid = rest.valid & held.valid
        turn = np.where(valid, held.mean - rest.mean, 0.0)
        motion = float(np.linalg.norm(turn.reshape(-1, 3), axis=1).max())
        seen = motion > _LEAST_MOTION_RAD
        outcomes.append(PromptOutcome(cue.prompt.name, seen, motion, held.scatter_rad))
        if seen:
            rows.append((turn, valid))
            labelled.append(number)
    if len(rows) < _LEAST_SEEN:
        raise WearerError(
            f"expected the sensors to move at most of {len(cues)} prompts, found {len(rows)}; "
            "follow the prompts as they come and try again"
        )
    nominal = routine.nominal_weights()[labelled]
    turns, valids = zip(*rows, strict=True)
    spread = np.hypot(AMOUNT_SPREAD * nominal, COMPANION_SPREAD)
    return GuidedRows(LabelledRows(np.stack(turns), AMOUNT * nominal, spread, np.stack(valids)), tuple(outcomes))


def check_followed(observations: Observations, prior: Prior) -> None:
    """Whether the wearer did what was asked for when it was asked for, and not something else.

    Raises:
        WearerError: the motion does not fit the prompts.
    """
    time_s = np.arange(0.0, routine.DURATION_S, 0.02)
    asked = np.zeros((len(time_s), arkit.COUNT))
    for cue, pose in zip(routine.schedule(), routine.nominal_weights(), strict=True):
        corners_s = (cue.start_s + _REACTION_S, cue.hold_s[0], cue.relax_s, cue.relax_s + _REACTION_S)
        asked += np.interp(time_s, corners_s, (0.0, 1.0, 1.0, 0.0))[:, None] * pose
    found = align(observations, time_s, asked, prior, _LATEST_S)
    if found.lead < LEAST_LEAD:
        raise WearerError(
            f"expected motion that fits the prompts, found a correlation of {found.correlation:.2f}, {found.lead:.1f} "
            "times that at other times; follow the prompts as they come and try again"
        )


@dataclass(frozen=True)
class _Pose:
    """Mean (D,) rad of a window, which channels (D,) were there for at least half of it, and the RMS scatter."""

    mean: FloatArray
    valid: NDArray[np.bool_]
    scatter_rad: float


def _steadiest(observations: Observations, start_s: float, end_s: float, from_rest: _Pose | None) -> _Pose | None:
    """The steadiest `WINDOW_S`; given `from_rest`, relative to the distance from it, or a late wearer's rest wins."""
    best, best_cost = None, np.inf
    for begin_s in np.arange(start_s, end_s - WINDOW_S + 1e-6, _STEP_S):
        part = observations.between(begin_s, begin_s + WINDOW_S)
        pose = _pose(part)
        if pose is None:
            continue
        cost = pose.scatter_rad + _FLOOR_RAD
        if from_rest is not None:
            both = pose.valid & from_rest.valid
            cost /= _FLOOR_RAD + float(np.linalg.norm((pose.mean - from_rest.mean)[both]))
        if cost < best_cost:
            best, best_cost = pose, cost
    return best


def _pose(part: Observations) -> _Pose | None:
    """None if no sensor was there for at least half of the time that the frames cover."""
    count = part.valid.sum(axis=0)
    valid = count >= max(2.0, 0.5 * len(part.time_s))
    if not valid.any():
        return None
    share = part.valid / np.maximum(count, 1)
    mean = (share * part.values).sum(axis=0)
    variance = (share * np.square(part.values - mean)).sum(axis=0)
    return _Pose(np.where(valid, mean, 0.0), valid, float(np.sqrt(variance[valid].mean())))


def _mean_of(poses: list[_Pose]) -> _Pose:
    """Mean over poses, channel by channel over those where it is valid."""
    valid = np.stack([pose.valid for pose in poses])
    means = np.stack([pose.mean for pose in poses])
    mean = np.where(valid, means, 0.0).sum(axis=0) / np.maximum(valid.sum(axis=0), 1)
    return _Pose(mean, np.asarray(valid.any(axis=0)), float(np.mean([pose.scatter_rad for pose in poses])))

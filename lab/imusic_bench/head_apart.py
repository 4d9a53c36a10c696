"""`imusic bench head`: the head of a simulated wearer moves, the face does not, and how far the weights move.

Synthetic: heads move as `imu_sim.head_motion` has them, boards ride on simulated skin, and the sensors err as their
data sheets say. A wearer is still at first, and gives the neutral there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from face_evaluation.contest import default_faces
from face_evaluation.entrants import ModelEntrant
from face_evaluation.estimate import Estimator
from face_evaluation.motions import UNSEEN_SUBJECT
from face_evaluation.signals import NEUTRAL_S, Signals
from face_evaluation.sources import Simulated
from face_evaluation.states import STATES, WearerState, calibration_of
from face_inference.model_folder import load_model
from face_model import arkit
from imu_sim.head_motion import HeadGesture, HeadTrack, Walk
from imu_sim.motion import FaceMotion

KNOWN: tuple[WearerState, ...] = ("neutral", "routine")
"""States of knowledge that are measured."""

WANTED = 0.02
"""Largest mean change of a weight while a head nods, shakes or walks."""

PURE = ("nod", "shake", "walk")
"""Motions that end where they began, again and again; the others hold the head elsewhere for seconds."""

STILL_S, MOVING_S = 8.0, 24.0
MOTION_RATE_HZ, RATE_HZ = 60.0, 100.0
_STREAM = 0x4EAD

_GESTURES: Mapping[str, Sequence[HeadGesture]] = MappingProxyType(
    {
        # Amounts in degrees: as large as people nod and look around while they talk.
        "nod": [HeadGesture(3.0 * i, "nod", 12.0, 2.0, 2.5) for i in range(8)],
        "shake": [HeadGesture(3.0 * i, "shake", 18.0, 2.0, 2.5) for i in range(8)],
        "turn": [HeadGesture(6.0 * i, "turn", (35.0, -35.0)[i % 2], 4.5) for i in range(4)],
        "tilt": [HeadGesture(6.0 * i, "tilt", (20.0, -20.0)[i % 2], 4.5) for i in range(4)],
        "look up and down": [HeadGesture(6.0 * i, ("look_up", "look_down")[i % 2], 25.0, 4.5) for i in range(4)],
    }
)
MOTIONS = ("still", *PURE, "turn", "tilt", "look up and down")


@dataclass(frozen=True)
class HeadRow:
    """Change of weights under one motion of the head, over the subjects of one family; the face is still.

    Attributes:
        motion: one of `MOTIONS`.
        family: of faces.
        known: what is known of the wearer.
        subjects: how many.
        mean: absolute change, mean over the 52 weights and the time the head moves.
        p95: 95th percentile of it.
        worst_shape: the largest of the shapes' own means, of any subject.
        shape: which one that is.
        most: largest change of any weight at any moment.
    """

    motion: str
    family: str
    known: str
    subjects: int
    mean: float
    p95: float
    worst_shape: float
    shape: str
    most: float


def head_motion(name: str, seed: int) -> FaceMotion:
    """A face that is neutral throughout; the head is still for `STILL_S`, then moves as `name` says."""
    count = round((STILL_S + MOVING_S) * MOTION_RATE_HZ) + 1
    track = HeadTrack(np.arange(count) / MOTION_RATE_HZ)
    for gesture in _GESTURES.get(name, ()):
        track.gesture(replace(gesture, start_s=STILL_S + gesture.start_s))
    if name == "walk":
        track.walk(Walk(STILL_S, MOVING_S), np.random.default_rng([seed, _STREAM]))
    orientation, position = track.pose()
    return FaceMotion(MOTION_RATE_HZ, np.zeros((count, arkit.COUNT)), orientation, position, name, f"wearer {seed}")


def change(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, 52) absolute change while the head moves, from the mean of the still seconds before.

    The neutral is learned in the first of these; the network has settled in the others.
    """
    still = slice(round((NEUTRAL_S + 1.0) * RATE_HZ), round(STILL_S * RATE_HZ))
    rest = weights[still].mean(axis=0, dtype=np.float64)
    return np.asarray(np.abs(weights[round(STILL_S * RATE_HZ) :] - rest), dtype=np.float64)


def measure_head_apart(
    subjects: int,
    model: str = "imusic",
    faces: Sequence[str] | None = None,
    motions: Sequence[str] = MOTIONS,
    progress: Callable[[str], object] = lambda _: None,
) -> Iterator[HeadRow]:
    """Rows of each family, one for each motion and state of knowledge.

    Args:
        subjects: random people of each family.
        model: a name or the path of a model folder.
        faces: families, as `load_family` takes them; None: all that this machine has.
        motions: some of `MOTIONS`.
        progress: told of each family and motion.

    Raises:
        InferenceError: the model cannot be used.
        FaceModelError: a face cannot be read.
    """
    loaded = load_model(model)
    estimator = Estimator.of(loaded)
    entrant = ModelEntrant(estimator)
    mounts = loaded.description.mounts
    reference = mounts.names[mounts.reference]
    for face in default_faces() if faces is None else faces:
        found: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
        name = ""
        for seed in (UNSEEN_SUBJECT + i for i in range(subjects)):
            known = None
            for motion in motions:
                take = Simulated(head_motion(motion, seed), face, seed, RATE_HZ).load()
                name = take.geometry
                if known is None:
                    known = [entrant.learn(calibration_of(s, STATES[s], take.beside, reference)) for s in KNOWN]
                progress(f"{name}, subject {seed}, {motion}")
                signals = Signals.of(take.recording, reference)
                # A head that is held elsewhere looks as still as one that has not moved.
                signals = replace(signals, neutral=slice(0, round(NEUTRAL_S * RATE_HZ)))
                estimates = estimator.side_by_side(signals, [each.wearer for each in known])
                for state, (weights, _) in zip(KNOWN, estimates, strict=True):
                    found.setdefault((motion, str(state)), []).append(change(weights))
        for (motion, known_as), changes in found.items():
            yield _row(motion, name, known_as, changes)


def _row(motion: str, family: str, state: str, changes: Sequence[NDArray[np.float64]]) -> HeadRow:
    everything = np.concatenate(changes)
    means = np.array([each.mean(axis=0) for each in changes])  # (subjects, 52)
    worst = int(np.argmax(means.max(axis=0)))
    return HeadRow(
        motion,
        family,
        state,
        len(changes),
        float(everything.mean()),
        float(np.quantile(everything, 0.95)),
        float(means.max()),
        arkit.BLENDSHAPES[worst],
        float(everything.max()),
    )

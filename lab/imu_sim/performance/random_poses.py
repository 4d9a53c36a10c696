"""Random poses for training: named ones, emotions, one-sided, blended, isolated and arbitrary, as weights (52,)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from face_affect.action_units import INTENSITY
from face_model import arkit
from imu_sim.motion import Floats
from imu_sim.performance.action_units import ACTION_UNITS, action_units, weights_of
from imu_sim.performance.poses import EMOTION_WEIGHTS, POSE_WEIGHTS

_PAIRS = tuple(
    name.removesuffix("Left")
    for name in arkit.BLENDSHAPES
    if name.endswith("Left") and not name.startswith(("jaw", "mouthLeft", "eyeLook"))
)
_SINGLE = tuple(
    name
    for name in arkit.BLENDSHAPES
    if not name.startswith("eyeLook") and name.removesuffix("Left").removesuffix("Right") not in _PAIRS
)
"""Shapes without another side, or that exclude it, as jawLeft and jawRight do."""

_POSES = tuple(POSE_WEIGHTS.values())
_EMOTIONS = tuple(EMOTION_WEIGHTS.values())
_COMMON = {"happiness": 9.0, "surprise": 3.0, "interest": 2.0, "doubt": 2.0, "happily_surprised": 2.0}
_FREQUENCIES = np.array([_COMMON.get(name, 1.0) for name in EMOTION_WEIGHTS])
"""Faces smile far more often than they show anything else (the numbers are a guess)."""

_UNITS = tuple(unit for unit in ACTION_UNITS if unit not in {"30", "43"})


def emotion(rng: np.random.Generator) -> Floats:
    """One of the ways to show one of the emotions."""
    variants = _EMOTIONS[int(rng.choice(len(_EMOTIONS), p=_FREQUENCIES / _FREQUENCIES.sum()))]
    return variants[int(rng.integers(len(variants)))]


def expression(rng: np.random.Generator) -> Floats:
    """A named pose or an emotion; some with the mouth open, as anything can be done with an open mouth."""
    weights = _POSES[int(rng.integers(len(_POSES)))] if rng.random() < 0.5 else emotion(rng)
    if rng.random() < 0.3:
        jaw = arkit.INDEX["jawOpen"]
        weights = weights.copy()
        weights[jaw] = max(weights[jaw], float(rng.uniform(0.25, 1.0)))
    return weights


def named(rng: np.random.Generator) -> Floats:
    """An expression, each shape stronger or weaker than usual, sides uneven."""
    weights = expression(rng)
    return weights * rng.lognormal(0.0, 0.25, arkit.COUNT) * rng.lognormal(0.0, 0.12, arkit.COUNT)


def one_sided(rng: np.random.Generator) -> Floats:
    """An expression on one side, with a trace of it on the other."""
    weights = expression(rng).copy()
    quiet = "Left" if rng.random() < 0.5 else "Right"
    for index, name in enumerate(arkit.BLENDSHAPES):
        if name.endswith(quiet) and not name.startswith("eyeLook"):
            weights[index] *= float(rng.uniform(0.0, 0.3))
    return weights


def blended(rng: np.random.Generator) -> Floats:
    """Two expressions in one."""
    share = float(rng.uniform(0.3, 0.7))
    return np.maximum(expression(rng) * share * 1.3, expression(rng) * (1.0 - share) * 1.3)


def units(rng: np.random.Generator) -> Floats:
    """One to four action units of random intensity: muscles that nobody combined on purpose."""
    chosen = rng.choice(len(_UNITS), size=int(rng.integers(1, 5)), replace=False)
    letters = list(INTENSITY)
    return action_units("+".join(f"{_UNITS[int(i)]}{letters[int(rng.integers(1, 5))]}" for i in chosen))


def isolated(rng: np.random.Generator) -> Floats:
    """One shape alone: a pair together, one side of it, or a shape that has no other side."""
    value, kind = float(rng.uniform(0.5, 1.0)), rng.random()
    if kind < 0.35:
        stem = _PAIRS[int(rng.integers(len(_PAIRS)))]
        return weights_of({f"{stem}Left": value, f"{stem}Right": value * float(rng.uniform(0.85, 1.15))})
    if kind < 0.55:
        side = "Left" if rng.random() < 0.5 else "Right"
        return weights_of({f"{_PAIRS[int(rng.integers(len(_PAIRS)))]}{side}": value})
    name = _SINGLE[int(rng.integers(len(_SINGLE)))]
    # mouthClose is defined as a correction of jawOpen and does not occur without it.
    return weights_of({name: value} | ({"jawOpen": value} if name == "mouthClose" else {}))


def single(rng: np.random.Generator) -> Floats:
    """One shape alone or one everyday expression alone, the commonest ones more often; not above 1."""
    kind = rng.random()
    if kind < 0.35:
        pose = weights_of(_COMMON_MOVES[int(rng.integers(len(_COMMON_MOVES)))]) * float(rng.uniform(0.4, 1.0))
    elif kind < 0.8:
        pose = isolated(rng)
    else:
        pose = _POSES[int(rng.integers(len(_POSES)))]
    return np.clip(pose, 0.0, 1.0)


_COMMON_MOVES: tuple[Mapping[str, float], ...] = (
    {"mouthSmile": 1.0},
    {"mouthFrown": 1.0},
    {"jawOpen": 1.0},
    {"browInnerUp": 1.0, "browOuterUp": 1.0},
    {"browDown": 1.0},
    {"mouthPucker": 1.0},
)
"""What faces hold most often, by itself (a guess)."""


def mouth_move(rng: np.random.Generator) -> Floats:
    """The jaw down, or jaw or lips to one side, as far as they go, by themselves or with something else."""
    move = _MOVES[int(rng.choice(len(_MOVES), p=[0.36, 0.14, 0.14, 0.13, 0.13, 0.05, 0.05]))]
    weights = weights_of({move: float(rng.uniform(0.5, 1.0))})
    return np.maximum(weights, 0.5 * expression(rng)) if rng.random() < 0.4 else weights


_MOVES = ("jawOpen", "jawLeft", "jawRight", "mouthLeft", "mouthRight", "cheekPuff", "jawForward")


def arbitrary(rng: np.random.Generator) -> Floats:
    """A few shapes at random, alike on both sides to a degree: combinations nobody thought of."""
    chosen = rng.random(arkit.COUNT) < rng.uniform(0.05, 0.15)
    chosen |= chosen[list(arkit.MIRROR)] & bool(rng.random() < 0.7)
    values = rng.uniform(0.1, 0.9, arkit.COUNT)
    return np.where(chosen, 0.5 * (values + values[list(arkit.MIRROR)]), 0.0)


_KINDS: tuple[tuple[Callable[[np.random.Generator], Floats], float], ...] = (
    (named, 0.27),
    (one_sided, 0.1),
    (blended, 0.12),
    (units, 0.08),
    (isolated, 0.18),
    (mouth_move, 0.17),
    (arbitrary, 0.08),
)
"""How often each kind comes. Isolated shapes must be in training motion, or they read too low."""


def draw(rng: np.random.Generator) -> Floats:
    """Weights (52,), 0 to 1, of a random pose."""
    index = int(rng.choice(len(_KINDS), p=[share for _, share in _KINDS]))
    return np.clip(_KINDS[index][0](rng), 0.0, 1.0)

"""Random performances for training: expressions, single shapes, held poses, sentences and head motion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from face_model import arkit
from imu_sim import head_motion
from imu_sim.motion import FaceMotion
from imu_sim.poses import POSE_WEIGHTS
from imu_sim.timeline import Expression, Score, perform
from imu_sim.visemes import Speech, random_phonemes

_PAIRS = tuple(
    name.removesuffix("Left")
    for name in arkit.BLENDSHAPES
    if name.endswith("Left") and name not in {"jawLeft", "mouthLeft"}
)
_KINDS = ("pose", "one_side", "blend", "single", "random", "speech", "rest")
_SHARES = (0.24, 0.09, 0.11, 0.2, 0.1, 0.21, 0.05)
"""How often each kind comes next. Held and isolated shapes must be in training motion, or held poses read too low."""


def generate(seed: int, duration_s: float) -> FaceMotion:
    """A random performance of `duration_s` seconds, with up to 3 s of rest first; it loops; same seed, same motion."""
    rng = np.random.default_rng(seed)
    still_s = float(min(rng.uniform(1.0, 3.0), 0.2 * duration_s))
    expressions: list[Expression] = []
    speech: list[Speech] = []
    now = still_s + 0.3
    while now < duration_s - 1.5:
        kind = str(rng.choice(_KINDS, p=_SHARES))
        room = duration_s - 0.5 - now
        if kind == "rest":
            now += float(rng.uniform(0.5, 2.5))
            continue
        if kind == "speech":
            sentence = Speech(
                now,
                random_phonemes(int(rng.integers(3, 22)), rng),
                float(rng.uniform(0.5, 1.5)),
                float(rng.uniform(0.75, 1.35)),
            )
            speech.append(sentence)
            if rng.random() < 0.5:
                # Feeling while talking: a weak expression under the whole sentence.
                mood = _expression(now, _pose(rng), float(rng.uniform(0.15, 0.55)), sentence.duration_s, rng)
                expressions.append(mood)
            now += sentence.duration_s + float(rng.exponential(0.4))
            continue
        pose = {"pose": _pose, "one_side": _one_side, "blend": _blend, "single": _single, "random": _random}[kind](rng)
        # One in six is held, up to ten seconds.
        apex_s = float(rng.uniform(3.0, 10.0)) if rng.random() < 0.17 else float(rng.uniform(0.05, 1.8))
        item = _expression(now, pose, float(rng.uniform(0.3, 1.05)), min(apex_s, room), rng)
        expressions.append(item)
        # Often the next one begins before this one has gone.
        now = max(now + 0.3, item.end_s - float(rng.uniform(-0.8, 0.6)))
    score = Score(
        duration_s=duration_s,
        still_s=still_s,
        expressions=tuple(expressions),
        speech=tuple(speech),
        head=head_motion.random_gestures(duration_s, rng, every_s=float(rng.choice([3.0, 7.0, 15.0]))),
        blink_interval_s=float(rng.uniform(2.2, 6.0)),
        liveliness=float(rng.uniform(0.3, 1.6)),
    )
    return perform(score, rng, f"generated_{seed}", person=f"generated_{seed}")


def _expression(
    start_s: float, pose: Mapping[str, float], amount: float, apex_s: float, rng: np.random.Generator
) -> Expression:
    slow = float(rng.lognormal(0.0, 0.45))
    return Expression(start_s, pose, amount, 0.15 + 0.22 * slow, apex_s, 0.18 + 0.35 * slow)


def _named(weights: np.ndarray) -> dict[str, float]:
    return {arkit.BLENDSHAPES[i]: float(np.clip(weights[i], 0.0, 1.0)) for i in np.flatnonzero(weights > 0.01)}


def _pose(rng: np.random.Generator) -> dict[str, float]:
    """An expression, each shape stronger or weaker than usual, sides uneven."""
    weights = POSE_WEIGHTS[str(rng.choice(list(POSE_WEIGHTS)))]
    side = rng.lognormal(0.0, 0.12, arkit.COUNT)
    return _named(weights * rng.lognormal(0.0, 0.25, arkit.COUNT) * side)


def _one_side(rng: np.random.Generator) -> dict[str, float]:
    """An expression on one side, with a trace of it on the other."""
    weights = POSE_WEIGHTS[str(rng.choice(list(POSE_WEIGHTS)))].copy()
    quiet = str(rng.choice(["Left", "Right"]))
    for index, name in enumerate(arkit.BLENDSHAPES):
        if name.endswith(quiet) and not name.startswith("eyeLook"):
            weights[index] *= float(rng.uniform(0.0, 0.3))
    return _named(weights)


def _blend(rng: np.random.Generator) -> dict[str, float]:
    """Two expressions in one."""
    first, second = (POSE_WEIGHTS[str(name)] for name in rng.choice(list(POSE_WEIGHTS), 2, replace=False))
    share = float(rng.uniform(0.3, 0.7))
    return _named(np.maximum(first * share * 1.3, second * (1.0 - share) * 1.3))


def _single(rng: np.random.Generator) -> dict[str, float]:
    """One shape alone: a pair together, or one side of it, or a midline shape."""
    if rng.random() < 0.5:
        stem, value = str(rng.choice(_PAIRS)), float(rng.uniform(0.5, 1.0))
        return {f"{stem}Left": value, f"{stem}Right": value * float(rng.uniform(0.85, 1.15))}
    name = str(rng.choice(arkit.BLENDSHAPES))
    pose = {name: float(rng.uniform(0.5, 1.0))}
    if name == "mouthClose":
        # mouthClose is defined as a correction of jawOpen and does not occur without it.
        pose["jawOpen"] = pose[name]
    return pose


def _random(rng: np.random.Generator) -> dict[str, float]:
    """A few shapes at random, alike on both sides to a degree: combinations nobody thought of."""
    chosen = rng.random(arkit.COUNT) < rng.uniform(0.05, 0.15)
    chosen |= chosen[list(arkit.MIRROR)] & bool(rng.random() < 0.7)
    values = rng.uniform(0.1, 0.9, arkit.COUNT)
    values = 0.5 * (values + values[list(arkit.MIRROR)])
    return _named(np.where(chosen, values, 0.0))

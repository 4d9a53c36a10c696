"""What faces do in an evaluation: recorded takes, held poses, long wear."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from face_evaluation.held import HELD_POSES, LATE_S
from face_evaluation.long_wear import WINDOW_S
from face_inference.model_folder import Model
from face_model.share import share_dir
from imu_sim.generator import from_text, generate
from imu_sim.head_motion import natural
from imu_sim.hub.server import RECORDED_REST_S
from imu_sim.motion import FaceMotion, still
from imu_sim.performance.action_units import weights_of
from imu_sim.performance.texts import SENTENCES
from imu_sim.recorded_motion import recorded_motion

UNSEEN_SUBJECT = 900_000
"""Seeds of subjects from here on are used for evaluation only; training draws others."""

RATE_HZ = 60.0
LONG_WEAR_S = 600.0

_HEAD_STREAM = 0x4E1D
_TALK_STREAM = 0x7A1C

RANGE_OF_MOTION = ("person_a_rom_1.csv", "person_a_rom_2.csv")
"""Recorded takes in which somebody goes through all that a face can do; their person is in training data."""


def shared_folder() -> Path | None:
    """The data that lies beside the checkout, where it does; `IMUSIC_SHARED` names another place."""
    places = [os.environ.get("IMUSIC_SHARED"), share_dir().resolve().parent / "shared"]
    places.append(Path(__file__).resolve().parents[2].parent / "shared")
    return next((Path(p) for p in places if p is not None and (Path(p) / "data").is_dir()), None)


def held_out_takes(model: Model) -> list[Path]:
    """Recorded takes of people this model never saw, where the shared data lies beside the checkout."""
    shared = shared_folder()
    if shared is None:
        return []
    folder = shared / "data" / "motion_arkit"
    names = model.description.training.get("held_out", [])
    return [folder / name for name in names if (folder / name).is_file()]


def motions_of(
    takes: Sequence[Path], seconds: float = 60.0, people: int = 3, fps: float | None = None
) -> list[FaceMotion]:
    """Recorded takes between two rests, as the hub plays them; without any, generated performances, named as synthetic.

    The neutral is calibrated in the rest: recorded takes hardly ever hold a relaxed face. `fps` is that of takes whose
    timecodes do not tell it.
    """
    if takes:
        return [recorded_motion(path, fps=fps)[0].faded(rest_s=RECORDED_REST_S) for path in takes]
    return [generate(UNSEEN_SUBJECT + i, seconds) for i in range(people)]


def held_motion(pose: str, seed: int, hold_s: float = LATE_S + 2.0) -> FaceMotion:
    """A person who takes up one of `HELD_POSES` after a rest and holds it, alone, while the head moves as heads do."""
    orientation, position = natural(hold_s, RATE_HZ, np.random.default_rng([seed, _HEAD_STREAM]))
    weights = np.tile(weights_of(HELD_POSES[pose]), (len(orientation), 1))
    motion = FaceMotion(RATE_HZ, weights, orientation, position, f"held {pose}", f"wearer {seed}")
    return motion.faded(rest_s=RECORDED_REST_S)


def long_motion(takes: Sequence[FaceMotion], seed: int, duration_s: float = LONG_WEAR_S) -> FaceMotion:
    """Long wear: rest, a minute, something generated, the same minute again, rest.

    The minute is made of `takes`, each between rests, one after the other as often as they fit; without any it is
    generated.
    """
    minute = _minute(takes) if takes else _cut(generate(seed + 1, WINDOW_S), WINDOW_S)
    between = _cut(generate(seed, duration_s - 2.0 * WINDOW_S), duration_s - 2.0 * WINDOW_S)
    rest = _cut(still(RECORDED_REST_S, RATE_HZ), RECORDED_REST_S)
    return replace(_joined([rest, minute, between, minute, rest]), name="long wear", person=f"wearer {seed}")


def natural_motion(seconds: float, seed: int) -> FaceMotion:
    """What somebody does in front of a camera to teach a model: rest, range of motion, talk, each half of `seconds`.

    The range of motion is a recorded one where the shared data is found, else generated; the talk is generated.
    """
    half = seconds / 2.0
    parts = [_range_of_motion(half, seed), _talk(half, seed)]
    # Each part ends where the other begins: in neutral, level.
    motion = _joined([_cut(part.faded(rest_s=0.0), half) for part in parts])
    return replace(motion.faded(rest_s=RECORDED_REST_S), name=f"natural {seconds:g} s", person=f"wearer {seed}")


def _range_of_motion(seconds: float, seed: int) -> FaceMotion:
    shared = shared_folder()
    paths = [shared / "data" / "motion_arkit" / name for name in RANGE_OF_MOTION] if shared else []
    if not paths or not all(path.is_file() for path in paths):
        return generate(seed, seconds + 1.0)
    return _as_long(_joined([recorded_motion(path)[0].resampled(RATE_HZ).faded() for path in paths]), seconds)


def _talk(seconds: float, seed: int) -> FaceMotion:
    rng = np.random.default_rng([seed, _TALK_STREAM])
    sentences = list(rng.permutation(SENTENCES))
    while (said := from_text(" ".join(sentences), seed)).duration_s < seconds:
        sentences += list(rng.permutation(SENTENCES))
    return _as_long(said, seconds)


def _as_long(motion: FaceMotion, seconds: float) -> FaceMotion:
    """The first `seconds` of a motion, again and again where it is shorter; with a last sample."""
    motion = motion.resampled(RATE_HZ)
    rows = np.arange(round(seconds * RATE_HZ) + 1) % motion.samples
    return _like(motion, motion.weights[rows], motion.head_orientation[rows], motion.head_position[rows])


def _minute(takes: Sequence[FaceMotion]) -> FaceMotion:
    parts: list[FaceMotion] = []
    left = round(WINDOW_S * RATE_HZ)
    for take in (take.resampled(RATE_HZ) for _ in range(left) for take in takes):
        if take.samples > left:
            break
        parts.append(take)
        left -= take.samples
    return _joined([*parts, _cut(still(1.0 + left / RATE_HZ, RATE_HZ), left / RATE_HZ)] if left else parts)


def _cut(motion: FaceMotion, duration_s: float) -> FaceMotion:
    """The first `duration_s`, without a last sample: the next part begins there."""
    count = round(duration_s * RATE_HZ)
    motion = motion.resampled(RATE_HZ)
    return _like(motion, motion.weights[:count], motion.head_orientation[:count], motion.head_position[:count])


def _joined(parts: Sequence[FaceMotion]) -> FaceMotion:
    """One after the other; all begin and end in neutral, looking straight ahead."""
    arrays = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("weights", "head_orientation", "head_position")
    )
    return _like(parts[0], *arrays)


def _like(motion: FaceMotion, weights: object, orientation: object, position: object) -> FaceMotion:
    return replace(motion, weights=weights, head_orientation=orientation, head_position=position)  # type: ignore[arg-type]

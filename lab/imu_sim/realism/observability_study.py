"""Which blendshapes the units can see: every shape on many faces, against what a resting face shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from face_model import arkit, rotation
from face_model.layout import SensorLayout
from face_model.observability import Visibility
from imu_sim import head_motion
from imu_sim.chips.parts import SensorPart, load_part, perfect_part
from imu_sim.families import FaceFamily
from imu_sim.motion import FaceMotion, Floats, ease, still
from imu_sim.mounted_boards import boards_on
from imu_sim.realism.signals import Signals, signals_of
from imu_sim.recording import Recording
from imu_sim.simulate import simulate
from imu_sim.subject import Subject, random_subject

RATE_HZ = 100.0
REST_S = 2.0
ONSET_S = 0.35
HOLD_S = 0.8
BEFORE_S = 0.6
SLOT_S = 2.6
"""One shape: rest, onset, hold, offset, rest."""
FLOOR_S = 30.0
"""Length of the resting face from which the floor is taken, after `REST_S`: how long a heading must hold."""
_TINY = 1e-9
CALIBRATION_DEG = 1.0
"""How well a unit's mounting is known after nod and shake, root mean square; a guess."""
CONTEXT = {"mouthClose": "jawOpen"}
"""Shapes that exist only on top of another one."""


def tour() -> FaceMotion:
    """All 52 shapes one after the other at weight 1, still head; shape k starts at REST_S + k SLOT_S."""
    rate_hz = 60.0
    total_s = REST_S + arkit.COUNT * SLOT_S
    motion = still(total_s, rate_hz, name="tour")
    times = np.arange(motion.samples) / rate_hz
    weights = np.zeros((motion.samples, arkit.COUNT))
    for k, name in enumerate(arkit.BLENDSHAPES):
        since = times - REST_S - k * SLOT_S
        weights[:, k] += ease((since - BEFORE_S) / ONSET_S) * ease(
            (BEFORE_S + 2.0 * ONSET_S + HOLD_S - since) / ONSET_S
        )
        if name in CONTEXT:
            base = ease(since / ONSET_S) * ease((SLOT_S - since) / ONSET_S)
            weights[:, arkit.INDEX[CONTEXT[name]]] += base
    return FaceMotion(rate_hz, weights, motion.head_orientation, motion.head_position, "tour", "tour")


def resting(seed: int, seconds: float = REST_S + FLOOR_S) -> FaceMotion:
    """A face at rest on a head that is still for REST_S and then moves as in a talk."""
    rate_hz = 60.0
    motion = still(seconds, rate_hz)
    orientation, position = head_motion.natural(seconds, rate_hz, np.random.default_rng(seed))
    moving = FaceMotion(rate_hz, motion.weights, orientation, position, f"resting_{seed}", "resting")
    return moving.faded(fade_s=0.8, rest_s=REST_S)


def calibrated_pose(subject: Subject, layout: SensorLayout, rng: np.random.Generator) -> Floats:
    """Every unit on the skull unit, (S, 4), of the neutral face, as a calibration finds it."""
    boards = boards_on(subject, layout)
    pose = boards.neutral_orientation
    skull = np.broadcast_to(pose[layout.reference_index], pose.shape)
    error = rotation.from_vector(rng.normal(0.0, np.deg2rad(CALIBRATION_DEG) / np.sqrt(3.0), (len(pose), 3)))
    return np.asarray(rotation.multiply(rotation.multiply(rotation.conjugate(skull), pose), error))


def floors(recording: Recording, on_skull: Floats, reference: int) -> Signals:
    """Floor of each unit, (S,): what `resting` shows after the neutral, root mean square."""
    start = round(REST_S * recording.rate_hz)
    rows, neutral = slice(start, len(recording.valid)), slice(start // 2, start)
    return signals_of(recording, reference, rows, neutral, on_skull).root_mean_square()


def shape_signals(recording: Recording, reference: int, shape: int) -> Signals:
    """Signals (S,) of one shape of the tour: turns while it is held, the largest rate and force while it comes."""
    start = REST_S + shape * SLOT_S

    def rows(begin_s: float, end_s: float) -> slice:
        return slice(round((start + begin_s) * recording.rate_hz), round((start + end_s) * recording.rate_hz))

    before, apex = rows(BEFORE_S - 0.15, BEFORE_S), BEFORE_S + ONSET_S
    held = signals_of(recording, reference, rows(apex + 0.5 * HOLD_S, apex + HOLD_S), before).root_mean_square()
    coming = signals_of(recording, reference, rows(BEFORE_S, apex + 0.1), before).largest()
    return Signals(held.tilt_deg, held.rotation_deg, coming.rate_deg_s, coming.force_m_s2)


def observability(
    family: FaceFamily,
    layout: SensorLayout,
    part: SensorPart | None = None,
    *,
    people: int = 16,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[Visibility]:
    """All 52 shapes in ARKit order, medians over random people with boards glued as people glue them.

    Args:
        family: whose people.
        layout: which units sit where.
        part: whose errors make the floor; the default part of the simulator otherwise.
        people: how many.
        seed: of people, gluing and noise.
        progress: called with the number of people done.
    """
    reference, motion = layout.reference_index, tour()
    signals, floor = [], []
    for number in range(people):
        subject = random_subject(family, layout, seed + number)
        on_skull = calibrated_pose(subject, layout, np.random.default_rng([seed + number, 0xCA1]))
        quiet = simulate(motion, subject, layout, perfect_part(), RATE_HZ, seed + number)
        noisy = simulate(resting(seed + number), subject, layout, part or load_part(), RATE_HZ, seed + number)
        signals.append([shape_signals(quiet, reference, k) for k in range(arkit.COUNT)])
        floor.append(floors(noisy, on_skull, reference))
        if progress:
            progress(number + 1)
    return [_visibility(k, [each[k] for each in signals], floor, layout) for k in range(arkit.COUNT)]


def _visibility(shape: int, signals: Sequence[Signals], floor: Sequence[Signals], layout: SensorLayout) -> Visibility:
    held, coming = (_over_floor(signals, floor, name) for name in ("tilt_deg", "rate_deg_s"))
    ratio = np.maximum(held, coming)  # (people, S)
    # The skull unit is what the others are measured against.
    held[:, layout.reference_index] = ratio[:, layout.reference_index] = 0.0
    best = np.argmax(ratio, axis=1)
    usual = int(np.bincount(best).argmax())

    def median(name: str) -> float:
        return float(np.median([getattr(one, name)[k] for one, k in zip(signals, best, strict=True)]))

    return Visibility(
        shape=arkit.BLENDSHAPES[shape],
        sensor=layout.names[usual],
        tilt_deg=median("tilt_deg"),
        rotation_deg=median("rotation_deg"),
        rate_deg_s=median("rate_deg_s"),
        force_m_s2=median("force_m_s2"),
        ratio=float(np.median(ratio.max(axis=1))),
        held_ratio=float(np.median(held.max(axis=1))),
    )


def _over_floor(signals: Sequence[Signals], floor: Sequence[Signals], channel: str) -> Floats:
    """(people, S)."""
    pairs = zip(signals, floor, strict=True)
    return np.array([getattr(one, channel) / np.maximum(getattr(under, channel), _TINY) for one, under in pairs])

"""`imusic bench affect`: posed expressions on simulated people, read from the true weights, through sensors and
model, and with sensors missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_affect.pipeline import AffectStream
from face_affect.prototypes import BASIC, OTHER
from face_evaluation.ablation import fewer_and_fewer, without
from face_evaluation.estimate import Estimator
from face_evaluation.motions import UNSEEN_SUBJECT
from face_evaluation.states import wearer_from_routine
from face_inference.model_folder import load_model
from face_model import arkit
from face_model.layout import load_layout
from face_model.observability import OBSERVABLE
from imu_sim.families import load_family
from imu_sim.head_motion import random_gestures
from imu_sim.motion import FaceMotion
from imu_sim.performance.expression import Expression
from imu_sim.performance.perform import Script, perform
from imu_sim.performance.poses import EMOTION_WEIGHTS
from imu_sim.performance.routine_performance import perform_routine
from imu_sim.performance.style import draw_style
from imu_sim.simulate import simulate
from imu_sim.subject import random_subject

SUBJECT = UNSEEN_SUBJECT + 20_000
EXPRESSED = BASIC[1:]
ROUTINE = "after the routine"
"""All sensors, of a wearer whom the model knows by the guided routine; all others by two still seconds."""
RATE_HZ = 100.0
_FIRST_S, _EVERY_S, _HELD_S, _ONSET_S = 4.0, 4.0, 1.8, 0.4
_SEEN = np.isin(np.arange(arkit.COUNT), OBSERVABLE)
SURE = 0.75
"""From here on an answer is a claim: what is wrong above it is worse than what is left open."""


@dataclass(frozen=True)
class Reading:
    """One expression, or the rest between two, of one subject as read.

    Attributes:
        expressed: what was posed; neutral between.
        answer: the most probable basic class, or other; compounds count to their parts.
        probability: of the answer.
        right: probability of what was posed.
        valence, arousal: as read.
    """

    expressed: str
    answer: str
    probability: float
    right: float
    valence: float
    arousal: float


def posed(seed: int) -> tuple[FaceMotion, list[tuple[str, float]]]:
    """A person who poses each basic expression once, as the FACS guides have it, and rests between; with when each is
    at its apex, s. Blinks and head motion go on."""
    rng = np.random.default_rng([seed, 0xAFFE])
    style = draw_style(rng)
    order = [EXPRESSED[i] for i in rng.permutation(len(EXPRESSED))]
    played, times = [], []
    for number, name in enumerate(order):
        start_s = _FIRST_S + number * _EVERY_S
        weights = EMOTION_WEIGHTS[name][0]
        played.append(Expression(start_s, weights, float(rng.uniform(0.7, 1.0)), _ONSET_S, _HELD_S, 0.6))
        times += [(BASIC[0], start_s - 0.1), (name, start_s + _ONSET_S + _HELD_S - 0.2)]
    end_s = _FIRST_S + len(order) * _EVERY_S + 1.0
    script = Script(
        end_s, 3.0, tuple(played), head=random_gestures(3.3, end_s - 1.0, rng), blink_interval_s=style.blink_interval_s
    )
    return perform(script, rng, f"posed {seed}", f"wearer {seed}", style), times


def read(
    weights: NDArray[np.floating], confidence: NDArray[np.floating], times: list[tuple[str, float]]
) -> list[Reading]:
    """What the stream says at these times; faces at 20 Hz, as the node takes them."""
    stream, found, waiting = AffectStream(), [], list(times)
    step = round(RATE_HZ / 20.0)
    names = [*BASIC, OTHER]
    for row in range(0, len(weights), step):
        shown = stream.show(row / RATE_HZ, weights[row], confidence[row], _SEEN).expressions
        if waiting and row / RATE_HZ >= waiting[0][1]:
            expressed, _ = waiting.pop(0)
            p = np.append(shown.basic, 1.0 - shown.basic.sum())
            best = int(p.argmax())
            found.append(
                Reading(
                    expressed,
                    names[best],
                    float(p[best]),
                    float(p[BASIC.index(expressed)]),
                    float(shown.valence),
                    float(shown.arousal),
                )
            )
    return found


def measure_affect(
    subjects: int, model: str = "imusic", progress: Callable[[str], object] = lambda _: None
) -> dict[str, list[list[Reading]]]:
    """Readings of each subject, by what was read: true weights, all sensors, fewer of them."""
    loaded, layout, family = load_model(model), load_layout("face_12"), load_family()
    estimator, description = Estimator.of(loaded), loaded.description
    reference = next(sensor.name for sensor in layout.sensors if sensor.reference)
    subsets = {"all sensors": (), **dict(fewer_and_fewer(layout.names, reference))}
    found: dict[str, list[list[Reading]]] = {name: [] for name in ("true weights", ROUTINE, *subsets)}
    for number in range(subjects):
        progress(f"subject {number}")
        motion, times = posed(number)
        subject = random_subject(family, layout, SUBJECT + number)
        recording = simulate(motion, subject, layout, rate_hz=RATE_HZ, seed=number)
        true = recording.weights
        found["true weights"].append(read(true, np.full_like(true, 0.9), times))
        routine = simulate(perform_routine(SUBJECT + number), subject, layout, rate_hz=RATE_HZ, seed=SUBJECT + number)
        known = wearer_from_routine(description.mounts, description.prior, routine)
        estimated, confidence = estimator(recording, known)
        found[ROUTINE].append(read(estimated, confidence, times))
        for title, names in subsets.items():
            estimated, confidence = estimator(without(recording, names))
            found[title].append(read(estimated, confidence, times))
    return found


def affect_figures(found: dict[str, list[list[Reading]]]) -> dict[str, float]:
    """Shares that are right, what is claimed wrongly, and how alike people are read; all synthetic."""
    figures: dict[str, float] = {}
    for title, people in found.items():
        rows = [row for person in people for row in person]
        posed_rows = [row for row in rows if row.expressed != BASIC[0]]
        rests = [row for row in rows if row.expressed == BASIC[0]]
        claims = [row for row in rows if row.probability >= SURE]
        figures[f"{title}: expressions right"] = float(np.mean([row.answer == row.expressed for row in posed_rows]))
        figures[f"{title}: probability of the right one"] = float(np.mean([row.right for row in posed_rows]))
        figures[f"{title}: rests read as neutral"] = float(np.mean([row.answer == row.expressed for row in rests]))
        figures[f"{title}: claims (p over {SURE:g})"] = len(claims) / len(rows)
        figures[f"{title}: claims that are wrong"] = float(
            np.mean([row.answer != row.expressed for row in claims]) if claims else 0.0
        )
        spread = [np.std([row.valence for row in rows if row.expressed == name]) for name in BASIC]
        figures[f"{title}: valence, deviation between people"] = float(np.mean(spread))
    for title in (ROUTINE, "all sensors"):
        for name in EXPRESSED if title in found else ():
            rows = [row for person in found[title] for row in person if row.expressed == name]
            figures[f"{title}: {name} right"] = float(np.mean([row.answer == name for row in rows]))
    return figures

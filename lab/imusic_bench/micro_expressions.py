"""`imusic bench micro`: simulated micro-expressions through sensors and model, and how many of them are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_affect.event_noise import EventNoise, load_noise
from face_evaluation.estimate import Estimator
from face_evaluation.micro import (
    SHOWN,
    SINGLE,
    STRONGEST,
    WEAKEST,
    Found,
    TrueEvent,
    detect,
    fit_noise,
    judge,
    micro_motion,
    plain_events,
    recall_at,
)
from face_evaluation.motions import UNSEEN_SUBJECT
from face_inference.model_folder import load_model
from face_model.layout import load_layout
from face_model.npz import write_arrays
from imu_sim.families import load_family
from imu_sim.simulate import simulate
from imu_sim.subject import random_subject

SUBJECT = UNSEEN_SUBJECT + 10_000
"""First subject; those that the noise was fitted to come 100 and 200 later."""
RATE_HZ = 100.0
BINS_S = (0.04, 0.1, 0.2, 0.35, 0.5)
FITTED_ALARMS_PER_MIN = 0.9


@dataclass(frozen=True)
class Take:
    """One simulated take: estimated and true weights (T, 52), and what was played."""

    estimated: NDArray[np.float32]
    true: NDArray[np.float32]
    events: tuple[TrueEvent, ...]


def takes(
    numbers: Sequence[int],
    seconds: float,
    model: str,
    shown: Sequence[tuple[str, tuple[int, ...]]] = SHOWN,
    progress: Callable[[str], object] = lambda _: None,
) -> Iterator[Take]:
    """A subject for each number, whom the model knows by two still seconds only: layout face_12, QMI8658, 100 Hz."""
    estimator, layout, family = Estimator.of(load_model(model)), load_layout("face_12"), load_family()
    for number in numbers:
        progress(f"subject {number}")
        motion, events = micro_motion(number, seconds, shown)
        subject = random_subject(family, layout, SUBJECT + number)
        recording = simulate(motion, subject, layout, rate_hz=RATE_HZ, seed=number)
        estimated, _ = estimator(recording)
        yield Take(estimated, recording.weights, tuple(events))


def fit(seconds: float, subjects: int, model: str, progress: Callable[[str], object] = lambda _: None) -> EventNoise:
    """Noise of neutral wear and patterns of units, from other subjects than those that `measure_micro` takes."""
    quiet = [(t.estimated, t.true) for t in takes(range(100, 100 + subjects), seconds, model, (), progress)]
    units = [(t.estimated, t.events) for t in takes(range(200, 200 + subjects), seconds, model, SINGLE, progress)]
    return fit_noise(quiet, units, load_model(model).description.title, FITTED_ALARMS_PER_MIN)


def write_noise(noise: EventNoise, path: Path) -> None:
    """Write what `face_affect.event_noise.load_noise` reads."""
    write_arrays(
        path,
        {
            "precision": noise.precision.astype(np.float32),
            "patterns": noise.patterns.astype(np.float32),
            "codes": noise.codes,
            "sides": noise.sides,
            "model": np.array(noise.model),
        },
    )


def measure_micro(
    subjects: int,
    seconds: float,
    model: str = "imusic",
    noise: EventNoise | None = None,
    progress: Callable[[str], object] = lambda _: None,
) -> tuple[list[Found], list[Found]]:
    """What the detector found of each take, and what the plain one did."""
    noise = noise or load_noise()
    ours, plain = [], []
    for take in takes(range(subjects), seconds, model, SHOWN, progress):
        ours.append(judge(detect(take.estimated, RATE_HZ, noise), take.events, take.true, RATE_HZ))
        plain.append(judge(plain_events(take.estimated, RATE_HZ), take.events, take.true, RATE_HZ))
    return ours, plain


def micro_figures(ours: Sequence[Found], plain: Sequence[Found]) -> dict[str, float | int]:
    """Recall by duration and by what was shown, false alarms, times, and the plain detector beside it."""
    pairs = [pair for take in ours for pair in take.true]
    hits = [(true, event) for true, event in pairs if event is not None]
    minutes = sum(take.minutes for take in ours)
    figures: dict[str, float | int] = {
        "events": len(pairs),
        "minutes": minutes,
        "recall": len(hits) / max(1, len(pairs)),
        "false alarms a minute": sum(len(take.false) for take in ours) / minutes,
        "recall at one false alarm a minute": recall_at(ours, 1.0)[0],
        "plain detector, recall at one false alarm a minute": recall_at(plain, 1.0)[0],
        "blinks": sum(take.blinks for take in ours),
        "blinks found": sum(take.blinks_found for take in ours),
    }
    for low, high in pairwise(BINS_S):
        found = [event is not None for true, event in pairs if low <= true.duration_s < high]
        figures[f"recall, {1e3 * low:.0f} to {1e3 * high:.0f} ms"] = float(np.mean(found)) if found else float("nan")
    for low, high in pairwise((WEAKEST, 0.5, STRONGEST)):
        found = [event is not None for true, event in pairs if low <= true.intensity < high]
        figures[f"recall, intensity {low:g} to {high:g}"] = float(np.mean(found)) if found else float("nan")
    for shown in dict.fromkeys(shown for shown, _ in SHOWN):
        found = [event is not None for true, event in pairs if true.shown == shown]
        if found:
            figures[f"recall, {shown} ({len(found)})"] = float(np.mean(found))
    if hits:
        figures["first unit right"] = float(np.mean([e.codes[:1] != () and e.codes[0] in t.codes for t, e in hits]))
        figures["any unit right"] = float(np.mean([bool(set(e.codes) & set(t.codes)) for t, e in hits]))
        late = [e.apex_s - 0.5 * (t.start_s + t.end_s) for t, e in hits]
        figures["apex after the middle, ms (median)"] = 1e3 * float(np.median(late))
        figures["duration less the true one, ms (median)"] = 1e3 * float(
            np.median([e.duration_s - t.duration_s for t, e in hits])
        )
        for low, high in ((0.5, 0.7), (0.7, 0.9), (0.9, 1.0)):
            right = sum(low <= e.confidence < high for _, e in hits)
            wrong = sum(low <= e.confidence < high for take in ours for e in take.false)
            if right + wrong:
                figures[f"true where confidence is {low:g} to {high:g}"] = right / (right + wrong)
    return figures

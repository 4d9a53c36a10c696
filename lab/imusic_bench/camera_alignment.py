"""`imusic bench alignment`: simulated cameras beside simulated sensors, and how well their clocks are aligned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from face_evaluation.states import recorded_observations
from face_inference.model_folder import load_model
from face_inference.wearer.alignment import expected_track, observed_track
from face_model.lag_search import Track
from face_model.layout import load_layout
from face_reference.alignment import ClockAlignment, align_faces
from face_reference.errors import AlignmentError
from imu_sim.families import load_family
from imu_sim.generator import generate
from imu_sim.kinematics import Trajectory
from imu_sim.phone.camera import PHONE, WEBCAM, Camera, CameraModel
from imu_sim.simulate import simulate
from imu_sim.subject import random_subject

MOST_LAG_S = 2.0
SKEW_PPM = 100.0
CAMERAS = {"phone": PHONE, "webcam": WEBCAM}
_SEARCHED_LAG_S = 5.0
_FIRST_S = 1.5
"""The camera sees the face from here on, s of the performance."""


@dataclass(frozen=True)
class AlignmentRow:
    """One camera beside one subject.

    Attributes:
        subject: number of the simulated subject.
        camera: phone (60 Hz) or webcam (30 Hz), each with dropped pictures and jitter.
        found: whether the alignment was given.
        error_ms: of the offset at the middle of what both saw, ms; NaN if not found.
        deviation_ms: standard deviation of it, as told, ms.
        drift_error_ppm: of the drift.
        drift_deviation_ppm: standard deviation of it, as told.
        worst_ms: largest error at any moment that both saw, ms.
    """

    subject: int
    camera: str
    found: bool
    error_ms: float = float("nan")
    deviation_ms: float = float("nan")
    drift_error_ppm: float = float("nan")
    drift_deviation_ppm: float = float("nan")
    worst_ms: float = float("nan")


def measure_alignment(
    subjects: int, seconds: float, model: str = "imusic", progress: Callable[[str], object] = lambda _: None
) -> Iterator[AlignmentRow]:
    """Both cameras twice beside each subject, each with a clock that is up to 2 s and 100 ppm off.

    Args:
        subjects: how many are simulated.
        seconds: length of each performance, s.
        model: whose prior says what sensors feel of weights.
        progress: told what is done.
    """
    description = load_model(model).description
    layout, family = load_layout("face_12"), load_family("head")
    for number in range(subjects):
        progress(f"subject {number + 1} of {subjects}")
        motion = generate(900 + number, seconds)
        recording = simulate(motion, random_subject(family, layout, 5000 + number), layout, seed=number)
        sensors = observed_track(recorded_observations(recording, description.mounts), description.prior)
        trajectory = Trajectory(motion)
        for turn, (name, camera) in enumerate([*CAMERAS.items()] * 2):
            rng = np.random.default_rng([number, turn, 7])
            lag_s = float(rng.uniform(-MOST_LAG_S, MOST_LAG_S))
            drift = 1e-6 * SKEW_PPM * float(rng.choice((-1.0, 1.0)))
            stamps, weights = _seen(camera, 100 * number + turn, trajectory, motion.duration_s, lag_s, drift)
            expected = expected_track(stamps, weights, description.prior)
            track = Track(stamps, weights, np.ones(weights.shape, bool))
            try:
                found = align_faces(sensors, stamps, track, expected.values, _SEARCHED_LAG_S)
            except AlignmentError:
                yield AlignmentRow(number, name, found=False)
            else:
                yield _row(number, name, found, stamps, lag_s, drift)


def _seen(
    model: CameraModel, seed: int, trajectory: Trajectory, duration_s: float, lag_s: float, drift: float
) -> tuple[np.ndarray, np.ndarray]:
    """Stamps (N,) on the camera's clock and what it says (N, 52); its mean lag is not of its clock and left out."""
    camera = Camera(model, seed)
    true_s = _FIRST_S + np.arange(int((duration_s - 2.0 * _FIRST_S) * model.rate_hz)) / model.rate_hz
    kept = np.array([not camera.dropped() for _ in true_s])
    late_s = np.array([camera.lag_s() for _ in true_s]) - model.lag_s
    weights = np.array([camera.picture(each) for each in trajectory.weights(true_s)])
    stamps = (true_s + late_s - lag_s) / (1.0 + drift)
    stamps, weights = stamps[kept], weights[kept]
    rising = np.concatenate([[True], np.diff(stamps) > 0.0])
    return stamps[rising], weights[rising]


def _row(
    subject: int, camera: str, found: ClockAlignment, stamps: np.ndarray, lag_s: float, drift: float
) -> AlignmentRow:
    true_offset_s = found.origin_s * drift + lag_s
    ends = stamps[[0, -1]]
    off_s = found.to_sensors(ends) - (ends * (1.0 + drift) + lag_s)
    return AlignmentRow(
        subject,
        camera,
        True,
        1e3 * (found.offset_s - true_offset_s),
        1e3 * found.deviation_s,
        found.drift_ppm - 1e6 * drift,
        found.drift_deviation_ppm,
        1e3 * float(np.abs(off_s).max()),
    )


def alignment_figures(rows: list[AlignmentRow]) -> dict[str, float]:
    """What the rows say together; NaN where none was found."""
    found = [row for row in rows if row.found]
    error = np.array([row.error_ms for row in found])
    drift = np.array([row.drift_error_ppm for row in found])
    deviation = np.array([row.deviation_ms for row in found])
    drift_deviation = np.array([row.drift_deviation_ppm for row in found])
    if not found:
        return {"cases": len(rows), "found": 0}
    return {
        "cases": len(rows),
        "found": len(found),
        "offset, rms ms": float(np.sqrt(np.mean(error**2))),
        "offset, largest ms": float(np.abs(error).max()),
        "largest at any moment, ms": max(row.worst_ms for row in found),
        "offsets within two deviations, %": 100.0 * float(np.mean(np.abs(error) <= 2.0 * deviation)),
        "drifts within two deviations, %": 100.0 * float(np.mean(np.abs(drift) <= 2.0 * drift_deviation)),
        "drift, rms ppm": float(np.sqrt(np.mean(drift**2))),
    }

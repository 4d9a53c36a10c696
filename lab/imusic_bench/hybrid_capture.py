"""`imusic bench fusion`: a simulated camera that is covered, dark, frozen and gone, beside simulated sensors.

The face is a recorded one. The sensors' weights are those of the shipped model on simulated signals; the camera's are
those of `imu_sim.phone.camera`, late and biased, made worse in each phase as `CoveredCamera` says. Both are guesses of
how real ones fail; what is measured is what the fusion makes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from face_evaluation.estimate import Estimator
from face_evaluation.motions import RATE_HZ, UNSEEN_SUBJECT, held_out_takes, motions_of
from face_evaluation.sources import Simulated
from face_evaluation.states import STATES, WearerState, calibration_of, learned
from face_fusion.faces import Picture, SensorFace
from face_fusion.fuser import Fuser
from face_fusion.regions import MEMBERS, REGIONS
from face_fusion.witness import WitnessParams
from face_inference.model_folder import Model, load_model
from face_model import arkit
from imu_sim.motion import FaceMotion
from imu_sim.phone.camera import PHONE, WEBCAM, Camera, CameraModel

Floats = NDArray[np.float64]

GOOD, COVERED, MOUTH, DARK, FROZEN, GONE, NO_SENSORS, BACK = (
    "camera good",
    "camera covered",
    "mouth covered",
    "dark",
    "frozen",
    "camera gone",
    "sensors gone",
    "back",
)
SCHEDULE: tuple[tuple[str, float], ...] = (
    (GOOD, 30.0),
    (COVERED, 8.0),
    (BACK, 8.0),
    (MOUTH, 10.0),
    (BACK, 8.0),
    (DARK, 10.0),
    (BACK, 8.0),
    (FROZEN, 8.0),
    (BACK, 8.0),
    (GONE, 12.0),
    (BACK, 8.0),
    (NO_SENSORS, 8.0),
    (BACK, 8.0),
)
"""What happens, and for how many seconds."""

CAMERAS = {"phone": PHONE, "webcam": WEBCAM}
ASSUMED = {"phone": WitnessParams(0.05, 0.2, 0.06), "webcam": WitnessParams(0.07, 0.35, 0.09)}
_COMPARED = ("sensors", "camera", "fused")
_KNOWN: tuple[WearerState, ...] = ("neutral", "routine")
_WAY_S = 0.01
_HAND_S = 0.3
_SENSORS_LATE_S = 0.004
_HAND_OVER_S = 1.0
"""Around the start of a phase."""


@dataclass(frozen=True)
class Take:
    """A face and what the sensors made of it.

    Attributes:
        name: of the motion and of what is known of the wearer.
        rate_hz: samples a second.
        truth, weights, confidence: (T, 52).
    """

    name: str
    rate_hz: float
    truth: NDArray[np.floating]
    weights: NDArray[np.floating]
    confidence: NDArray[np.floating]


class CoveredCamera:
    """A simulated camera in front of a face that goes through `SCHEDULE`.

    Covered: for 0.3 s, while a hand comes, it says anything; then it sees no face. Mouth covered: what it says of the
    mouth wanders by itself. Dark: errors of 0.15 that last a tenth of a second, every third picture missing, 30 ms
    later. Frozen: the last picture again and again, with new stamps. It never says how sure it is.
    """

    def __init__(self, model: CameraModel, seed: int) -> None:
        self._model, self._camera = model, Camera(model, seed)
        self._rng = np.random.default_rng([seed, 0xF05])
        self._anything = np.zeros(arkit.COUNT)
        self._tremble = np.zeros(arkit.COUNT)
        self._last = np.zeros(arkit.COUNT)

    def pictures(self, take: Take, phase_at: Callable[[float], tuple[str, float]]) -> Iterator[tuple[float, Picture]]:
        """Arrival times and pictures, in order."""
        last_s = -1.0
        times_s = np.arange(len(take.truth)) / take.rate_hz
        for taken_s in np.arange(0.2, times_s[-1], 1.0 / self._model.rate_hz):
            phase, since_s = phase_at(taken_s)
            lag_s = self._camera.lag_s() + (0.03 if phase == DARK else 0.0)
            row = min(max(0, round((taken_s - lag_s) * take.rate_hz)), len(times_s) - 1)
            said = self._camera.picture(take.truth[row])
            dropped = self._camera.dropped() or (phase == DARK and self._rng.random() < 0.3)
            picture = self._made(taken_s, phase, since_s, said)
            if dropped or phase == GONE or taken_s <= last_s:
                continue
            last_s = taken_s
            yield taken_s + _WAY_S, picture

    def _made(self, taken_s: float, phase: str, since_s: float, said: Floats) -> Picture:
        seen = np.ones(arkit.COUNT, dtype=bool)
        step_s = 1.0 / self._model.rate_hz
        self._anything = self._walk(self._anything, 0.2, step_s / 0.5)
        self._tremble = self._walk(self._tremble, 0.15, step_s / 0.1)
        if phase == COVERED and since_s >= _HAND_S:
            return Picture(taken_s, np.zeros(arkit.COUNT), np.zeros(arkit.COUNT, dtype=bool), face_seen=False)
        if phase == COVERED:
            said = said + since_s / _HAND_S * (np.abs(self._anything) - said)
        elif phase == MOUTH:
            mouth = MEMBERS[REGIONS.index("mouth")] > 0.0
            said = np.where(mouth, np.abs(self._anything), said)
        elif phase == DARK:
            said = np.clip(said + self._tremble, 0.0, 1.0)
        elif phase == FROZEN:
            said = self._last
        self._last = said
        return Picture(taken_s, said, seen)

    def _walk(self, value: Floats, spread: float, share: float) -> Floats:
        keep = float(np.exp(-share))
        return np.asarray(keep * value + np.sqrt(1.0 - keep * keep) * self._rng.normal(0.0, spread, len(value)))


@dataclass(frozen=True)
class Played:
    """What each said at every sample of a take: (T, 52) weights, and the phase (T,)."""

    take: Take
    phases: NDArray[np.str_]
    began: NDArray[np.float64]
    camera: Floats
    fused: Floats
    confidence: Floats


@dataclass(frozen=True)
class PhaseRow:
    """One phase, over all takes.

    Attributes:
        camera: phone or webcam.
        phase: what happens.
        region: all, or a region of `face_fusion.regions`.
        sensors, camera_alone, fused: mean absolute error.
        of_better: error of the fused face over that of the better source.
        step: largest change of a fused weight in a sample within a second of the phase's start.
        beyond: most by which such a change passes those of both sources in the same weight at about the same sample.
        source_step: largest change of a weight of either source in a sample while both are well.
    """

    camera: str
    phase: str
    region: str
    sensors: float
    camera_alone: float
    fused: float
    of_better: float
    step: float
    beyond: float
    source_step: float


def recorded_takes(model: Model, seconds: float, progress: Callable[[str], object] = lambda _: None) -> Iterator[Take]:
    """Recorded faces that the model never saw, again and again, on simulated people; after two still seconds, and
    after the routine. Generated ones where the shared data is not found.
    """
    estimator = Estimator.of(model)
    mounts = model.description.mounts
    for number, motion in enumerate(motions_of(held_out_takes(model), seconds)):
        progress(f"sensors on {motion.name}")
        loaded = Simulated(_as_long(motion, seconds), "head", UNSEEN_SUBJECT + 700 + number, 100.0).load()
        recording = loaded.recording
        for state in _KNOWN:
            asked = calibration_of(state, STATES[state], loaded.beside, mounts.names[mounts.reference])
            weights, confidence = estimator(recording, learned(model.description, asked).wearer)
            yield Take(f"{motion.name}, {state}", recording.rate_hz, recording.weights, weights, confidence)


def measure_fusion(
    model: str = "imusic", seeds: int = 3, progress: Callable[[str], object] = lambda _: None
) -> list[PhaseRow]:
    """All phases for both cameras over the held-out takes, each beside so many cameras."""
    seconds = sum(length for _, length in SCHEDULE) + 2.0
    takes = list(recorded_takes(load_model(model), seconds, progress))
    rows: list[PhaseRow] = []
    for name in CAMERAS:
        progress(name)
        played = [play(take, name, seed) for seed in range(seeds) for take in takes]
        rows += phase_rows(name, played)
    return rows


def play(take: Take, camera: str, seed: int) -> Played:
    """One take beside one camera; what happens begins elsewhere in the take for every seed."""
    rolled = _rolled(take, seed)
    ends = np.cumsum([length for _, length in SCHEDULE])

    def phase_at(time_s: float) -> tuple[str, float]:
        number = min(int(np.searchsorted(ends, time_s, side="right")), len(SCHEDULE) - 1)
        return SCHEDULE[number][0], time_s - float(ends[number] - SCHEDULE[number][1])

    count = min(len(take.truth), int(ends[-1] * take.rate_hz))
    times_s = np.arange(count) / take.rate_hz
    told = [phase_at(t) for t in times_s]
    pictures = list(CoveredCamera(CAMERAS[camera], seed).pictures(rolled, phase_at))
    fuser = Fuser({"camera": ASSUMED[camera]})
    seen, fused, sure = (np.zeros((count, arkit.COUNT)) for _ in range(3))
    newest, face, confidence, next_picture = (np.zeros(arkit.COUNT),) * 3 + (0,)
    for row, time_s in enumerate(times_s):
        arrival_s = time_s + _SENSORS_LATE_S
        while next_picture < len(pictures) and pictures[next_picture][0] <= arrival_s:
            picture = pictures[next_picture][1]
            next_picture += 1
            newest = np.asarray(picture.weights) if picture.face_seen else newest
            made = fuser.see("camera", picture)
            if made is not None:
                face, confidence = made.weights, made.confidence
        if told[row][0] != NO_SENSORS:
            made = fuser.sense(SensorFace(time_s, rolled.weights[row], rolled.confidence[row]))
            if made is not None:
                face, confidence = made.weights, made.confidence
        seen[row], fused[row], sure[row] = newest, face, confidence
    phases = np.array([phase for phase, _ in told])
    return Played(rolled, phases, np.array([since for _, since in told]), seen, fused, sure)


def phase_rows(camera: str, played: Sequence[Played]) -> list[PhaseRow]:
    """Errors by phase, and for a covered mouth by region too."""
    usual = max(_source_step(each) for each in played)
    rows = []
    for phase in dict.fromkeys(name for name, _ in SCHEDULE):
        for region in ("all", *REGIONS) if phase == MOUTH else ("all",):
            columns = np.ones(arkit.COUNT, bool) if region == "all" else MEMBERS[REGIONS.index(region)] > 0.0
            errors = [[_error(each, phase, columns, what) for what in _COMPARED] for each in played]
            sensors, seen, fused = (_mean(column) for column in zip(*errors, strict=True))
            better = min(sensors, seen) if phase != NO_SENSORS else seen
            step, beyond = np.max([_hand_over_steps(each, phase) for each in played], axis=0)
            ratio, steps = fused / better, (float(step), float(beyond), usual)
            rows.append(PhaseRow(camera, phase, region, sensors, seen, fused, ratio, *steps))
    return rows


def _error(played: Played, phase: str, columns: NDArray[np.bool_], what: str) -> float:
    rows = played.phases == phase
    if phase == GOOD:
        rows &= played.began > 3.0  # the lag is not known yet, and nothing was seen before
    truth = played.take.truth[: len(rows)]
    of = {"sensors": played.take.weights[: len(rows)], "camera": played.camera, "fused": played.fused}[what]
    return float(np.abs(of - truth)[rows][:, columns].mean())


def _source_step(played: Played) -> float:
    rows = (played.phases == GOOD)[1:]
    sensors = np.abs(np.diff(played.take.weights[: len(played.phases)], axis=0))[rows].max()
    return float(max(sensors, np.abs(np.diff(played.camera, axis=0))[rows].max()))


def _hand_over_steps(played: Played, phase: str) -> tuple[float, float]:
    """Largest step of the fused face around the start of a phase, and the most by which one passes the sources'."""
    rows = ((played.phases == phase) & (played.began < _HAND_OVER_S))[1:]
    if phase == GOOD:
        rows &= played.began[1:] > 0.5
    steps = np.abs(np.diff(played.fused, axis=0))
    own = np.maximum(
        np.abs(np.diff(played.take.weights[: len(played.phases)], axis=0)), np.abs(np.diff(played.camera, axis=0))
    )
    # A picture may be answered a sample later.
    near = np.maximum(own, np.maximum(np.roll(own, 1, axis=0), np.roll(own, -1, axis=0)))
    return float(steps[rows].max()), float((steps - near)[rows].max())


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _rolled(take: Take, seed: int) -> Take:
    """The take begun elsewhere, so that every phase meets other expressions."""
    turn = round(seed * 0.37 * len(take.truth))
    arrays = (np.roll(each, -turn, axis=0) for each in (take.truth, take.weights, take.confidence))
    return Take(take.name, take.rate_hz, *arrays)


def _as_long(motion: FaceMotion, seconds: float) -> FaceMotion:
    motion = motion.resampled(RATE_HZ)
    rows = np.arange(round(seconds * RATE_HZ) + 1) % motion.samples
    return replace(
        motion,
        weights=motion.weights[rows],
        head_orientation=motion.head_orientation[rows],
        head_position=motion.head_position[rows],
    )

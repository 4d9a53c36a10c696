"""Where the takes of an evaluation come from: simulated on demand, or stored in a data set."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from face_dataset.shards import ShardedDataset
from face_evaluation.motions import natural_motion
from face_model.layout import load_layout
from face_model.rig import FaceRig
from imu_sim.attachment import random_attachment
from imu_sim.families import load_family
from imu_sim.generator import generate
from imu_sim.motion import FaceMotion
from imu_sim.mounted_boards import MountedBoards, boards_on
from imu_sim.performance.routine_performance import perform_routine
from imu_sim.phone.camera import PHONE, Camera
from imu_sim.recording import Recording
from imu_sim.simulate import simulate
from imu_sim.subject import Subject, random_subject

LAYOUT = "face_12"
PLACEMENT_M = 0.005
"""Usual largest distance of a board from its place, m."""
WEAR_S = 300.0
"""Wear is simulated in takes of this length."""

_GLUED_ANEW = 0x61E
_CLOCK = 0xC10C
_MOST_OFFSET_S = 1.0
"""A phone's clock is set by a network, and a recording is started by hand."""


@dataclass(frozen=True)
class CameraView:
    """Natural motion and what a camera made of it.

    Attributes:
        recording: the take, with the true weights.
        time_s: (P,) of the camera's pictures, on its own clock.
        weights: (P, 52) that the camera saw.
        same_clock: whether its clock counts from the take's first sample.
    """

    recording: Recording
    time_s: NDArray[np.float64]
    weights: NDArray[np.float32]
    same_clock: bool


class Beside(Protocol):
    """What can be had of the same wearer, with the boards glued on alike, beside the take that is scored."""

    @property
    def key(self) -> Hashable | None:
        """Equal where all of it is equal; None: nothing can be kept of it."""

    def routine(self) -> Recording | None:
        """The guided routine; None: there is none."""

    def wear(self, seconds: float) -> tuple[Recording, ...] | None:
        """So much unlabelled wear, s; None: there is none."""

    def labelled(self, seconds: float, errs: bool) -> CameraView | None:
        """So much natural motion in front of a camera, which tells the truth, or `errs` as a phone does; or None."""


class RoutineOnly:
    """Where there is at most a routine.

    Args:
        routine: gives it, or None.
    """

    key = None

    def __init__(self, routine: Callable[[], Recording | None] = lambda: None) -> None:
        self.routine = routine

    def wear(self, seconds: float) -> None:
        """There is none."""

    def labelled(self, seconds: float, errs: bool) -> None:
        """There is none."""


@dataclass(frozen=True)
class Loaded:
    """A take with what scoring needs beside it.

    Attributes:
        recording: the take.
        face: whose people wear it, as `load_family` takes it; empty if unknown.
        geometry: name of that family; empty if unknown.
        rig: on which millimetres are measured: the family's typical face; None if unknown.
        beside: what the wearer may be learned from.
    """

    recording: Recording
    face: str
    geometry: str
    rig: FaceRig | None
    beside: Beside


class Source(Protocol):
    """Something that can be sent to another process and loaded there."""

    @property
    def subject(self) -> tuple[str, int, float, int]:
        """Who is simulated or recorded, and how the boards are glued on that the wearer is learned with: takes that
        have all of it in common are best loaded one after the other.
        """

    def load(self) -> Loaded:
        """Read or simulate the take."""


@dataclass(frozen=True)
class Simulated:
    """A motion played on a random person.

    Attributes:
        motion: what is played.
        face: whose people, as `imu_sim.families.load_family` takes it.
        seed: of the person, the gluing, the sensors' errors and all that the wearer is learned from.
        rate_hz: of the samples.
        placement_m: largest distance of a board from its place, m.
        glued_anew: whether the boards were taken off and glued on again between all that and this take.
    """

    motion: FaceMotion
    face: str
    seed: int
    rate_hz: float
    placement_m: float = PLACEMENT_M
    glued_anew: bool = False

    @property
    def subject(self) -> tuple[str, int, float, int]:
        """Face, seed and placement."""
        return self.face, self.seed, self.placement_m, 0

    def load(self) -> Loaded:
        """Simulate it."""
        subject, boards = _glued(self.face, self.seed, self.placement_m, self.glued_anew)
        layout, family = load_layout(LAYOUT), load_family(self.face)
        recording = simulate(self.motion, subject, layout, rate_hz=self.rate_hz, seed=self.seed, boards=boards)
        beside = _beside(self.face, self.seed, self.rate_hz, self.placement_m)
        return Loaded(recording, self.face, family.name, family.typical(), beside)


@dataclass(frozen=True)
class SimulatedBeside:
    """Simulated when it is asked for, and kept."""

    face: str
    seed: int
    rate_hz: float
    placement_m: float

    @property
    def key(self) -> Hashable:
        """All that decides it."""
        return self.face, self.seed, self.rate_hz, self.placement_m

    def routine(self) -> Recording:
        """Simulated once."""
        return self._routine

    def wear(self, seconds: float) -> tuple[Recording, ...]:
        """Takes of `WEAR_S`, the last one cut: what is longer begins with what is shorter."""
        takes: list[Recording] = []
        while seconds > 0.0:
            whole = self._worn(len(takes))
            takes.append(whole if seconds >= WEAR_S else first(whole, seconds))
            seconds -= WEAR_S
        return tuple(takes)

    def labelled(self, seconds: float, errs: bool) -> CameraView:
        """True weights at the sensors' own rate, or a phone's pictures."""
        recording = self._natural(seconds)
        time_s = np.arange(len(recording.weights)) / recording.rate_hz
        if not errs:
            return CameraView(recording, time_s, recording.weights, True)
        return seen_by_phone(recording, self.seed)

    @cached_property
    def _routine(self) -> Recording:
        return self._played(perform_routine(self.seed), 1)

    @cached_property
    def _kept(self) -> dict[str, Recording]:
        return {}

    def _worn(self, number: int) -> Recording:
        name = f"wear {number}"
        if name not in self._kept:
            # Of the same seed, the performer of the routine: the same gains and couplings.
            motion = generate(self.seed if not number else self.seed + 10_000_000 * number, WEAR_S)
            self._kept[name] = self._played(motion, 2 + 10 * number)
        return self._kept[name]

    def _natural(self, seconds: float) -> Recording:
        name = f"natural {seconds:g}"
        if name not in self._kept:
            self._kept[name] = self._played(natural_motion(seconds, self.seed), 3)
        return self._kept[name]

    def _played(self, motion: FaceMotion, stream: int) -> Recording:
        subject, boards = _glued(self.face, self.seed, self.placement_m, False)
        layout = load_layout(LAYOUT)
        return simulate(motion, subject, layout, rate_hz=self.rate_hz, seed=self.seed + stream, boards=boards)


@dataclass(frozen=True)
class Stored:
    """A take of a data set."""

    folder: Path
    position: int

    @property
    def subject(self) -> tuple[str, int, float, int]:
        """Family and seed, as the data set says."""
        info = _dataset(self.folder)[self.position].info
        return info.family or "", info.wearer_seed or 0, 0.0, self.position

    def load(self) -> Loaded:
        """Read it."""
        dataset = _dataset(self.folder)
        take = dataset[self.position]
        routine = dataset.routine_of(take)
        face = take.info.family or ""
        family = load_family(face) if face else None
        return Loaded(
            take.recording(),
            face,
            family.name if family else "",
            family.typical() if family else None,
            RoutineOnly(routine.recording) if routine else RoutineOnly(),
        )


def seen_by_phone(recording: Recording, seed: int) -> CameraView:
    """What a simulated phone makes of a take: late, biased, trembling, on a clock of its own."""
    camera, true_s = Camera(PHONE, seed), np.arange(len(recording.weights)) / recording.rate_hz
    offset_s = float(np.random.default_rng([seed, _CLOCK]).uniform(-_MOST_OFFSET_S, _MOST_OFFSET_S))
    stamps, pictures = [], []
    for stamp_s in np.arange(0.2, true_s[-1], 1.0 / PHONE.rate_hz):
        row = min(max(0, round((stamp_s - camera.lag_s()) * recording.rate_hz)), len(true_s) - 1)
        said = camera.picture(recording.weights[row])
        if not camera.dropped():
            stamps.append(stamp_s + offset_s)
            pictures.append(said)
    return CameraView(recording, np.array(stamps), np.array(pictures, dtype=np.float32), False)


def first(recording: Recording, seconds: float) -> Recording:
    """The first part of a take."""
    rows = slice(0, round(seconds * recording.rate_hz))
    names = ("orientation", "angular_velocity", "specific_force", "valid", "weights", "head_orientation")
    return replace(recording, **{name: getattr(recording, name)[rows] for name in names})


@lru_cache(maxsize=4)
def _glued(face: str, seed: int, placement_m: float, anew: bool) -> tuple[Subject, MountedBoards]:
    layout = load_layout(LAYOUT)
    subject = random_subject(load_family(face), layout, seed, placement_m=placement_m)
    if anew:
        rng = np.random.default_rng([seed, _GLUED_ANEW, 1])
        subject = replace(subject, attachment=random_attachment(layout, rng, placement_m=placement_m))
    return subject, boards_on(subject, layout)


@lru_cache(maxsize=2)
def _beside(face: str, seed: int, rate_hz: float, placement_m: float) -> SimulatedBeside:
    return SimulatedBeside(face, seed, rate_hz, placement_m)


@lru_cache(maxsize=2)
def _dataset(folder: Path) -> ShardedDataset:
    return ShardedDataset.open(folder)

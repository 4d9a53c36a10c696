"""Where the takes of an evaluation come from: simulated on demand, or stored in a data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from face_dataset.shards import ShardedDataset
from face_model.layout import load_layout
from face_model.rig import FaceRig
from imu_sim.families import load_family
from imu_sim.motion import FaceMotion
from imu_sim.mounted_boards import MountedBoards, boards_on
from imu_sim.performance.routine_performance import perform_routine
from imu_sim.recording import Recording
from imu_sim.simulate import simulate
from imu_sim.subject import Subject, random_subject

LAYOUT = "face_12"
PLACEMENT_M = 0.005
"""Usual largest distance of a board from its place, m."""


@dataclass(frozen=True)
class Loaded:
    """A take with what scoring needs beside it.

    Attributes:
        recording: the take.
        face: whose people wear it, as `load_family` takes it; empty if unknown.
        geometry: name of that family; empty if unknown.
        rig: on which millimetres are measured: the family's typical face; None if unknown.
        routine: gives the guided routine of the same subject with the same gluing, or None if there is none.
    """

    recording: Recording
    face: str
    geometry: str
    rig: FaceRig | None
    routine: Callable[[], Recording | None]


class Source(Protocol):
    """Something that can be sent to another process and loaded there."""

    @property
    def subject(self) -> tuple[str, int]:
        """Who is simulated or recorded: takes of one subject are best loaded one after the other."""

    def load(self) -> Loaded:
        """Read or simulate the take."""


@dataclass(frozen=True)
class Simulated:
    """A motion played on a random person.

    Attributes:
        motion: what is played.
        face: whose people, as `imu_sim.families.load_family` takes it.
        seed: of the person, the gluing, the sensors' errors and the routine.
        rate_hz: of the samples.
        placement_m: largest distance of a board from its place, m.
    """

    motion: FaceMotion
    face: str
    seed: int
    rate_hz: float
    placement_m: float = PLACEMENT_M

    @property
    def subject(self) -> tuple[str, int]:
        """Face and seed."""
        return self.face, self.seed

    def load(self) -> Loaded:
        """Simulate it."""
        subject, boards = _glued(self.face, self.seed, self.placement_m)
        layout, family = load_layout(LAYOUT), load_family(self.face)
        recording = simulate(self.motion, subject, layout, rate_hz=self.rate_hz, seed=self.seed, boards=boards)
        return Loaded(recording, self.face, family.name, family.typical(), self._routine)

    def _routine(self) -> Recording:
        return _routine(self.face, self.seed, self.rate_hz, self.placement_m)


@dataclass(frozen=True)
class Stored:
    """A take of a data set."""

    folder: Path
    position: int

    @property
    def subject(self) -> tuple[str, int]:
        """Family and seed, as the data set says."""
        info = _dataset(self.folder)[self.position].info
        return info.family or "", info.wearer_seed or 0

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
            routine.recording if routine else lambda: None,
        )


@lru_cache(maxsize=2)
def _glued(face: str, seed: int, placement_m: float) -> tuple[Subject, MountedBoards]:
    layout = load_layout(LAYOUT)
    subject = random_subject(load_family(face), layout, seed, placement_m=placement_m)
    return subject, boards_on(subject, layout)


@lru_cache(maxsize=2)
def _routine(face: str, seed: int, rate_hz: float, placement_m: float) -> Recording:
    subject, boards = _glued(face, seed, placement_m)
    return simulate(perform_routine(seed), subject, load_layout(LAYOUT), rate_hz=rate_hz, seed=seed + 1, boards=boards)


@lru_cache(maxsize=2)
def _dataset(folder: Path) -> ShardedDataset:
    return ShardedDataset.open(folder)

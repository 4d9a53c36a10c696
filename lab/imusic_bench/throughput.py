"""`imusic bench simulate`: how much faster than life one core turns facial motion into recordings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from face_model.layout import load_layout
from imu_sim.chips.fusion import OrientationFusion
from imu_sim.chips.parts import SensorPart, load_part
from imu_sim.chips.sensor import SensorBank
from imu_sim.families import load_family
from imu_sim.generator import generate
from imu_sim.kinematics import Trajectory
from imu_sim.motion import FaceMotion
from imu_sim.mounted_boards import MountedBoards, boards_on
from imu_sim.physics import imu_truth
from imu_sim.simulate import simulate
from imu_sim.splines import Sampling
from imu_sim.subject import Subject, random_subject
from imu_sim.tissue import TissueFilter

RATE_HZ, FUSION_HZ, PHYSICS_HZ = 100.0, 200.0, 1000.0
"""Rates of a usual hub, as `imu_sim.imu_stream` chooses them."""


@dataclass(frozen=True)
class Throughput:
    """What was measured, in processor time: other programs hardly matter, and it is per core.

    Attributes:
        realtime_factor: simulated seconds in a second of one core, motion to recording (physics, sensors, fusion, the
            hub's timing), without drawing the subject and without vertices; median.
        seconds: simulated in each repeat.
        repeats: how often it was measured.
        sensors: number of units.
        part: their name.
        wearer_ms: drawing a person and gluing the boards on, which is done once for each subject.
        stages_ms: parts of the work in ms for a simulated second.
    """

    realtime_factor: float
    seconds: float
    repeats: int
    sensors: int
    part: str
    wearer_ms: float
    stages_ms: dict[str, float] = field(default_factory=dict)


def measure_throughput(
    seconds: float, repeats: int = 5, face: str = "head", layout_name: str = "face_12", part_name: str = "QMI8658"
) -> Throughput:
    """Simulate a generated performance several times, in this process.

    Raises:
        FaceModelError, ImuSimError: no such face, layout or part.
    """
    layout, part, family = load_layout(layout_name), load_part(part_name), load_family(face)
    motion = generate(1, seconds)
    subjects: list[Subject] = []

    def draw() -> None:
        subjects[:] = [random_subject(family, layout, len(subjects) + 1)]
        boards_on(subjects[0], layout)

    wearer_s = _median_s(draw, repeats)
    boards = boards_on(subjects[0], layout)
    work_s = _median_s(lambda: simulate(motion, subjects[0], layout, part, RATE_HZ, boards=boards), repeats)
    stages = [_stages(motion, boards, part) for _ in range(repeats)]
    return Throughput(
        realtime_factor=motion.duration_s / work_s,
        seconds=motion.duration_s,
        repeats=repeats,
        sensors=len(layout.sensors),
        part=part.name,
        wearer_ms=1000.0 * wearer_s,
        stages_ms={name: 1000.0 * median(each[name] for each in stages) / motion.duration_s for name in stages[0]},
    )


def _median_s(work: Callable[[], object], repeats: int) -> float:
    """Median processor time of some work, s; the first time, in which caches fill, is not counted."""
    times = []
    for _ in range(repeats + 1):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return median(times[1:])


def _stages(motion: FaceMotion, boards: MountedBoards, part: SensorPart) -> dict[str, float]:
    """Processor time of each stage over the whole motion, s, in blocks of a second as `imu_sim.imu_stream` works."""
    spent: dict[str, float] = {}
    with _timed(spent, "splines of the motion"):
        sampling = Sampling(0.0, PHYSICS_HZ)
        trajectory = Trajectory(motion)
        head_path = trajectory.head_on(sampling)
        moving = boards.moving(trajectory.weight_spline, sampling)
    tissue = TissueFilter(boards.attachment.tissue, PHYSICS_HZ)
    decimation = round(PHYSICS_HZ / FUSION_HZ)
    bank = SensorBank(part, boards.sensors, PHYSICS_HZ, decimation, np.random.default_rng(1))
    fusion = OrientationFusion(boards.sensors, FUSION_HZ)
    block = round(PHYSICS_HZ)
    for first in range(0, int(motion.duration_s) * block, block):
        with _timed(spent, "head"):
            head = head_path(first, block)
        with _timed(spent, "boards"):
            state = moving(first, block)
        with _timed(spent, "forces and rates"):
            truth = imu_truth(head, state)
        with _timed(spent, "tissue"):
            force, rate = tissue(truth.specific_force, truth.angular_velocity)
        with _timed(spent, "sensors"):
            measured = bank.measure(rate.T, force.T)
        with _timed(spent, "fusion"):
            fusion.update(measured.angular_velocity, measured.specific_force)
    return spent


@contextmanager
def _timed(spent: dict[str, float], name: str) -> Iterator[None]:
    start = time.process_time()
    yield
    spent[name] = spent.get(name, 0.0) + time.process_time() - start

"""The part of the report on facial motion: generated beside recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from face_model import arkit
from imu_sim.errors import ImuSimError
from imu_sim.generator import generate
from imu_sim.motion import FaceMotion
from imu_sim.realism import figures
from imu_sim.realism.comparison import Distance, distances
from imu_sim.realism.html_report import Section, Table
from imu_sim.realism.statistics import MotionStatistics, motion_statistics
from imu_sim.recorded_motion import recorded_motion

FIRST_SEED = 500_000
"""Seed of the first generated performance: away from the small ones that training takes."""


@dataclass(frozen=True)
class MotionComparison:
    """Generated and recorded motion and their statistics.

    Attributes:
        generated, recorded: takes; the recorded ones by person.
        of_generated, of_recorded: their statistics.
    """

    generated: tuple[FaceMotion, ...]
    recorded: Mapping[str, tuple[FaceMotion, ...]]
    of_generated: MotionStatistics
    of_recorded: Mapping[str, MotionStatistics]

    def compared(self) -> dict[str, list[Distance]]:
        """Distances of generated motion to each person, and of each person to the first: what people differ by."""
        found = {f"generated to {name}": distances(self.of_generated, s) for name, s in self.of_recorded.items()}
        (first, reference), *others = self.of_recorded.items()
        return found | {f"{name} to {first}": distances(s, reference) for name, s in others}


def compare_motion(recorded: Path, performances: int = 20, seconds: float = 60.0) -> MotionComparison:
    """Read the takes of a folder, generate as many performances as asked for, and take the statistics of both.

    Args:
        recorded: folder of Live Link Face CSV files, named as `face_model.livelink.person_of` reads them.
        performances: number of generated performances.
        seconds: length of each, s.

    Raises:
        ImuSimError: the folder holds no CSV file.
        LiveLinkError: one of them cannot be read.
    """
    # The app writes the pose of its calibration beside a take.
    files = sorted(path for path in recorded.glob("*.csv") if not path.stem.endswith("_neutral"))
    if not files:
        raise ImuSimError(f"expected Live Link Face CSV files in {recorded}, found none; name their folder")
    takes: dict[str, list[FaceMotion]] = {}
    own_head: dict[str, bool] = {}
    for file in files:
        motion, report = recorded_motion(file)
        takes.setdefault(motion.person, []).append(motion)
        own_head[motion.person] = own_head.get(motion.person, True) and report.head_recorded
    generated = tuple(generate(FIRST_SEED + i, seconds) for i in range(performances))
    return MotionComparison(
        generated,
        {person: tuple(motions) for person, motions in takes.items()},
        motion_statistics(generated),
        {person: motion_statistics(motions, head=own_head[person]) for person, motions in takes.items()},
    )


def motion_section(study: MotionComparison) -> Section:
    """The study as a part of the report."""
    seconds = {name: round(s.seconds) for name, s in study.of_recorded.items()}
    lengths = ", ".join(f"{name} {value} s" for name, value in seconds.items())
    everybody = {"generated": study.of_generated, **study.of_recorded}
    first = next(iter(study.recorded))
    return Section(
        "Facial motion: generated and recorded",
        (
            f"Generated (synthetic): {len(study.generated)} performances, {round(study.of_generated.seconds)} s. "
            f"Recorded with a phone: {lengths}. Everything is compared at 30 samples a second.",
            "The recordings are few and special: people who go through the range of what their faces can do, one of "
            "them for a few seconds only. They hold little speech, no meals, no walking and hardly a rest. The "
            "generator is meant to cover all of that, so it must not match them in every figure. The columns that "
            "compare one person with another say how far apart real people are.",
        ),
        (
            figures.weight_levels(everybody),
            figures.speeds(everybody),
            figures.spectra(everybody),
            figures.durations(everybody),
            figures.correlation_matrices(everybody),
            figures.time_courses({"generated": study.generated[0], first: study.recorded[first][0]}),
        ),
        (
            _distance_table(study.compared()),
            _person_table(everybody),
            _shape_table(study.of_generated, study.of_recorded),
        ),
    )


def _distance_table(compared: Mapping[str, Sequence[Distance]]) -> Table:
    columns = list(compared.values())
    rows = [
        (first.name, first.kind, *(_number(column[i].value) for column in columns))
        for i, first in enumerate(columns[0])
    ]
    caption = (
        "Distances: a ratio of 1 or a distance of 0 is no difference. Ratios are medians over the shapes of the skin."
    )
    return Table(caption, ("figure", "kind", *compared), rows)


def _person_table(everybody: Mapping[str, MotionStatistics]) -> Table:
    rows = [
        ("length, s", *(f"{s.seconds:.0f}" for s in everybody.values())),
        ("blinks a minute", *(f"{s.blinks_per_min:.1f}" for s in everybody.values())),
        (
            "blink at half depth, median, s",
            *(_number(float(np.median(s.blink_s)) if len(s.blink_s) else np.nan) for s in everybody.values()),
        ),
        ("head, angular rate, rms, deg/s", *(_number(s.head_deg_s) for s in everybody.values())),
        ("head, share of time above 6 deg/s", *(_number(s.head_turning) for s in everybody.values())),
        ("left-right correlation, median", *(_number(float(np.median(s.left_right))) for s in everybody.values())),
    ]
    return Table("Blinks, sides and head", ("figure", *everybody), rows)


def _shape_table(generated: MotionStatistics, recorded: Mapping[str, MotionStatistics]) -> Table:
    people = {"generated": generated, **recorded}
    header = ["shape"]
    for name in people:
        header += [f"{name}: mean", "above 0.3", "events/min", "event, s", "speed 95 %, 1/s", "95 % Hz"]
    rows = []
    for i, shape in enumerate(arkit.BLENDSHAPES):
        row = [shape]
        for s in people.values():
            event = float(np.median(s.event_s[i])) if len(s.event_s[i]) else np.nan
            figures_of = (s.mean[i], s.strong[i], s.events_per_min[i], event, s.speed[2][i], s.edge_hz[i])
            row += [_number(float(value)) for value in figures_of]
        rows.append(row)
    return Table("All shapes", header, rows, folded=True)


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.2f}"

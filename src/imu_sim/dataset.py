"""Many recordings: recorded takes and generated performances, each on several wearers, computed in parallel."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from face_model.family import FaceFamily
from face_model.layout import SensorLayout
from imu_sim.generator import generate
from imu_sim.livelink import read_livelink
from imu_sim.motion import FaceMotion
from imu_sim.parts import SensorPart, load_part
from imu_sim.simulate import simulate
from imu_sim.wearer import nominal_wearer, random_wearer

Progress = Callable[[int, int], None]
"""Called with recordings done and recordings in all."""

_TAKE_S = 60.0
"""Length of a generated performance, s."""


@dataclass(frozen=True)
class DatasetSettings:
    """What is shared by all recordings of a data set.

    Attributes:
        family: whose people wear the sensors.
        layout: which sensors sit where.
        part: what the units are.
        rate_hz: samples per second.
        vary: mirror half of the recorded takes and stretch their time by up to 15 %, differently for each wearer.
    """

    family: FaceFamily
    layout: SensorLayout
    part: SensorPart = field(default_factory=load_part)
    rate_hz: float = 100.0
    vary: bool = True


@dataclass(frozen=True)
class _Job:
    path: Path
    source: FaceMotion | None
    """None: a generated performance."""
    duration_s: float
    wearer_seed: int | None
    seed: int


def build_dataset(
    out_dir: Path,
    sources: Sequence[Path | FaceMotion],
    settings: DatasetSettings,
    *,
    wearers: int,
    seconds: float = 0.0,
    seed: int = 0,
    workers: int = 1,
    on_progress: Progress | None = None,
) -> list[Path]:
    """Simulate and save recordings as .npz files.

    Args:
        out_dir: made if absent; files of an earlier call with the same names are replaced.
        sources: Live Link CSV files or motions; each is worn by every wearer.
        settings: people, layout, sensors, rate.
        wearers: how many random wearers; 0 means the nominal one only.
        seconds: generated motion for each wearer, s, on top of the sources.
        seed: of wearers, performances and noise; the same seed gives the same files, whatever `workers` is.
        workers: processes; 1 computes in this one.
        on_progress: told after every recording.

    Returns:
        The files, in a fixed order.

    Raises:
        LiveLinkError: a source cannot be used.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    motions = [s if isinstance(s, FaceMotion) else read_livelink(s, seed=seed)[0] for s in sources]
    jobs = list(_jobs(out_dir, motions, wearers, seconds, seed))
    for done, _ in enumerate(_run(jobs, settings, workers), start=1):
        if on_progress is not None:
            on_progress(done, len(jobs))
    return [job.path for job in jobs]


def _jobs(out_dir: Path, motions: list[FaceMotion], wearers: int, seconds: float, seed: int) -> Iterator[_Job]:
    rng = np.random.default_rng([seed, 0xDA7A])
    for index in range(max(1, wearers)):
        who = None if wearers == 0 else int(rng.integers(2**31))
        for motion in motions:
            path = out_dir / f"w{index:03d}_{motion.person}_{motion.name}.npz"
            yield _Job(path, motion, motion.duration_s, who, int(rng.integers(2**31)))
        takes = int(np.ceil(seconds / _TAKE_S))
        for take in range(takes):
            path = out_dir / f"w{index:03d}_generated_{take:03d}.npz"
            yield _Job(path, None, seconds / takes, who, int(rng.integers(2**31)))


def _run(jobs: list[_Job], settings: DatasetSettings, workers: int) -> Iterator[None]:
    if workers <= 1:
        for job in jobs:
            _simulate_one(job, settings)
            yield
        return
    # Spawned, not forked: a fork of a process with threads may hang, and forked workers share open files.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_remember, initargs=(settings,))
    try:
        yield from pool.map(_simulate_job, jobs)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_SETTINGS: list[DatasetSettings] = []
"""Of this worker process: sent once, since a rig is large."""


def _remember(settings: DatasetSettings) -> None:
    _SETTINGS[:] = [settings]


def _simulate_job(job: _Job) -> None:
    _simulate_one(job, _SETTINGS[0])


def _simulate_one(job: _Job, settings: DatasetSettings) -> None:
    rng = np.random.default_rng([job.seed, 0x1])
    layout = settings.layout
    if job.source is None:
        motion = generate(job.seed, job.duration_s)
    else:
        motion = _varied(job.source, rng) if settings.vary else job.source
    family, who = settings.family, job.wearer_seed
    wearer = nominal_wearer(family.typical(), layout) if who is None else random_wearer(family, layout, who)
    recording = simulate(motion, wearer, layout, settings.part, settings.rate_hz, job.seed)
    # Under another name until complete: a run that is interrupted leaves no broken recording behind.
    partial = job.path.with_name(f".{job.path.name}")
    recording.save(partial)
    partial.replace(job.path)


def _varied(motion: FaceMotion, rng: np.random.Generator) -> FaceMotion:
    if rng.random() < 0.5:
        motion = motion.mirrored()
    return replace(motion, rate_hz=motion.rate_hz * float(rng.uniform(1.0 / 1.15, 1.15)))

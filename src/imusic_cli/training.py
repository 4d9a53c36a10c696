"""Training and scoring the shipped model: the one place where the simulator's takes meet the estimator's training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from face_inference.errors import TrainingError
from face_inference.mounts import NominalMounts
from face_inference.training.config import TrainConfig, load_train_config
from face_inference.training.train import Trained, train_model
from face_model.head import build_head
from face_model.layout import load_layout
from face_model.share import share_dir
from face_model.warp import WarpedFamily
from imu_sim.dataset import DatasetSettings, build_dataset
from imu_sim.livelink import read_livelink
from imu_sim.motion import FaceMotion
from imu_sim.server import RECORDED_REST_S

Progress = Callable[[float, str], None]
"""Called with the share done of a stage and one line."""


@dataclass(frozen=True)
class DataPlan:
    """Section `data` of config/train.yaml: which takes are made.

    Attributes:
        recorded: Live Link CSV files to train on; left out where absent.
        recorded_wearers: random wearers for each of them.
        generated_wearers: random wearers of generated performances.
        generated_s: length of each one's performance.
        validation_wearers: further wearers of generated performances, to fit the confidence.
        held_out: Live Link CSV files of other people, to score the model; left out where absent.
        held_out_wearers: wearers for each of them, none seen in training.
        seed: of wearers, performances and noise.
    """

    recorded: list[str] = field(default_factory=list)
    recorded_wearers: int = 20
    generated_wearers: int = 60
    generated_s: float = 90.0
    validation_wearers: int = 8
    held_out: list[str] = field(default_factory=list)
    held_out_wearers: int = 6
    seed: int = 1


@dataclass(frozen=True)
class Takes:
    """Recording files, by what they are for."""

    training: tuple[Path, ...]
    validation: tuple[Path, ...]
    held_out: tuple[Path, ...]


def train_shipped_model(
    config_path: Path | None = None,
    recorded_dir: Path | None = None,
    work_dir: Path = Path("runs/imusic_gru"),
    models_dir: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Trained:
    """Make takes, train, write the model folder, score it: everything from config/train.yaml.

    Args:
        config_path: by default the shipped `config/train.yaml`.
        recorded_dir: folder of the Live Link CSV files that the configuration names.
        work_dir: takes, run record, checkpoint; what is there is used: remove it after a change of the rig.
        models_dir: by default `models/` of the checkout.
        workers: processes for the simulation.
        progress: called with the share done of the current stage and one line.

    Raises:
        TrainingError: configuration or data cannot be used.
    """
    config = load_train_config(config_path or share_dir() / "config" / "train.yaml")
    rig, layout = build_head(), load_layout("face_12")
    takes = make_takes(config, recorded_dir, work_dir / "takes", workers, progress)
    licences = {"recorded motion": "MIT"} if recorded_dir is not None else {}
    return train_model(
        config,
        takes.training,
        NominalMounts.on_rig(rig, layout),
        work_dir / "run",
        models_dir or share_dir() / "models",
        validation=takes.validation,
        held_out=takes.held_out,
        rig=rig,
        licences={"model": "Apache-2.0", **licences},
        progress=progress,
    )


def make_takes(
    config: TrainConfig, recorded_dir: Path | None, out_dir: Path, workers: int, progress: Progress | None
) -> Takes:
    """Simulated takes of `config.data`, unless `out_dir` holds them already.

    Raises:
        TrainingError: the section `data` has an unknown key.
    """
    plan = plan_from(config)
    settings = DatasetSettings(WarpedFamily(build_head()), load_layout("face_12"), rate_hz=config.rate_hz)
    recorded, held_out = (_present(recorded_dir, names, plan.seed) for names in (plan.recorded, plan.held_out))
    stages: list[tuple[str, Sequence[FaceMotion], int, float, int, DatasetSettings]] = [
        ("recorded", recorded, plan.recorded_wearers if recorded else 0, 0.0, 0, settings),
        ("generated", [], plan.generated_wearers, plan.generated_s, 1, settings),
        ("validation", [], plan.validation_wearers, plan.generated_s, 2, settings),
        # Held-out takes are played as they were recorded.
        ("held_out", held_out, plan.held_out_wearers if held_out else 0, 0.0, 3, replace(settings, vary=False)),
    ]
    made: dict[str, tuple[Path, ...]] = {}
    for name, sources, wearers, seconds, offset, how in stages:
        folder = out_dir / name
        complete = folder / ".complete"
        if wearers and not complete.is_file():
            build_dataset(
                folder, sources, how, wearers=wearers, seconds=seconds, seed=4 * plan.seed + offset, workers=workers,
                on_progress=_reporter(progress, f"simulating takes: {name}"),
            )  # fmt: skip
            complete.touch()
        made[name] = tuple(sorted(folder.glob("*.npz")))
    return Takes(made["recorded"] + made["generated"], made["validation"], made["held_out"])


def plan_from(config: TrainConfig) -> DataPlan:
    """Section `data` of a training configuration.

    Raises:
        TrainingError: an unknown key.
    """
    known = {f.name for f in fields(DataPlan)}
    unknown = sorted(set(config.data) - known)
    if unknown:
        raise TrainingError(f"expected keys of `data` among {', '.join(sorted(known))}, found {', '.join(unknown)}")
    values: dict[str, Any] = dict(config.data)
    return DataPlan(**values)


def _present(folder: Path | None, names: Sequence[str], seed: int) -> list[FaceMotion]:
    """Recorded takes between two rests: hardly any holds a relaxed face from which it could be calibrated."""
    paths = [] if folder is None else [folder / name for name in names if (folder / name).is_file()]
    return [read_livelink(path, seed=seed)[0].faded(rest_s=RECORDED_REST_S) for path in paths]


def _reporter(progress: Progress | None, line: str) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, total: progress(done / total, line)

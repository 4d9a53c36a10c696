"""Training and scoring the shipped model: the one place where the simulator's takes meet the estimator's training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from face_inference.errors import TrainingError
from face_inference.mounts import NominalMounts
from face_inference.training.config import TrainConfig, load_train_config
from face_inference.training.train import Trained, train_model
from face_model.faces import load_rig
from face_model.layout import load_layout
from face_model.shards import ShardedDataset
from face_model.shards.manifest import MANIFEST_FILE
from face_model.share import share_dir
from imu_sim.dataset import Done, build_dataset, load_recipe

Progress = Callable[[float, str], None]
"""Called with the share done of a stage and one line."""


def train_shipped_model(
    config_path: Path | None = None,
    recorded_dir: Path | None = None,
    work_dir: Path = Path("runs/imusic_gru"),
    models_dir: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Trained:
    """Build the data set, train, write the model folder, score it: everything from config/train.yaml.

    Args:
        config_path: by default the shipped `config/train.yaml`.
        recorded_dir: folder of the Live Link CSV files that the recipe names.
        work_dir: data set, features, run record, checkpoint; an interrupted run goes on from there.
        models_dir: by default `models/` of the checkout.
        workers: processes for the simulation.
        progress: called with the share done of the current stage and one line.

    Raises:
        TrainingError: configuration or data cannot be used.
        ImuSimError: the data set cannot be built.
    """
    config = load_train_config(config_path or share_dir() / "config" / "train.yaml")
    rig, layout = load_rig(), load_layout("face_12")
    return train_model(
        config,
        data_of(config, recorded_dir, work_dir / "data", workers, progress),
        NominalMounts.on_rig(rig, layout),
        work_dir / "run",
        models_dir or share_dir() / "models",
        rig=rig,
        licences={"model": "Apache-2.0"},
        progress=progress,
    )


def data_of(
    config: TrainConfig, recorded_dir: Path | None, folder: Path, workers: int, progress: Progress | None = None
) -> ShardedDataset:
    """The data set that `config.data` names: opened where it is built already, else built in `folder`.

    Raises:
        TrainingError: the recipe makes takes of another rate than the model's.
        ImuSimError: there is no such recipe, or it cannot be built.
        FaceModelError: the data set is damaged.
    """
    if (Path(config.data) / MANIFEST_FILE).is_file():
        return ShardedDataset.open(config.data)
    recipe = load_recipe(config.data)
    if recipe.hub.rate_hz != config.rate_hz:
        raise TrainingError(
            f"expected a data set of {config.rate_hz} Hz, found {recipe.hub.rate_hz} Hz in the recipe {config.data}; "
            "change the recipe or the model's rate"
        )

    def report(done: Done) -> None:
        if progress:
            progress(done.seconds / done.of_seconds, f"simulating: take {done.takes} of {done.of_takes}")

    build_dataset(recipe, folder, recorded_dir, workers=workers, on_progress=report)
    return ShardedDataset.open(folder)

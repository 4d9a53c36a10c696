"""Training and scoring the shipped model: the one place where the simulator's takes meet the estimator's training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from face_dataset import Done, build_dataset, load_recipe
from face_dataset.shards import ShardedDataset
from face_dataset.shards.manifest import MANIFEST_FILE
from face_inference.errors import InferenceError
from face_inference.mounts import NominalMounts
from face_model.faces import load_rig
from face_model.layout import load_layout
from face_model.rig import FaceRig
from face_model.share import share_dir
from face_training.config import TrainConfig, load_train_config
from face_training.distributed import joined_processes
from face_training.train import Trained, train_model
from imu_sim.families import load_family

SHIPPED = "imusic"
"""Training of the model that comes with the package."""

_PEOPLE = range(1, 5)
"""Seeds of the people of each family whose surface the geometric losses look at."""

Progress = Callable[[float, str], None]
"""Called with the share done of a stage and one line."""


def train_shipped_model(
    config_name: str | Path = SHIPPED,
    recorded_dir: Path | None = None,
    work_dir: Path | None = None,
    models_dir: Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Trained | None:
    """Build the data set, train, write the model folder, score it: everything from a file of config/train.

    Started by `torchrun`, all processes train together and the first does all the rest.

    Args:
        config_name: name of a file in `config/train`, or a path.
        recorded_dir: folder of the Live Link CSV files that the recipe names.
        work_dir: data set, features, run record, checkpoints; an interrupted run goes on from there. By default
            `runs/` and the model's name.
        models_dir: by default `models/` of the checkout.
        workers: processes for the simulation.
        progress: called with the share done of the current stage and one line.

    Returns:
        None in all processes of a `torchrun` but the first.

    Raises:
        InferenceError: configuration or data cannot be used.
        ImuSimError: the data set cannot be built.
    """
    config = load_train_config(config_name)
    folder = work_dir or Path("runs") / config.name
    with joined_processes(config.device) as processes:
        told = progress if processes.first else None
        data = processes.first_then_all(lambda: data_of(config, recorded_dir, folder / "data", workers, told))
        return train_model(
            config,
            data,
            NominalMounts.on_rig(load_rig(), load_layout("face_12")),
            folder / "run",
            models_dir or share_dir() / "models",
            rigs=faces_of(config, data),
            licences={"model": "Apache-2.0"},
            processes=processes,
            progress=told,
        )


def faces_of(config: TrainConfig, data: ShardedDataset) -> list[FaceRig]:
    """Faces of the geometric losses: the package's own and, where a stage uses them, people like those in the data."""
    faces = [load_rig()]
    if any(stage.geometric for stage in config.stages.values()):
        families = sorted({take.info.family for take in data.split("train") if take.info.family})
        faces += [load_family(family).subject(seed) for family in families for seed in _PEOPLE]
    return faces


def data_of(
    config: TrainConfig, recorded_dir: Path | None, folder: Path, workers: int, progress: Progress | None = None
) -> ShardedDataset:
    """The data set that `config.data` names: opened where it is built already, else built in `folder`.

    Raises:
        InferenceError: the recipe makes takes of another rate than the model's.
        ImuSimError: there is no such recipe, or it cannot be built.
        FaceModelError: the data set is damaged.
    """
    if (Path(config.data) / MANIFEST_FILE).is_file():
        return ShardedDataset.open(config.data)
    recipe = load_recipe(config.data)
    if recipe.hub.rate_hz != config.rate_hz:
        raise InferenceError(
            f"expected a data set of {config.rate_hz} Hz, found {recipe.hub.rate_hz} Hz in the recipe {config.data}; "
            "change the recipe or the model's rate"
        )

    def report(done: Done) -> None:
        if progress:
            progress(done.seconds / done.of_seconds, f"simulating: take {done.takes} of {done.of_takes}")

    build_dataset(recipe, folder, recorded_dir, workers=workers, on_progress=report)
    return ShardedDataset.open(folder)

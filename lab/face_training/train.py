"""The one function behind `imusic train`: takes in, checked model folder out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from face_dataset.shards import ShardedDataset
from face_evaluation import Evaluation
from face_evaluation.states import WearerState
from face_inference.errors import InferenceError
from face_inference.model_folder import Model, load_model
from face_inference.mounts import NominalMounts
from face_model.rig import FaceRig
from face_training.config import StageConfig, TrainConfig
from face_training.distributed import ALONE, Processes
from face_training.loop import Progress
from face_training.model_writing import write_description, write_model
from face_training.networks import FaceNetwork
from face_training.scoring import numbers_of, score_test_split
from face_training.stages import train_network
from face_training.temperature import fit_temperature
from face_training.training_data import Dataset, load_dataset


@dataclass(frozen=True)
class Trained:
    """A shipped model and, if takes were held out, how it did on them, by what was known of the wearer."""

    model: Model
    evaluations: Mapping[WearerState, Evaluation]


def train_model(
    config: TrainConfig,
    data: ShardedDataset,
    mounts: NominalMounts,
    run_dir: Path,
    models_dir: Path,
    rigs: Sequence[FaceRig] = (),
    licences: Mapping[str, Any] | None = None,
    processes: Processes = ALONE,
    progress: Progress | None = None,
) -> Trained | None:
    """Train on a data set, write `models_dir/<name>`, score it on the test split as a live node would run it.

    Args:
        config: from `config/train`.
        data: its training split is trained on, its validation split fits the confidence, its test split is scored.
        mounts: sensors of the model and their nominal poses.
        run_dir: record, log, checkpoints, features; an interrupted run goes on from there.
        models_dir: where the model folder is written, and those of the stages that `config.export` names.
        rigs: faces of the geometric losses; the first also scores in millimetres.
        licences: of the model, for its card; those of the data are added.
        processes: that train together.
        progress: called with the share done of the current stage and one line.

    Returns:
        None in all processes but the first.

    Raises:
        InferenceError: data or configuration cannot be used, or a person is on both sides.
        DatasetError: the data set is damaged.
    """
    tests = data.split("test")
    both = {t.info.person for t in tests} & {t.info.person for t in data if t.info.split != "test"}
    if both:
        raise InferenceError(f"expected held-out people to be unseen, found {', '.join(sorted(both))} on both sides")
    dataset = processes.first_then_all(lambda: load_dataset(config, data, mounts, run_dir / "features", progress))
    networks = train_network(config, dataset, run_dir, rigs, processes, progress, data_set=described(data))
    if not processes.first:
        return None
    told = dict(licences or {}) | {f"motion {source}": licence for source, licence in data.manifest.licences.items()}
    shipping = _Shipping(config, dataset, mounts, models_dir, _told(config, dataset, data), told)
    for stage in config.export:
        shipping.ship(networks[stage], f"{config.name}_{stage}", stage)
    *_, last = networks
    folder = shipping.ship(networks[last], config.name, last)
    model = load_model(folder)
    if not tests:
        return Trained(model, {})
    evaluations = score_test_split(model, data, rigs[0] if rigs else None)
    numbers = dict(model.description.numbers) | numbers_of(evaluations)
    write_description(replace(model.description, numbers=numbers), folder)
    return Trained(load_model(folder), evaluations)


@dataclass(frozen=True)
class _Shipping:
    """What all model folders of a training have in common."""

    config: TrainConfig
    dataset: Dataset
    mounts: NominalMounts
    models_dir: Path
    training: Mapping[str, Any]
    licences: Mapping[str, Any]

    def ship(self, network: FaceNetwork, name: str, stage: str) -> Path:
        """Fit the confidence of a stage's result and write its folder."""
        confidence = fit_temperature(network, self.dataset.validation, self.config.interval_coverage)
        network.cpu()
        folder = self.models_dir / name
        stages = list(self.config.stages)
        told = dict(self.training)
        told["stages"] = {done: told["stages"][done] for done in stages[: stages.index(stage) + 1]}
        config = replace(self.config, name=name)
        numbers = {"confidence": confidence}
        write_model(network, self.mounts, config, folder, told, self.licences, numbers, self.dataset.prior)
        return folder


def described(data: ShardedDataset) -> dict[str, Any]:
    """What a run's record says about its data set, so that it can be built again."""
    manifest = data.manifest
    return {
        "name": manifest.name,
        "recipe": dict(manifest.recipe),
        "inputs": dict(manifest.inputs),
        "versions": dict(manifest.versions),
    }


def _told(config: TrainConfig, dataset: Dataset, data: ShardedDataset) -> dict[str, Any]:
    ticks = sum(len(take.weights) for take in dataset.training)
    trained = [take.info for take in data if take.info.split != "test"]
    return {
        "takes": len(dataset.training),
        "people": len({take.person for take in dataset.training}),
        "made_up_wearers": sum(len(wearers) - 1 for wearers in dataset.wearers.values()),
        "minutes": round(ticks / config.rate_hz / 60.0, 1),
        "faces": sorted({info.family for info in trained if info.family}),
        "parts": sorted({info.part for info in trained if info.part}),
        "validation_people": len({take.person for take in dataset.validation}),
        "data": data.manifest.name,
        "data_sha256": dataset.sha256,
        "seed": config.seed,
        **({"begun_with": load_model(config.start).description.title} if config.start else {}),
        "states": dict(config.augment.states),
        "stages": {name: _stage_told(stage) for name, stage in config.stages.items()},
        "held_out": sorted({take.info.source for take in data.split("test") if not take.info.is_routine}),
    }


def _stage_told(stage: StageConfig) -> dict[str, Any]:
    """What a stage did, without the weights of losses that it did not use."""
    told = {key: value for key, value in asdict(stage).items() if value not in (0.0, ())}
    if not stage.surface_weight:
        del told["lip_weight"]
    return told | ({"sources": list(stage.sources)} if stage.sources else {})

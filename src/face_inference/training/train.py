"""The one function behind `imusic train`: takes in, checked model folder out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from face_inference.errors import TrainingError
from face_inference.evaluation import HEADLINE, Evaluation, Score, evaluate_model
from face_inference.model_folder import Model, load_model
from face_inference.mounts import NominalMounts
from face_inference.training.confidence import fit_temperature
from face_inference.training.config import TrainConfig
from face_inference.training.dataset import Dataset, load_dataset
from face_inference.training.export import write_description, write_model
from face_inference.training.loop import Progress, train_network
from face_model.rig import FaceRig
from face_model.shards import ShardedDataset


@dataclass(frozen=True)
class Trained:
    """A shipped model and, if takes were held out, how it did on them."""

    model: Model
    evaluation: Evaluation | None


def train_model(
    config: TrainConfig,
    data: ShardedDataset,
    mounts: NominalMounts,
    run_dir: Path,
    models_dir: Path,
    rig: FaceRig | None = None,
    licences: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train on a data set, write `models_dir/<name>`, score it on the test split through the real engine and tracker.

    Args:
        config: from `config/train.yaml`.
        data: its training split is trained on, its validation split fits the confidence, its test split is scored.
        mounts: sensors of the model and their nominal poses.
        run_dir: record, log, checkpoint, features; an interrupted run goes on from there.
        models_dir: where the model folder is written.
        rig: for errors in millimetres.
        licences: of the model, for its card; those of the data are added.
        progress: called with the share done of the current stage and one line.

    Raises:
        TrainingError: data or configuration cannot be used, or a person is on both sides.
        face_model.errors.ShardError: the data set is damaged.
    """
    tests = data.split("test")
    both = {t.info.person for t in tests} & {t.info.person for t in data if t.info.split != "test"}
    if both:
        raise TrainingError(f"expected held-out people to be unseen, found {', '.join(sorted(both))} on both sides")
    dataset = load_dataset(config, data, mounts, run_dir / "features", progress)
    network = train_network(config, dataset, mounts, run_dir, progress, data_set=described(data))
    fit_temperature(network, dataset.validation)
    folder = models_dir / config.name
    told = dict(licences or {}) | {f"motion {source}": licence for source, licence in data.manifest.licences.items()}
    write_model(network, mounts, config, folder, _told(config, dataset, data), told, {})
    model = load_model(folder)
    if not tests:
        return Trained(model, None)
    evaluation = evaluate_model(model, (take.recording() for take in tests), rig)
    description = replace(model.description, numbers=numbers_of(evaluation))
    write_description(description, folder)
    return Trained(load_model(folder), evaluation)


def numbers_of(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as the numbers of a model description."""

    def rounded(score: Score) -> dict[str, Any]:
        content = asdict(score)
        r = content.pop("r")
        numbers: dict[str, Any] = {k: round(v, 4) for k, v in content.items() if v is not None and math.isfinite(v)}
        return numbers | {"r": {name: round(r[name], 3) for name in HEADLINE if name in r}}

    return {
        "overall": rounded(evaluation.overall),
        "people": {person: rounded(score) for person, score in evaluation.people.items()},
    }


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
    ticks = sum(len(take.features) for take in dataset.training)
    trained = [take.info for take in data if take.info.split != "test"]
    return {
        "takes": len(dataset.training),
        "people": len({take.person for take in dataset.training}),
        "minutes": round(ticks / config.rate_hz / 60.0, 1),
        "faces": sorted({info.family for info in trained if info.family}),
        "parts": sorted({info.part for info in trained if info.part}),
        "validation_people": len({take.person for take in dataset.validation}),
        "data": data.manifest.name,
        "data_sha256": dataset.sha256,
        "seed": config.seed,
        "steps": config.steps,
        "network": f"GRU, embedding {config.embedding}, hidden {config.hidden}, layers {config.layers}",
        "held_out": sorted({take.info.source for take in data.split("test")}),
    }

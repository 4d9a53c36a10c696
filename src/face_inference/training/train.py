"""The one function behind `imusic train`: takes in, checked model folder out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from face_inference.engine_choice import create_engine
from face_inference.errors import TrainingError
from face_inference.evaluation import HEADLINE, Evaluation, Score, evaluate
from face_inference.model_folder import Model, load_model
from face_inference.mounts import NominalMounts
from face_inference.tracker import FaceTracker
from face_inference.training.confidence import fit_temperature
from face_inference.training.config import TrainConfig
from face_inference.training.dataset import Dataset, load_dataset
from face_inference.training.export import write_description, write_model
from face_inference.training.loop import Progress, train_network
from face_model.recording import Recording
from face_model.rig import FaceRig


@dataclass(frozen=True)
class Trained:
    """A shipped model and, if takes were held out, how it did on them."""

    model: Model
    evaluation: Evaluation | None


def train_model(
    config: TrainConfig,
    recordings: Sequence[Path],
    mounts: NominalMounts,
    run_dir: Path,
    models_dir: Path,
    validation: Sequence[Path] = (),
    held_out: Sequence[Path] = (),
    rig: FaceRig | None = None,
    licences: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train on `recordings`, write `models_dir/<name>`, score it on `held_out` through the real engine and tracker.

    Args:
        config: from `config/train.yaml`.
        recordings: Recording .npz files to train on.
        mounts: sensors of the model and their nominal poses.
        run_dir: record, log, checkpoint; an interrupted run goes on from there.
        models_dir: where the model folder is written.
        validation: Recording files of other people, to fit the confidence; without, `validation_share` of the people
            in `recordings` is held back for that.
        held_out: Recording files of people that are not in `recordings`.
        rig: for errors in millimetres.
        licences: of the data, for the model card.
        progress: called with the share done of the current stage and one line.

    Raises:
        TrainingError: data or configuration cannot be used, or a person is on both sides.
    """
    dataset = load_dataset(config, recordings, mounts, validation, progress)
    tests = [Recording.load(path) for path in held_out]
    both = {r.person for r in tests} & {take.person for take in (*dataset.training, *dataset.validation)}
    if both:
        raise TrainingError(f"expected held-out people to be unseen, found {', '.join(sorted(both))} on both sides")
    network = train_network(config, dataset, mounts, run_dir, progress)
    fit_temperature(network, dataset.validation)
    folder = models_dir / config.name
    write_model(network, mounts, config, folder, _told(config, dataset), licences or {}, {})
    model = load_model(folder)
    if not tests:
        return Trained(model, None)
    evaluation = evaluate_model(model, tests, rig)
    description = replace(model.description, numbers=numbers_of(evaluation))
    write_description(description, folder)
    return Trained(load_model(folder), evaluation)


def evaluate_model(model: Model, recordings: Sequence[Recording], rig: FaceRig | None) -> Evaluation:
    """Score a model folder on takes as a live node would run it."""

    def tracker() -> FaceTracker:
        engine, _ = create_engine(model)
        return FaceTracker(model.description, engine)

    return evaluate(tracker, recordings, rig)


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


def _told(config: TrainConfig, dataset: Dataset) -> dict[str, Any]:
    ticks = sum(len(take.features) for take in dataset.training)
    return {
        "takes": len(dataset.training),
        "people": len({take.person for take in dataset.training}),
        "minutes": round(ticks / config.rate_hz / 60.0, 1),
        "validation_people": len({take.person for take in dataset.validation}),
        "data_sha256": dataset.sha256,
        "seed": config.seed,
        "steps": config.steps,
        "network": f"GRU, embedding {config.embedding}, hidden {config.hidden}, layers {config.layers}",
        "held_out": list(config.data.get("held_out", [])),
        "data": dict(config.data),
    }

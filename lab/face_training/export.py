"""A trained network as a model folder: weights, graphs, description, model card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from face_inference.model_folder import DESCRIPTION_FILE, FILES, ModelDescription, sha256_of
from face_inference.mounts import NominalMounts
from face_inference.wearer.prior import PRIOR_FILE, Prior
from face_training.card import model_card
from face_training.config import TrainConfig
from face_training.graphs import export_graphs
from face_training.networks.base import FaceNetwork


def write_model(
    network: FaceNetwork,
    mounts: NominalMounts,
    config: TrainConfig,
    folder: Path,
    training: Mapping[str, Any],
    licences: Mapping[str, Any],
    numbers: Mapping[str, Any],
    prior: Prior,
) -> ModelDescription:
    """Write or replace a model folder; an interrupted write leaves the old one."""
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    rings = export_graphs(network, part)
    prior.save(part / PRIOR_FILE)
    description = ModelDescription(
        name=config.name,
        version=config.version,
        rate_hz=config.rate_hz,
        mounts=mounts,
        network=asdict(network.config),
        rings=rings,
        sha256={name: sha256_of(part / name) for name in FILES},
        prior=prior,
        training=training,
        licences=licences,
        numbers=numbers,
    )
    write_description(description, part)
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    return description


def write_description(description: ModelDescription, folder: Path) -> None:
    """Write `model.yaml` and the model card."""
    text = yaml.safe_dump(description.to_config(), sort_keys=False, default_flow_style=None, width=118)
    (folder / DESCRIPTION_FILE).write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(model_card(description), encoding="utf-8")

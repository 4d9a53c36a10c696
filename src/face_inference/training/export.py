"""A trained network as a model folder: ONNX, description, model card."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
import yaml

from face_inference.model_folder import DESCRIPTION_FILE, Graph, ModelDescription, StateTensor, sha256_of
from face_inference.mounts import NominalMounts
from face_inference.networks.base import FaceNetwork
from face_inference.networks.step import SingleStep
from face_inference.training.card import model_card
from face_inference.training.config import TrainConfig
from face_inference.wearer.population import POPULATION_FILE, Population

ONNX_FILE = "model.onnx"
OPSET = 17
"""Read by ONNX Runtime 1.12 and newer, and by TensorRT 8.5 and newer."""


def export_onnx(network: FaceNetwork, path: Path) -> Graph:
    """Write the step form of a network, any architecture; the file is the same for the same weights."""
    step = SingleStep(network).eval()
    shapes = network.state_shapes(1)
    with warnings.catch_warnings():
        # The tracing exporter needs no further package and writes one GRU operator; PyTorch would rather sell the new
        # one. Its other warnings are on sizes that become constants, as they should: every shape is static.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            step,
            step.example(),
            str(path),
            input_names=["inputs", *shapes],
            output_names=["weights", "confidence", *(_following(name) for name in shapes)],
            opset_version=OPSET,
            dynamo=False,
        )
    onnx.checker.check_model(str(path), full_check=True)
    states = tuple(StateTensor(name, _following(name), shape) for name, shape in shapes.items())
    return Graph("inputs", "weights", "confidence", states)


def _following(name: str) -> str:
    return f"next_{name}"


def write_model(
    network: FaceNetwork,
    mounts: NominalMounts,
    config: TrainConfig,
    folder: Path,
    training: Mapping[str, Any],
    licences: Mapping[str, Any],
    numbers: Mapping[str, Any],
    population: Population,
) -> ModelDescription:
    """Write or replace a model folder; an interrupted write leaves the old one."""
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    graph = export_onnx(network, part / ONNX_FILE)
    population.save(part / POPULATION_FILE)
    description = ModelDescription(
        name=config.name,
        version=config.version,
        rate_hz=config.rate_hz,
        mounts=mounts,
        graph=graph,
        onnx_file=ONNX_FILE,
        onnx_sha256=sha256_of(part / ONNX_FILE),
        population=population,
        population_sha256=sha256_of(part / POPULATION_FILE),
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

"""A trained network as a model folder: weights, graphs, description, model card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from face_inference.model_folder import DESCRIPTION_FILE, FILES, ModelDescription, sha256_of
from face_inference.mounts import NominalMounts
from face_inference.wearer.prior import PRIOR_FILE, Prior
from face_training.config import TrainConfig
from face_training.graphs import export_graphs
from face_training.networks.base import FaceNetwork

_LIMITS = (
    "No real IMU and no real skin took part: simulated skin does not slide and glue does not give.",
    "eyeLook*, eyeWide* and tongueOut cannot be seen by skin IMUs; their weights are a prior.",
    "The face must be relaxed during the neutral calibration.",
    "Headings are corrected from how the head turns: with a head that never moves, drift goes uncorrected.",
    "On a face whose skin moves in another way than those trained on, errors are larger than the confidence says; "
    "the guided routine makes up for part of it.",
)


def model_card(description: ModelDescription) -> str:
    """README.md of a model folder, from its description alone."""
    d = description
    training = dict(d.training)
    stages = training.pop("stages", {})
    sections = [
        (f"# {d.title}", _introduction(d)),
        ("## Trained on", _listed(training)),
        *([("## Stages", [_stage(name, done) for name, done in stages.items()])] if stages else []),
        ("## Numbers, on people and wearers the training never saw", _numbers(d.numbers, training.get("held_out", []))),
        *([("## Confidence", _confidence(d.numbers["confidence"]))] if "confidence" in d.numbers else []),
        ("## Limits", [f"- {limit}" for limit in _LIMITS]),
        ("## Licences", _listed(d.licences)),
    ]
    return "\n".join("\n".join([title, "", *lines, ""]) for title, lines in sections)


def _introduction(d: ModelDescription) -> list[str]:
    return [
        f"Face IMU frames to 52 ARKit blendshape weights with confidences, one step per tick at {d.rate_hz:g} Hz.",
        f"Network: {_plainly(d.network)}.",
        f"Sensors, in this order: {', '.join(d.mounts.names)}; reference: {d.mounts.names[d.mounts.reference]}.",
        "`model.yaml` is the description the software reads; this page is made from it.",
    ]


def _listed(content: Mapping[str, Any]) -> list[str]:
    return [f"- {key}: {_plainly(value)}" for key, value in content.items()] or ["- none given"]


def _plainly(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plainly(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plainly(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _stage(name: str, done: Mapping[str, Any]) -> str:
    return f"- {name}: {_plainly(done)}"


def _numbers(numbers: Mapping[str, Any], motion: Sequence[str]) -> list[str]:
    if "states" not in numbers:
        return ["Not evaluated."]
    played = f"; the motion is that of {_plainly(motion)}" if motion else ""
    return [
        f"All IMU signals are simulated{played}. Mean over people. After the 3 s",
        "neutral alone, and after the guided routine.",
        "",
        *_table(numbers["states"]),
    ]


def _confidence(fitted: Mapping[str, Any]) -> list[str]:
    losses = ", ".join(f"{name} {loss:.4f}" for name, loss in fitted["log_loss"].items())
    return [
        "A confidence is the probability that a weight is within 0.1 of the truth. Fitted, one temperature for each",
        "shape, on people the training held out:",
        "",
        f"- claimed on average {fitted['claimed']:.3f}, came true {fitted['within']:.3f}",
        f"- 80 % intervals held {100.0 * fitted['coverage_80']:.1f} % of the weights",
        f"- errors are taken for {fitted['distribution']}; log loss of the event with each distribution: {losses}",
    ]


def _table(states: Mapping[str, Any]) -> list[str]:
    rows = ["| | " + " | ".join(states) + " |", "|---" * (len(states) + 1) + "|"]
    keys = dict.fromkeys(key for found in states.values() for key in found if key != "r")
    rows += [f"| {key} | " + " | ".join(_number(found.get(key)) for found in states.values()) + " |" for key in keys]
    shapes = dict.fromkeys(name for found in states.values() for name in found.get("r", {}))
    rows += [
        f"| r {n} | " + " | ".join(_number(found.get("r", {}).get(n)) for found in states.values()) + " |"
        for n in shapes
    ]
    return rows


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.3f}"


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
    # A folder cannot be renamed onto one that holds something: the old model goes when the new one is in its place.
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    part.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
    return description


def write_description(description: ModelDescription, folder: Path) -> None:
    """Write `model.yaml` and the model card."""
    text = yaml.safe_dump(description.to_config(), sort_keys=False, default_flow_style=None, width=118)
    (folder / DESCRIPTION_FILE).write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(model_card(description), encoding="utf-8")

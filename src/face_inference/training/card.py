"""The model card: what a model is, what it was trained on, how good it is, in words a person reads first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from face_inference.model_folder import ModelDescription


def model_card(description: ModelDescription) -> str:
    """README.md of a model folder, from its description alone."""
    d = description
    numbers = d.numbers
    lines = [
        f"# {d.title}",
        "",
        f"Face IMU frames to 52 ARKit blendshape weights with confidences, one step per tick at {d.rate_hz:g} Hz.",
        f"Sensors, in this order: {', '.join(d.mounts.names)}; reference: {d.mounts.names[d.mounts.reference]}.",
        "`model.yaml` is the description the software reads; this page is made from it.",
        "",
        "## Trained on",
        "",
        *_listed(d.training),
        "",
        "## Numbers, on people and wearers the training never saw",
        "",
    ]
    if "overall" in numbers:
        lines += ["All IMU signals are simulated; the facial motion is recorded. Mean over people.", ""]
        lines += _table(numbers)
    else:
        lines.append("Not evaluated.")
    lines += [
        "",
        "## Limits",
        "",
        "- No real IMU and no real skin took part: simulated skin does not slide and glue does not give.",
        "- eyeLook*, eyeWide* and tongueOut cannot be seen by skin IMUs; their weights are a prior.",
        "- The face must be relaxed during the neutral calibration; heading drift is tolerated, not corrected.",
        "",
        "## Licences",
        "",
        *_listed(d.licences),
        "",
    ]
    return "\n".join(lines)


def _listed(content: Mapping[str, Any]) -> list[str]:
    return [f"- {key}: {value}" for key, value in content.items()] or ["- none given"]


def _table(numbers: Mapping[str, Any]) -> list[str]:
    columns = {"mean": numbers["overall"], **numbers.get("people", {})}
    rows = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    keys = [key for key in numbers["overall"] if key != "r"]
    rows += [f"| {key} | " + " | ".join(_number(c.get(key)) for c in columns.values()) + " |" for key in keys]
    shapes = numbers["overall"].get("r", {})
    rows += [
        f"| r {n} | " + " | ".join(_number(c.get("r", {}).get(n)) for c in columns.values()) + " |" for n in shapes
    ]
    return rows


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.3f}"

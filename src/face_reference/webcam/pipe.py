"""What the webcam's process tells the one that started it: one JSON object a line, over a pipe."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_model import arkit

MOST_BYTES = 16384
"""Longest line; one has 700."""


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        number: counted by the process.
        taken_s: on the machine's monotonic clock.
        weights: (52,), None without a face.
        head: quaternion, None where unknown.
    """

    number: int
    taken_s: float
    weights: NDArray[np.float32] | None
    head: tuple[float, float, float, float] | None


def line_of(picture: Picture) -> bytes:
    """As a line."""
    content: dict[str, Any] = {"number": picture.number, "taken_s": picture.taken_s}
    if picture.weights is not None:
        content["weights"] = [round(float(weight), 5) for weight in picture.weights]
    if picture.head is not None:
        content["head"] = [round(value, 6) for value in picture.head]
    return json.dumps(content).encode() + b"\n"


def picture_of(line: bytes) -> Picture:
    """From a line.

    Raises:
        ValueError: it is none.
    """
    content = json.loads(line)
    weights = content.get("weights")
    values = None if weights is None else np.array(weights, dtype=np.float32)
    if values is not None and (values.shape != (arkit.COUNT,) or not np.isfinite(values).all()):
        raise ValueError(f"expected {arkit.COUNT} weights, found {values.shape}")
    head = content.get("head")
    turned = None if head is None else (float(head[0]), float(head[1]), float(head[2]), float(head[3]))
    taken_s = float(content["taken_s"])
    if not math.isfinite(taken_s):
        raise ValueError("expected a time")
    return Picture(int(content["number"]), taken_s, values, turned)

"""A take as a VRM animation: its expressions and its head's turns, for any VRM model.

Format: https://github.com/vrm-c/vrm-specification, VRMC_vrm_animation 1.0: a glTF of nodes, of which some are bones and
some expressions, whose weight is the x of their translation. Looks may not be among them. The bones that VRM requires
are there in T-pose; the head's alone moves. Custom expressions of the 52 ARKit names follow the presets, for models
that have them ("Perfect Sync"): a player drives those that a model has.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_recording.takes.errors import TakeError
from face_recording.takes.glb_file import head_rotation
from face_recording.takes.take import Take
from face_retarget.vrm import LOOKS, expressions

FLOAT: Final = 5126
Bone = tuple[str, tuple[float, float, float]]


def _limbs(side: str, left: float) -> dict[str, Bone]:
    return {
        f"{side}UpperLeg": ("hips", (left * 0.09, -0.05, 0.0)),
        f"{side}LowerLeg": (f"{side}UpperLeg", (0.0, -0.42, 0.0)),
        f"{side}Foot": (f"{side}LowerLeg", (0.0, -0.4, 0.0)),
        f"{side}UpperArm": ("spine", (left * 0.17, 0.38, 0.0)),
        f"{side}LowerArm": (f"{side}UpperArm", (left * 0.26, 0.0, 0.0)),
        f"{side}Hand": (f"{side}LowerArm", (left * 0.25, 0.0, 0.0)),
    }


BONES: Final[dict[str, Bone]] = {
    "hips": ("", (0.0, 0.95, 0.0)),
    "spine": ("hips", (0.0, 0.1, 0.0)),
    "head": ("spine", (0.0, 0.5, 0.0)),
    **_limbs("left", 1.0),
    **_limbs("right", -1.0),
}
"""Bone, its parent, and where it is in that, m; y up, z ahead, x to the left. A guess of a grown person's."""


def write_vrma(take: Take, path: Path) -> None:
    """Write a take to exactly this path.

    Raises:
        TakeError: there is no face.
    """
    take, times = take.rising()
    if not len(take):
        raise TakeError("expected a face or more for a VRM animation, found none in this take")
    rows = [expressions(row) for row in take.weights]
    preset = {name: np.array([row[name] for row in rows]) for name in rows[0] if name not in (*LOOKS, "neutral")}
    custom = dict(zip(arkit.BLENDSHAPES, np.clip(np.nan_to_num(take.weights.T), 0.0, 1.0), strict=True))
    path.write_bytes(_glb(*_content(take, times, preset, custom)))


def _content(
    take: Take, times: NDArray[np.float32], preset: dict[str, NDArray[Any]], custom: dict[str, NDArray[Any]]
) -> tuple[dict[str, Any], bytes]:
    blob = bytearray()
    views: list[dict[str, Any]] = []
    accessors: list[dict[str, Any]] = []

    def accessor(values: NDArray[Any]) -> int:
        array = np.ascontiguousarray(values, dtype="<f4")
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": array.nbytes})
        blob.extend(array.tobytes())
        kind = "SCALAR" if array.ndim == 1 else f"VEC{array.shape[1]}"
        entry = {"bufferView": len(views) - 1, "componentType": FLOAT, "count": len(array), "type": kind}
        if array.ndim == 1:
            entry |= {"min": [float(array.min())], "max": [float(array.max())]}
        accessors.append(entry)
        return len(accessors) - 1

    bones = list(BONES)
    nodes: list[dict[str, Any]] = [
        {"name": name, "translation": list(place)}
        | ({"children": children} if (children := [i for i, n in enumerate(bones) if BONES[n][0] == name]) else {})
        for name, (_, place) in BONES.items()
    ]
    moments = accessor(times)
    samplers = [{"input": moments, "output": accessor(head_rotation(take.head_orientation)), "interpolation": "LINEAR"}]
    channels = [{"sampler": 0, "target": {"node": bones.index("head"), "path": "rotation"}}]
    told: dict[str, dict[str, dict[str, int]]] = {"preset": {}, "custom": {}}
    for kind, group in (("preset", preset), ("custom", custom)):
        for name, values in group.items():
            told[kind][name] = {"node": len(nodes)}
            channels.append({"sampler": len(samplers), "target": {"node": len(nodes), "path": "translation"}})
            along = np.stack([values, np.zeros(len(values)), np.zeros(len(values))], axis=1)
            samplers.append({"input": moments, "output": accessor(along), "interpolation": "LINEAR"})
            nodes.append({"name": name})
    roots = [bones.index("hips"), *range(len(bones), len(nodes))]
    content = {
        "asset": {"version": "2.0", "generator": "imusic"},
        "extensionsUsed": ["VRMC_vrm_animation"],
        "scene": 0,
        "scenes": [{"nodes": roots}],
        "nodes": nodes,
        "animations": [{"name": take.name or "take", "samplers": samplers, "channels": channels}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(blob)}],
        "extensions": {
            "VRMC_vrm_animation": {
                "specVersion": "1.0",
                "humanoid": {"humanBones": {name: {"node": i} for i, name in enumerate(bones)}},
                "expressions": told,
            }
        },
    }
    return content, bytes(blob)


def _glb(content: dict[str, Any], blob: bytes) -> bytes:
    """Header, JSON and binary chunk, each padded to four bytes: glTF 2.0, section 4.4."""
    text = json.dumps(content, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    blob += b"\0" * (-len(blob) % 4)
    whole = 12 + 8 + len(text) + 8 + len(blob)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(blob), b"BIN\0") + blob
    return struct.pack("<4sII", b"glTF", 2, whole) + chunks

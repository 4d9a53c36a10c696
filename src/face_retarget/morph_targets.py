"""Which weight drives which morph target of somebody's own glTF or VRM file, whatever its tool called them.

Spellings are those that rigs are read with (`face_model.rigs.names`): `eyeBlinkLeft`, `eyeBlink_L`, `EyeBlinkLeft`,
`A14_Eye_Blink_Left`, `Head|jawOpen`, and VRM's custom expressions. Who draws a face of their own needs no more than
this list; `imusic rig check` says more of a rig, and `imusic takes export --to glb --rig FILE` animates one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.rigs.accessors import DAMAGE
from face_model.rigs.gltf_names import target_names
from face_model.rigs.names import match
from face_retarget.errors import RetargetError
from face_retarget.weights_row import weights_row


@dataclass(frozen=True)
class Driver:
    """A morph target.

    Attributes:
        mesh: its name, or its number.
        target: number of the morph target in the mesh.
        name: of the target in the file; empty where it has none.
        shape: ARKit blendshape that drives it; empty: none.
        half: whether it is one half, left or right, of a midline shape: the same weight drives both.
    """

    mesh: str
    target: int
    name: str
    shape: str
    half: bool = False

    def content(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def drivers(names: Sequence[str], mesh: str = "") -> list[Driver]:
    """Which weight drives which target, by the targets' names."""
    found = []
    for target, name in enumerate(names):
        meant = match(name)
        found.append(Driver(mesh, target, name, meant.shape if meant else "", bool(meant and meant.half)))
    return found


def drivers_of(path: Path) -> list[Driver]:
    """All morph targets of a glTF, GLB or VRM file, mesh by mesh.

    Raises:
        RetargetError: it is no such file, or has no morph target.
    """
    try:
        import pygltflib
    except ModuleNotFoundError as error:
        raise RetargetError(f"glTF files need pygltflib, found: {error}; pip install 'pygltflib>=1.16'") from error
    if path.suffix.lower() not in (".glb", ".gltf", ".vrm") or not path.is_file():
        raise RetargetError(f"expected a .glb, .gltf or .vrm file, found none at {path}; give its path")
    try:
        # A .vrm is a GLB; its kind is told by the first bytes.
        binary = path.read_bytes()[:4] == b"glTF"
        content = pygltflib.GLTF2().load_binary(str(path)) if binary else pygltflib.GLTF2().load_json(str(path))
        found = []
        for i, mesh in enumerate(content.meshes):
            first = max(mesh.primitives, key=lambda primitive: len(primitive.targets or []))
            names = target_names(content, i, first, len(first.targets or []))
            found += drivers([name or "" for name in names], mesh.name or str(i))
    except (OSError, *DAMAGE) as error:
        raise RetargetError(f"expected a glTF file at {path}, found: {error!r}; export it anew") from error
    if not found:
        raise RetargetError(f"expected morph targets in {path}, found none; export the model with its shape keys")
    return found


def influences(found: Sequence[Driver], weights: Sequence[float] | NDArray[np.floating]) -> Mapping[str, list[float]]:
    """Influence of each target at these weights, in order, by mesh; targets that nothing drives are 0.

    Raises:
        ValueError: not 52 weights.
    """
    row = weights_row(weights)
    told: dict[str, list[float]] = {}
    for driver in found:
        told.setdefault(driver.mesh, []).append(float(row[arkit.INDEX[driver.shape]]) if driver.shape else 0.0)
    return told

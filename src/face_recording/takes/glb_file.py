"""A take as a GLB file: a rig with its 52 ARKit morph targets, and an animation of them and of the head's rotation.

One mesh, one primitive for each part of the face, all with the same named targets, so that one channel moves them all:
Blender, three.js, Unreal and Unity read that. Axes are glTF's: y up, z out of the face, metres. Weights are the
recorded float32, bit for bit, at times in s since the first face (float32: at ten minutes exact to 0.03 ms).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.frames import to_graphics
from face_model.rig import FaceRig, activations
from face_model.rigs.srgb import linear
from face_recording.takes.errors import TakeError
from face_recording.takes.take import TEXTS, Take
from face_viz.relief import vertex_normals

FLOAT, UNSIGNED_INT = 5126, 5125
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
ROUGHNESS: Final = {"eye": 0.12, "cornea": 0.05, "teeth": 0.3, "tooth": 0.3, "tongue": 0.45, "mouth": 0.6, "brow": 0.9}
"""By the start of a part's name; a matter of taste, as is skin's."""
SKIN_ROUGHNESS: Final = 0.62
HEAD_NODE: Final = "head"
_TYPES = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}


def write_glb_take(take: Take, rig: FaceRig, path: Path, correctives: bool = False) -> None:
    """Write a take on a rig to exactly this path.

    Args:
        take: one face or more.
        rig: that it moves.
        path: of the file.
        correctives: also write what a rig adds to a weighted sum, as targets named `corrective ...` after the 52: lids
            then slide over the eyeball, in tools that play the animation as it is.

    Raises:
        TakeError: there is no face, or the library is missing.
    """
    take, times = take.rising()
    if not len(take):
        raise TakeError("expected a face or more for a GLB, found none in this take")
    weights = np.nan_to_num(take.weights)  # glTF forbids what is no number
    names = list(arkit.BLENDSHAPES)
    deltas = rig.deltas
    if correctives:
        names += [f"corrective {' '.join(arkit.BLENDSHAPES[k] for k in dict.fromkeys(pair))}" for pair in rig.pairs]
        deltas, weights = rig.displacements, np.asarray(activations(weights, rig.pairs), dtype=np.float32)
    writer = _Writer(_gltf())
    writer.mesh(rig, deltas, names)
    writer.animate(take, times, weights)
    writer.save(path)


@dataclass(frozen=True)
class GlbClip:
    """The animation of a GLB file.

    Attributes:
        names: of the `K` morph targets.
        times_s: (N,) float32.
        weights: (N, K) float32.
        rotation: (N, 4) float32, x, y, z, w of the head's node, in glTF's axes.
    """

    names: tuple[str, ...]
    times_s: NDArray[np.float32]
    weights: NDArray[np.float32]
    rotation: NDArray[np.float32]


def read_glb_clip(path: Path) -> GlbClip:
    """The animation that `write_glb_take` wrote.

    Raises:
        TakeError: it did not, or the file is damaged.
    """
    gltf = _gltf()
    try:
        content = gltf.GLTF2().load_binary(str(path))
        blob = content.binary_blob()
        animation = content.animations[0]

        def values(index: int) -> NDArray[np.float32]:
            accessor = content.accessors[index]
            view = content.bufferViews[accessor.bufferView]
            width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor.type]
            array = np.frombuffer(blob, "<f4", accessor.count * width, view.byteOffset + (accessor.byteOffset or 0))
            return array.reshape(-1, width) if width > 1 else array

        of = {channel.target.path: animation.samplers[channel.sampler] for channel in animation.channels}
        names = tuple(content.meshes[0].extras["targetNames"])
        return GlbClip(
            names,
            values(of["weights"].input),
            values(of["weights"].output).reshape(-1, len(names)),
            values(of["rotation"].output),
        )
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, struct.error) as error:
        raise TakeError(f"expected a GLB that `imusic takes export` wrote in {path}, found: {error!r}") from error


def head_rotation(orientation: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, 4) `face_head` to earth as unit quaternions in glTF's axes, without jumps from q to -q."""
    length = np.linalg.norm(orientation, axis=1, keepdims=True)
    sound = np.isfinite(length) & (length > 1e-6)
    q = np.where(sound, orientation / np.where(sound, length, 1.0), [0.0, 0.0, 0.0, 1.0])
    flips = np.concatenate([[1.0], np.where(np.sum(q[1:] * q[:-1], axis=1) < 0.0, -1.0, 1.0)])
    q = q * np.cumprod(flips)[:, None]
    # The axes change places in a cycle, which is a rotation: so do the quaternion's.
    return np.concatenate([to_graphics(q[:, :3]), q[:, 3:]], axis=1).astype(np.float32)


def _gltf() -> Any:
    try:
        import pygltflib
    except ImportError as error:
        raise TakeError(f"GLB needs pygltflib, found: {error}; pip install 'pygltflib>=1.16'") from error
    return pygltflib


class _Writer:
    """Collects accessors and what refers to them."""

    def __init__(self, gltf: Any) -> None:
        self._gltf = gltf
        self._content = gltf.GLTF2(asset=gltf.Asset(version="2.0", generator="imusic"), scene=0)
        self._blob = bytearray()

    def mesh(self, rig: FaceRig, deltas: NDArray[np.float32], names: list[str]) -> None:
        """One mesh, a primitive and a material for each part."""
        gltf, content = self._gltf, self._content
        normals = _unit(vertex_normals(rig.neutral, rig.triangles))
        turned = [
            vertex_normals(rig.neutral + delta, rig.triangles) - normals if delta.any() else None for delta in deltas
        ]
        primitives = []
        for part, vertices in rig.parts.items():
            inside = ((rig.triangles >= vertices.start) & (rig.triangles < vertices.stop)).all(axis=1)
            triangles = rig.triangles[inside] - vertices.start
            if not len(triangles):
                continue
            still: int | None = None
            targets = []
            for delta, turn in zip(deltas, turned, strict=True):
                if turn is None or not delta[vertices].any():
                    if still is None:
                        still = self._array(np.zeros((vertices.stop - vertices.start, 3), np.float32), ARRAY_BUFFER)
                    targets.append({"POSITION": still, "NORMAL": still})
                    continue
                moved = self._array(to_graphics(delta[vertices]), ARRAY_BUFFER)
                targets.append({"POSITION": moved, "NORMAL": self._array(to_graphics(turn[vertices]), ARRAY_BUFFER)})
            content.materials.append(
                gltf.Material(
                    name=part,
                    pbrMetallicRoughness=gltf.PbrMetallicRoughness(
                        metallicFactor=0.0, roughnessFactor=_roughness(part)
                    ),
                )
            )
            primitives.append(
                gltf.Primitive(
                    attributes=gltf.Attributes(
                        POSITION=self._array(to_graphics(rig.neutral[vertices]), ARRAY_BUFFER),
                        NORMAL=self._array(to_graphics(normals[vertices]), ARRAY_BUFFER),
                        COLOR_0=self._array(linear(rig.colors[vertices] / 255.0).astype(np.float32), ARRAY_BUFFER),
                    ),
                    indices=self._array(triangles.astype("<u4").ravel(), ELEMENT_ARRAY_BUFFER),
                    targets=targets,
                    material=len(content.materials) - 1,
                )
            )
        extras = {"targetNames": names}
        content.meshes = [gltf.Mesh(name="face", primitives=primitives, weights=[0.0] * len(names), extras=extras)]
        content.nodes = [gltf.Node(name=HEAD_NODE, mesh=0)]
        content.scenes = [gltf.Scene(name=rig.name, nodes=[0])]

    def animate(self, take: Take, times: NDArray[np.float32], weights: NDArray[np.float32]) -> None:
        """The animation of the one node."""
        gltf = self._gltf
        moments = self._array(times)
        outputs = {
            "weights": self._array(np.ascontiguousarray(weights, dtype=np.float32).ravel()),
            "rotation": self._array(head_rotation(take.head_orientation)),
        }
        self._content.animations = [
            gltf.Animation(
                name=take.name or "take",
                samplers=[gltf.AnimationSampler(input=moments, output=output) for output in outputs.values()],
                channels=[
                    gltf.AnimationChannel(sampler=i, target=gltf.AnimationChannelTarget(node=0, path=path))
                    for i, path in enumerate(outputs)
                ],
            )
        ]
        told = {key: getattr(take, key) for key in TEXTS if getattr(take, key)}
        self._content.asset.extras = {"imusic": told | {"first_stamp_ns": str(take.stamps_ns[0])}}

    def save(self, path: Path) -> None:
        """Write the file."""
        self._content.buffers = [self._gltf.Buffer(byteLength=len(self._blob))]
        self._content.set_binary_blob(bytes(self._blob))
        self._content.save_binary(str(path))

    def _array(self, values: NDArray[Any], target: int | None = None) -> int:
        """Number of a new accessor with these values."""
        if values.dtype.kind == "f":
            values = values.astype("<f4")
        content = self._content
        content.bufferViews.append(
            self._gltf.BufferView(buffer=0, byteOffset=len(self._blob), byteLength=values.nbytes, target=target)
        )
        self._blob.extend(np.ascontiguousarray(values).tobytes())
        content.accessors.append(
            self._gltf.Accessor(
                bufferView=len(content.bufferViews) - 1,
                componentType=UNSIGNED_INT if values.dtype.kind == "u" else FLOAT,
                count=len(values),
                type=_TYPES[1 if values.ndim == 1 else values.shape[1]],
                min=np.atleast_1d(values.min(axis=0)).tolist(),
                max=np.atleast_1d(values.max(axis=0)).tolist(),
            )
        )
        return len(content.accessors) - 1


def _roughness(part: str) -> float:
    return next((rough for start, rough in ROUGHNESS.items() if part.lower().startswith(start)), SKIN_ROUGHNESS)


def _unit(normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normals, with any direction for vertices that no triangle uses: glTF wants unit length."""
    none = ~(np.linalg.norm(normals, axis=1) > 0.5)
    return np.where(none[:, None], [1.0, 0.0, 0.0], normals)

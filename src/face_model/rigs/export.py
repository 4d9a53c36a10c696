"""A rig as a GLB file with ARKit morph targets, for Blender, Unreal, Unity, three.js and other tools.

One mesh per part; y up, z out of the face, metres, as glTF wants it. glTF has no correctives: a rig's are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.frames import to_graphics
from face_model.outputs import write_whole
from face_model.rig import FaceRig
from face_model.rigs.srgb import linear

STILL_M = 1e-6
"""A part that a shape moves by less than this has no such morph target."""
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
FLOAT, UNSIGNED_INT = 5126, 5125


def write_glb(rig: FaceRig, path: Path) -> None:
    """Write `rig` to a .glb file.

    Raises:
        OutputError: the disk is full or the folder cannot be written.
    """
    import pygltflib as gltf

    content = gltf.GLTF2(asset=gltf.Asset(version="2.0", generator="imusic"), scene=0)
    blob = bytearray()

    def accessor(values: NDArray[Any], target: int) -> int:
        integers = values.dtype.kind == "u"
        content.bufferViews.append(
            gltf.BufferView(buffer=0, byteOffset=len(blob), byteLength=values.nbytes, target=target)
        )
        blob.extend(np.ascontiguousarray(values).tobytes())
        entry = gltf.Accessor(
            bufferView=len(content.bufferViews) - 1,
            componentType=UNSIGNED_INT if integers else FLOAT,
            count=len(values),
            type="SCALAR" if values.ndim == 1 else "VEC3",
            min=np.atleast_1d(values.min(axis=0)).tolist(),
            max=np.atleast_1d(values.max(axis=0)).tolist(),
        )
        content.accessors.append(entry)
        return len(content.accessors) - 1

    content.materials.append(
        gltf.Material(name="face", pbrMetallicRoughness=gltf.PbrMetallicRoughness(metallicFactor=0.0))
    )
    for part, vertices in rig.parts.items():
        inside = (rig.triangles >= vertices.start) & (rig.triangles < vertices.stop)
        triangles = rig.triangles[inside.all(axis=1)] - vertices.start
        if not len(triangles):
            continue
        deltas = to_graphics(rig.deltas[:, vertices])
        moved = [i for i in range(arkit.COUNT) if np.abs(deltas[i]).max() > STILL_M]
        primitive = gltf.Primitive(
            attributes=gltf.Attributes(
                POSITION=accessor(to_graphics(rig.neutral[vertices]), ARRAY_BUFFER),
                COLOR_0=accessor(linear(rig.colors[vertices] / 255.0).astype(np.float32), ARRAY_BUFFER),
            ),
            indices=accessor(triangles.astype("<u4").ravel(), ELEMENT_ARRAY_BUFFER),
            targets=[{"POSITION": accessor(deltas[i], ARRAY_BUFFER)} for i in moved],
            material=0,
        )
        names = [arkit.BLENDSHAPES[i] for i in moved]
        mesh = gltf.Mesh(name=part, primitives=[primitive], weights=[0.0] * len(moved), extras={"targetNames": names})
        content.meshes.append(mesh)
        content.nodes.append(gltf.Node(name=part, mesh=len(content.meshes) - 1))
    content.scenes = [gltf.Scene(name=rig.name, nodes=list(range(len(content.nodes))))]
    content.buffers = [gltf.Buffer(byteLength=len(blob))]
    content.set_binary_blob(bytes(blob))
    write_whole(path, lambda part: content.save_binary(str(part)))

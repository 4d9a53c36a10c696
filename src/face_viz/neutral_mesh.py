"""A rig's neutral face as a COLLADA file, for markers that name a mesh.

`python -m face_viz.neutral_mesh` writes that of the package's head, `meshes/head.dae`; a test holds the two together.

RViz and Foxglove both read COLLADA and heed its up axis and unit. RViz knows no colours of vertices: the triangles are
therefore sorted into a few materials.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_model.faces import HEAD, load_rig
from face_model.outputs import check_output_file, write_whole
from face_model.rig import FaceRig
from face_model.share import PACKAGE

HEAD_FILE = "meshes/head.dae"
"""In the package's share, and in the checkout."""
MOST_MATERIALS = 24


def mesh_uri(rig: FaceRig, face: str) -> str:
    """Where a viewer finds the neutral of a face.

    The package's own head comes with it, so that a viewer on another machine finds it in its own copy of the package;
    a rig's is written into the user's cache, where viewers of this machine find it.

    Args:
        rig: the face.
        face: its name or path, as the parameter `face` has it.

    Raises:
        OutputError: the cache cannot be written.
    """
    if face == HEAD:
        return f"package://{PACKAGE}/{HEAD_FILE}"
    text = collada(rig)
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / PACKAGE / "meshes"
    with contextlib.suppress(OSError):  # told by the next line
        folder.mkdir(parents=True, exist_ok=True)
    path = check_output_file(folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.dae")
    if not path.is_file():
        write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
    return path.resolve().as_uri()


def collada(rig: FaceRig) -> str:
    """The neutral in `face_head` axes, m, coloured by triangle."""
    return "\n".join(_lines(rig))


def _lines(rig: FaceRig) -> Iterator[str]:
    groups, colors = _materials(rig.colors[rig.triangles].astype(np.float64).mean(axis=1))
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield '<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">'
    yield "<asset><created>2026-01-01T00:00:00</created><modified>2026-01-01T00:00:00</modified>"
    yield '<unit name="meter" meter="1"/><up_axis>Z_UP</up_axis></asset>'
    yield "<library_effects>"
    for i, color in enumerate(colors):
        rgba = " ".join(f"{v / 255.0:.3f}" for v in color) + " 1"
        yield (
            f'<effect id="effect{i}"><profile_COMMON><technique sid="common"><lambert><ambient><color>{rgba}</color>'
            f"</ambient><diffuse><color>{rgba}</color></diffuse></lambert></technique></profile_COMMON></effect>"
        )
    yield "</library_effects>"
    yield "<library_materials>"
    for i in range(len(colors)):
        yield f'<material id="material{i}"><instance_effect url="#effect{i}"/></material>'
    yield "</library_materials>"
    yield '<library_geometries><geometry id="face"><mesh>'
    yield from _source("positions", rig.neutral, 5)
    yield from _source("normals", _normals(rig), 2)
    yield '<vertices id="vertices"><input semantic="POSITION" source="#positions"/></vertices>'
    for i in range(len(colors)):
        corners = rig.triangles[groups == i]
        yield f'<triangles material="m{i}" count="{len(corners)}">'
        yield '<input semantic="VERTEX" source="#vertices" offset="0"/>'
        yield '<input semantic="NORMAL" source="#normals" offset="0"/>'
        yield f"<p>{' '.join(map(str, corners.ravel().tolist()))}</p></triangles>"
    yield "</mesh></geometry></library_geometries>"
    yield '<library_visual_scenes><visual_scene id="scene"><node id="node"><instance_geometry url="#face">'
    yield "<bind_material><technique_common>"
    for i in range(len(colors)):
        yield f'<instance_material symbol="m{i}" target="#material{i}"/>'
    yield "</technique_common></bind_material></instance_geometry></node></visual_scene></library_visual_scenes>"
    yield '<scene><instance_visual_scene url="#scene"/></scene>'
    yield "</COLLADA>"
    yield ""


def _source(name: str, values: NDArray[np.floating], digits: int) -> Iterator[str]:
    numbers = " ".join(f"{v:.{digits}f}" for v in values.ravel().tolist())
    yield f'<source id="{name}"><float_array id="{name}-array" count="{values.size}">{numbers}</float_array>'
    yield f'<technique_common><accessor source="#{name}-array" count="{len(values)}" stride="3">'
    yield "".join(f'<param name="{axis}" type="float"/>' for axis in "XYZ") + "</accessor></technique_common></source>"


def _materials(colors: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Each triangle's colour (T, 3), 0 to 255, to the index of a material, and the materials' colours."""
    step = 16.0
    while True:
        _, groups = np.unique(np.floor(colors / step), axis=0, return_inverse=True)
        groups = groups.reshape(-1)
        count = int(groups.max()) + 1 if groups.size else 0
        if count <= MOST_MATERIALS:
            break
        step *= 1.25
    means = [colors[groups == i].mean(axis=0) for i in range(count)]
    return groups, np.array(means).reshape(-1, 3)


def _normals(rig: FaceRig) -> NDArray[np.float64]:
    """(V, 3) unit vectors, of the triangles around each vertex weighted by their area."""
    points = rig.neutral.astype(np.float64)
    a, b, c = (points[rig.triangles[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    normals = np.zeros_like(points)
    for k in range(3):
        np.add.at(normals, rig.triangles[:, k], across)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 0.0, normals / np.maximum(length, 1e-30), [1.0, 0.0, 0.0])


def main() -> int:
    """Write the package's head into the checkout that this file is in."""
    path = check_output_file(Path(__file__).resolve().parents[2] / HEAD_FILE)
    write_whole(path, lambda part: part.write_text(collada(load_rig()), encoding="utf-8"))
    print(f"wrote {HEAD_FILE}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())

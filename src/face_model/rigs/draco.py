"""Meshes compressed with Draco, as `KHR_draco_mesh_compression` stores them in glTF; needs the package DracoPy.

Specification: https://github.com/KhronosGroup/glTF, extensions/2.0/Khronos/KHR_draco_mesh_compression. Morph targets
stay uncompressed, in the order of the decoded vertices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_model.errors import RigFeatureError, RigFileError

EXTENSION = "KHR_draco_mesh_compression"


@dataclass(frozen=True)
class DracoMesh:
    """A decoded primitive: corners of its triangles (3 T,), and its attributes (V, n) by their names in glTF."""

    corners: NDArray[np.int64]
    attributes: dict[str, NDArray[Any]]


def decode(path: object, data: bytes, attributes: dict[str, int]) -> DracoMesh:
    """Decode a primitive.

    Args:
        path: of the file, for messages.
        data: of its buffer view.
        attributes: name in glTF to Draco's number of it.

    Raises:
        RigFeatureError: DracoPy is not installed.
        RigFileError: damaged.
    """
    try:
        import DracoPy  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise RigFeatureError(
            f"{path}: reading meshes compressed with Draco needs DracoPy: pip install DracoPy; or export without "
            "compression"
        ) from error
    try:
        mesh = DracoPy.decode(data)
        arrays = {name: np.asarray(mesh.get_attribute_by_unique_id(i)["data"]) for name, i in attributes.items()}
        corners = np.asarray(mesh.faces, dtype=np.int64).reshape(-1)
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError, DracoPy.FileTypeException) as error:
        raise RigFileError(f"{path}: expected a mesh compressed with Draco, found: {error}") from error
    return DracoMesh(corners, {name: array.reshape(len(array), -1) for name, array in arrays.items()})

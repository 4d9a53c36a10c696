"""A glTF document and its numbers: buffers inside or beside the file, accessors dense and sparse.

glTF 2.0 specification, sections 3.6 (buffers, accessors, sparse accessors) and 3.11 (normalised integers).
"""

from __future__ import annotations

import base64
import binascii
import struct
import warnings
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from face_model.errors import RigFeatureError, RigFileError
from face_model.rigs import draco

COMPONENTS: Final = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
COMPRESSED: Final = {
    "EXT_meshopt_compression": "gltf-transform copy IN OUT (which decodes meshopt)",
    "KHR_meshopt_compression": "gltf-transform copy IN OUT (which decodes meshopt)",
}
"""Compressions that are not read, and what undoes them."""
HARMLESS: Final = (
    "KHR_materials_",
    "KHR_texture_",
    "EXT_texture_",
    "KHR_lights_",
    "KHR_mesh_quantization",
    "KHR_draco_mesh_compression",
    "VRM",
)
"""Required extensions that say nothing of the mesh, or that are read; by the start of their names."""
DAMAGE: Final = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,
    MemoryError,
    RecursionError,
    struct.error,
    binascii.Error,
)
"""What reading a damaged file raises."""


MOST_FILE_BYTES: Final = 1 << 30
MOST_ELEMENTS: Final = 12_000_000
"""Of an accessor: corners of the triangles of a mesh of two million vertices."""


def normalized(values: NDArray[Any]) -> NDArray[Any]:
    """Integers of a glTF attribute as -1 or 0 to 1."""
    return np.asarray(np.maximum(values / np.iinfo(values.dtype).max, -1.0))


class Document:
    """An open glTF or GLB file.

    Attributes:
        path: of the file.
        content: as pygltflib reads it.
        notes: what was passed over, for the report.

    Raises:
        RigFileError: no such file, no glTF, or damaged.
        RigFeatureError: compressed, or an extension that is not read is required.
    """

    def __init__(self, path: Path) -> None:
        try:
            import pygltflib
        except ImportError as error:
            raise RigFeatureError(f"reading {path} needs pygltflib: pip install pygltflib") from error

        self.path = path
        self.notes: list[str] = []
        try:
            self._bounded(path)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the library's own remarks; what matters is checked here
                # By its first bytes, not its name: a VRM avatar is a GLB.
                if path.read_bytes()[:4] == b"glTF":
                    self.content: Any = pygltflib.GLTF2().load_binary(str(path))
                else:
                    self.content = pygltflib.GLTF2.from_json(path.read_text(encoding="utf-8-sig"))
        except (OSError, *DAMAGE) as error:
            raise RigFileError(f"{path}: expected a glTF 2.0 file (.gltf or .glb), found: {error}") from error
        if self.content is None or not self.content.meshes:
            raise RigFileError(f"{path}: expected a glTF 2.0 file with a mesh, found none")
        self._refuse_unread()
        self._read = lru_cache(maxsize=8)(self._load)

    def note(self, text: str) -> None:
        """Remember once what was passed over."""
        if text not in self.notes:
            self.notes.append(text)

    @staticmethod
    def _bounded(path: Path) -> None:
        size = path.stat().st_size
        if size > MOST_FILE_BYTES:
            raise ValueError(f"{size >> 20} MiB, more than {MOST_FILE_BYTES >> 20}")

    def view_bytes(self, index: int) -> bytes:
        """Bytes of a buffer view."""
        view = self.content.bufferViews[index]
        start = view.byteOffset or 0
        part: bytes = self._buffers[view.buffer][start : start + view.byteLength]
        return part

    def array(self, index: int) -> NDArray[Any]:
        """Elements of an accessor, (N, width): float64 for floats and normalised integers, int64 for others.

        Raises:
            RigFileError: it lies outside its buffer, or is of an unknown type.
        """
        try:
            values: NDArray[Any] = self._read(index)
        except DAMAGE as error:
            if isinstance(error, RigFileError):
                raise
            raise RigFileError(f"{self.path}: expected accessor {index} to be readable, found: {error}") from error
        return values

    def image(self, index: int) -> bytes:
        """Bytes of an image file."""
        image = self.content.images[index]
        if image.bufferView is None:
            return self._uri(image.uri)
        return self.view_bytes(image.bufferView)

    def _load(self, index: int) -> NDArray[Any]:
        accessor = self.content.accessors[index]
        width = WIDTHS[accessor.type]
        if not 0 <= accessor.count <= MOST_ELEMENTS or (accessor.sparse and accessor.sparse.count > accessor.count):
            raise RigFileError(
                f"{self.path}: expected accessor {index} to hold at most {MOST_ELEMENTS} elements, "
                f"found {accessor.count}; the file is damaged"
            )
        if accessor.bufferView is None:
            values = np.zeros((accessor.count, width), COMPONENTS[accessor.componentType])
        else:
            values = self._view(accessor.bufferView, accessor.byteOffset, accessor.count, accessor.componentType, width)
        if accessor.sparse is not None:
            sparse, values = accessor.sparse, values.copy()
            at = self._view(
                sparse.indices.bufferView, sparse.indices.byteOffset, sparse.count, sparse.indices.componentType, 1
            )
            values[at[:, 0]] = self._view(
                sparse.values.bufferView, sparse.values.byteOffset, sparse.count, accessor.componentType, width
            )
        if accessor.normalized:
            return normalized(values)
        return values.astype(np.float64 if values.dtype.kind == "f" else np.int64)

    def _view(self, index: int, offset: int | None, count: int, component: int, width: int) -> NDArray[Any]:
        """(count, width) of a buffer view, which may interleave several accessors."""
        view = self.content.bufferViews[index]
        kind = np.dtype(COMPONENTS[component])
        stride = view.byteStride or width * kind.itemsize
        start = (view.byteOffset or 0) + (offset or 0)
        needed = start + (count - 1) * stride + width * kind.itemsize
        buffer = self._buffers[view.buffer]
        if count < 0 or start < 0 or needed > len(buffer):
            raise RigFileError(
                f"{self.path}: expected {needed} bytes in buffer {view.buffer}, found {len(buffer)}: it was cut off"
            )
        return np.ndarray((count, width), kind, buffer, start, (stride, kind.itemsize))

    @cached_property
    def _buffers(self) -> list[bytes]:
        blob = self.content.binary_blob()
        return [bytes(blob or b"") if buffer.uri is None else self._uri(buffer.uri) for buffer in self.content.buffers]

    def _uri(self, uri: str) -> bytes:
        """Bytes of a data URI, or of a file beside or below this one."""
        if uri.startswith("data:"):
            return base64.b64decode(uri.partition(",")[2])
        folder = self.path.resolve().parent
        file = (folder / unquote(uri)).resolve()
        if not file.is_relative_to(folder) or not file.is_file():
            raise RigFileError(f"{self.path}: expected the file {uri} beside it, found none")
        return file.read_bytes()

    def _refuse_unread(self) -> None:
        required, used = self.content.extensionsRequired or [], self.content.extensionsUsed or []
        for name, cure in COMPRESSED.items():
            if name in required or name in used:
                raise RigFeatureError(
                    f"{self.path}: expected uncompressed meshes, found {name}; export without it, or run {cure}"
                )
        unread = [name for name in required if not name.startswith(HARMLESS)]
        if unread:
            raise RigFeatureError(
                f"{self.path}: expected plain glTF 2.0, found required extensions {', '.join(unread)}; export without"
            )


class Attributes:
    """Vertices of a primitive by attribute, from accessors or from its Draco mesh."""

    def __init__(self, document: Document, primitive: Any) -> None:
        self._document, self._primitive = document, primitive
        packed = (primitive.extensions or {}).get(draco.EXTENSION)
        self._mesh: draco.DracoMesh | None = None
        if packed is not None:
            named = {str(name): int(number) for name, number in packed["attributes"].items()}
            self._mesh = draco.decode(document.path, document.view_bytes(packed["bufferView"]), named)

    def get(self, name: str) -> NDArray[Any] | None:
        """(V, n) of an attribute; None if there is none.

        Raises:
            RigFileError: it cannot be read.
        """
        index = getattr(self._primitive.attributes, name, None)
        if self._mesh is not None and name in self._mesh.attributes:
            values = self._mesh.attributes[name]
            whole = values.dtype.kind in "iu"
            if index is not None and self._document.content.accessors[index].normalized and whole:
                return normalized(values)
            return values.astype(np.int64 if whole else np.float64)
        return None if index is None else self._document.array(index)

    def __getitem__(self, name: str) -> NDArray[Any]:
        found = self.get(name)
        if found is None:
            raise RigFileError(f"{self._document.path}: expected {name} in each mesh, found one without")
        return found

    def corners(self, count: int) -> NDArray[np.int64]:
        """Vertices of the triangles, in a row; all `count` of them where the primitive has no indices."""
        if self._mesh is not None:
            return self._mesh.corners
        indices = self._primitive.indices
        return np.arange(count) if indices is None else np.asarray(self._document.array(indices)[:, 0], dtype=np.int64)

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

COMPONENTS: Final = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
COMPRESSED: Final = {
    "KHR_draco_mesh_compression": "gltf-transform copy IN OUT (which decodes Draco)",
    "EXT_meshopt_compression": "gltf-transform copy IN OUT (which decodes meshopt)",
}
"""Compressions that are not read, and what undoes them."""
HARMLESS: Final = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "KHR_lights_", "KHR_mesh_quantization", "VRM")
"""Required extensions that say nothing of the mesh, or that are read; by the start of their names."""
DAMAGE: Final = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,
    RecursionError,
    struct.error,
    binascii.Error,
)
"""What reading a damaged file raises."""


class Document:
    """An open glTF or GLB file.

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
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the library's own remarks; what matters is checked here
                self.content: Any = pygltflib.GLTF2().load(str(path))
        except (OSError, *DAMAGE) as error:
            raise RigFileError(f"{path}: expected a glTF 2.0 file (.gltf or .glb), found: {error}") from error
        if self.content is None or not self.content.meshes:
            raise RigFileError(f"{path}: expected a glTF 2.0 file with a mesh, found none")
        self._refuse_unread()
        self._read = lru_cache(maxsize=8)(self._load)

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
        view = self.content.bufferViews[image.bufferView]
        start = view.byteOffset or 0
        image_bytes: bytes = self._buffers[view.buffer][start : start + view.byteLength]
        return image_bytes

    def _load(self, index: int) -> NDArray[Any]:
        accessor = self.content.accessors[index]
        width = WIDTHS[accessor.type]
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
            return np.maximum(values / np.iinfo(values.dtype).max, -1.0)
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

"""Engine files on disk: each says what it was made from and for, and is used only if that is what is here."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import struct
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from face_inference.errors import EngineError

MAGIC = b"IMUSICEN"
_LENGTH = struct.Struct("<I")
_MOST_HEADER_BYTES = 1 << 16
SUFFIX = ".engine"
MOST_FILES = 12
"""Kept of a model's name: a few precisions, numbers of faces and GPUs; those unused for longest are removed."""


class EngineFileError(EngineError):
    """An engine file is missing, damaged or made for something else: it is to be built anew."""


@dataclass(frozen=True)
class EngineKey:
    """All that decides whether an engine is the right one.

    Attributes:
        model: name; only tells files apart for people, and what belongs together for `EngineCache`.
        content: `engine`, or `kernels` for what TensorRT for RTX compiled of it on a GPU.
        graph_sha256: of the ONNX file.
        weights_sha256: of the file of weights that it refers to.
        library: TensorRT's name.
        library_version: engines are of one version only.
        precision: float32 or float16.
        faces: how many it runs at once.
        target: the GPU. Its compute capability for engines of TensorRT for RTX, or `all`: they hold no kernels of one
            GPU. Name, compute capability and driver for all else.
    """

    model: str
    content: str
    graph_sha256: str
    weights_sha256: str
    library: str
    library_version: str
    precision: str
    faces: int
    target: str

    @property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of all fields."""
        return hashlib.sha256(_json(asdict(self))).hexdigest()

    @property
    def file_name(self) -> str:
        """Its name in a cache."""
        return f"{_plain(self.model)}-{self.digest[:32]}{SUFFIX}"


def write_engine_file(path: Path, key: EngineKey, payload: bytes) -> None:
    """Write or replace a file; an interrupted write leaves the old one.

    Layout: `MAGIC`, the header's length (uint32, little endian), the header in JSON (key, size and SHA-256 of the
    payload), the payload.

    Raises:
        EngineFileError: the folder cannot be written, or the disk is full.
    """
    header = _json({"key": asdict(key), "size": len(payload), "sha256": hashlib.sha256(payload).hexdigest()})
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=path.name, suffix=".part", dir=path.parent)
        part = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(MAGIC + _LENGTH.pack(len(header)) + header)
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise EngineFileError(f"expected to write {path}, found {error}") from error
    finally:
        if part:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def read_engine_file(path: Path, key: EngineKey) -> bytes:
    """The payload of a file that was made for this key and is whole.

    Raises:
        EngineFileError: with what is wrong.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EngineFileError(f"expected an engine file, found {error}") from error
    start = len(MAGIC) + _LENGTH.size
    if len(content) < start or not content.startswith(MAGIC):
        raise EngineFileError(f"expected an engine file, found something else in {path}")
    size = _LENGTH.unpack_from(content, len(MAGIC))[0]
    if size > _MOST_HEADER_BYTES or start + size > len(content):
        raise EngineFileError(f"expected a whole engine file, found {path} cut off in its header")
    header, payload = content[start : start + size], content[start + size :]
    found = _header(path, header)
    expected = asdict(key)
    if found["key"] != expected:
        raise EngineFileError(f"expected an engine for what is here, found in {path}: {_differences(expected, found)}")
    if found["size"] != len(payload) or found["sha256"] != hashlib.sha256(payload).hexdigest():
        raise EngineFileError(f"expected {found['size']} undamaged bytes in {path}, found {len(payload)} that differ")
    return payload


class EngineCache:
    """A folder of engine files. That it fails costs time and never more: what is wrong is returned as one line."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder()

    def load(self, key: EngineKey) -> tuple[bytes | None, str]:
        """The payload, or none and why."""
        path = self.folder / key.file_name
        try:
            payload = read_engine_file(path, key)
        except EngineFileError as error:
            new = isinstance(error.__cause__, FileNotFoundError)
            return None, f"none in {self.folder} yet" if new else str(error)
        with contextlib.suppress(OSError):  # a cache that cannot be written can still be read
            os.utime(path)
        return payload, f"from {path}"

    def store(self, key: EngineKey, payload: bytes) -> str:
        """Keep a payload, and drop this model's files that were unused for longest; where it lies, or why it does not.

        Nothing is raised: an engine that cannot be kept still runs.
        """
        path = self.folder / key.file_name
        try:
            write_engine_file(path, key, payload)
        except EngineFileError as error:
            return f"not kept: {error}"
        self._drop_old(key.model, keep=path)
        return f"kept in {path}"

    def _drop_old(self, model: str, keep: Path) -> None:
        pattern = re.compile(re.escape(_plain(model)) + r"-[0-9a-f]{32}" + re.escape(SUFFIX))
        # Another process may remove files of this folder at the same time.
        with contextlib.suppress(OSError):
            own = [path for path in self.folder.iterdir() if pattern.fullmatch(path.name) and path != keep]
            own.sort(key=lambda path: path.stat().st_mtime, reverse=True)
            for path in own[MOST_FILES - 1 :]:
                path.unlink(missing_ok=True)


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/imusic/engines`, by default in `~/.cache`.

    Raises:
        EngineFileError: there is no home folder.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    if Path(given).is_absolute():  # the XDG Base Directory Specification has relative paths ignored
        return Path(given) / "imusic" / "engines"
    try:
        return Path.home() / ".cache" / "imusic" / "engines"
    except RuntimeError as error:
        raise EngineFileError(f"expected a home folder for engine files, found {error}; set XDG_CACHE_HOME") from error


def _header(path: Path, header: bytes) -> dict[str, Any]:
    try:
        found = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise EngineFileError(f"expected a header in JSON in {path}, found {error}") from error
    if not isinstance(found, dict) or found.keys() != {"key", "size", "sha256"} or not isinstance(found["key"], dict):
        raise EngineFileError(f"expected key, size and sha256 in the header of {path}, found something else")
    return found


def _differences(expected: dict[str, Any], found: dict[str, Any]) -> str:
    key = found["key"]
    differing = [name for name in sorted({*expected, *key}) if expected.get(name) != key.get(name)]
    return ", ".join(f"{name} {key.get(name)!r} instead of {expected.get(name)!r}" for name in differing)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:40] or "model"


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()

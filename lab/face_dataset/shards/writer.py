"""Writing shards: each file appears whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from face_dataset.shards.encoding import SIGNALS, CountScale, bytes_per_sample, encode
from face_dataset.shards.manifest import (
    MANIFEST_FILE,
    Manifest,
    ShardInfo,
    Split,
    TakeInfo,
    check_people,
    content_hash,
    takes_to_text,
)
from imu_sim.errors import DatasetError
from imu_sim.recording import Recording

MOST_BYTES = 96 * 2**20
"""Size up to which takes are put into one shard: few files, and each is copied or built anew in little time."""

HEADER_TAKES = "takes"
"""Key of the takes in a shard's header. It is the only one: safetensors does not keep the order of several."""

Arrays = Mapping[str, NDArray[Any]]


def shard_file(number: int) -> str:
    """Name of shard `number`."""
    return f"shard_{number:05d}.safetensors"


def grouped(sizes: Sequence[int], most_bytes: int = MOST_BYTES) -> list[int]:
    """Shard number of each take, in order, so that no shard of several takes exceeds `most_bytes`."""
    numbers, number, filled = [], 0, 0
    for size in sizes:
        if filled and filled + size > most_bytes:
            number, filled = number + 1, 0
        numbers.append(number)
        filled += size
    return numbers


def write_shard(path: Path, takes: Sequence[tuple[TakeInfo, Arrays]]) -> None:
    """Write takes, encoded by `encode`, into one file.

    Raises:
        DatasetError: the disk is full or the folder cannot be written.
    """
    tensors = {info.key(name): np.ascontiguousarray(arrays[name]) for info, arrays in takes for name in SIGNALS}
    write_whole(path, save(tensors, metadata={HEADER_TAKES: takes_to_text([info for info, _ in takes])}))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write or replace the manifest of a folder.

    Raises:
        DatasetError: the disk is full or the folder cannot be written.
    """
    write_whole(folder / MANIFEST_FILE, manifest.to_json().encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name, then rename it: after a crash there is the old file or the new one.

    Raises:
        DatasetError: the disk is full or the folder cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DatasetError(
            f"expected room and permission to write {len(content) / 2**20:.1f} MiB to {path}, "
            f"found: {error.strerror}; make room or choose another folder, and run the same command again"
        ) from error


def hashed(path: Path) -> ShardInfo:
    """Size and hash of a shard."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else _digest(file)
    return ShardInfo(path.name, path.stat().st_size, digest.hexdigest())


def store_recordings(
    folder: Path,
    recordings: Iterable[tuple[Recording, Split]],
    *,
    name: str = "recordings",
    licences: Mapping[str, str] | None = None,
    scale: CountScale | None = None,
    most_bytes: int = MOST_BYTES,
) -> Manifest:
    """Make a data set of recordings that exist already, real ones for example.

    Args:
        folder: made if absent; files of a former data set with the same names are replaced.
        recordings: each with the split it belongs to.
        name: of the data set.
        licences: of the recordings, for the manifest.
        scale: of the counts; by default the finest that fits each take.
        most_bytes: size up to which takes share a file.

    Raises:
        DatasetError: a person is in two splits, a value cannot be stored, or the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pending: list[tuple[TakeInfo, Arrays]] = []
    infos: list[TakeInfo] = []
    shards: list[ShardInfo] = []

    def finish() -> None:
        path = folder / shard_file(len(shards))
        write_shard(path, pending)
        shards.append(hashed(path))
        pending.clear()

    filled = 0
    for index, (recording, split) in enumerate(recordings):
        size = bytes_per_sample(len(recording.sensor_names)) * len(recording.valid)
        if pending and filled + size > most_bytes:
            finish()
            filled = 0
        own = scale or CountScale.fitting(recording)
        info = describe(recording, index, len(shards), split, own)
        infos.append(info)
        pending.append((info, encode(recording, own)))
        filled += size
    if pending:
        finish()
    check_people(infos)
    manifest = Manifest(name, content_hash(shards), tuple(shards), tuple(infos), licences=licences or {})
    write_manifest(folder, manifest)
    return manifest


def describe(recording: Recording, index: int, shard: int, split: Split, scale: CountScale, **known: Any) -> TakeInfo:
    """What a manifest says about a recording; `known` are further fields of `TakeInfo`."""
    info = TakeInfo(
        index=index,
        shard=shard,
        samples=len(recording.valid),
        rate_hz=recording.rate_hz,
        person=recording.person,
        name=recording.take,
        split=split,
        sensors=recording.sensor_names,
        scale=scale,
    )
    return replace(info, **known)


def _digest(file: Any) -> Any:  # Python 3.10
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest

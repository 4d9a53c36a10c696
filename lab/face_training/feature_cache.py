"""Features of takes, computed once and mapped from disk: training sees more data than memory holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from face_dataset.shards import StoredTake
from face_evaluation.takes import recorded_features
from face_inference.channels import FEATURE_VERSION, Channels
from face_inference.errors import InferenceError
from face_inference.mounts import NominalMounts
from face_model import arkit

Float32Array = NDArray[np.float32]

Progress = Callable[[float, str], None]
"""Called with the share done and one line."""


def cached_features(
    takes: Sequence[StoredTake],
    mounts: NominalMounts,
    neutral_s: float,
    data_sha256: str,
    folder: Path,
    progress: Progress | None = None,
) -> list[tuple[Float32Array, Float32Array]]:
    """Features (T, F) and weights (T, 52) of each take, mapped from `folder`; writing to them changes no file.

    The files are named by data, features, mounts and takes; those of other data or features are removed.

    Raises:
        InferenceError: the disk is full.
        LayoutMismatchError: a take lacks the model's reference sensor.
    """
    key = _key(takes, mounts, neutral_s, data_sha256)
    paths = folder / f"features_{key}.npy", folder / f"weights_{key}.npy"
    if not all(path.is_file() for path in paths):
        folder.mkdir(parents=True, exist_ok=True)
        for stale in (*folder.glob("*features_*.npy"), *folder.glob("*weights_*.npy")):
            stale.unlink()
        try:
            _write(takes, mounts, neutral_s, paths, progress)
        except OSError as error:
            raise InferenceError(f"expected room for features in {folder}, found: {error}; make room") from error
    # Copy on write: PyTorch wants arrays that it might change.
    features, weights = (np.load(path, mmap_mode="c") for path in paths)
    ends = np.cumsum([take.info.samples for take in takes])
    rows = [slice(int(end) - take.info.samples, int(end)) for end, take in zip(ends, takes, strict=True)]
    return [(features[part], weights[part]) for part in rows]


def _write(
    takes: Sequence[StoredTake],
    mounts: NominalMounts,
    neutral_s: float,
    paths: tuple[Path, Path],
    report: Progress | None,
) -> None:
    partial = tuple(path.with_name(f".{path.name}") for path in paths)
    samples = sum(take.info.samples for take in takes)
    widths = (Channels.of(mounts).size, arkit.COUNT)
    features, weights = (
        open_memmap(path, mode="w+", dtype=np.float32, shape=(samples, width))
        for path, width in zip(partial, widths, strict=True)
    )
    row = 0
    for take in takes:
        rows = slice(row, row + take.info.samples)
        recording = take.recording()
        features[rows] = recorded_features(recording, mounts, neutral_s)
        weights[rows] = recording.weights
        row = rows.stop
        if report:
            report(row / samples, f"features: {take.info.name}")
    for array, path, whole in zip((features, weights), partial, paths, strict=True):
        array.flush()
        path.replace(whole)


def _key(takes: Sequence[StoredTake], mounts: NominalMounts, neutral_s: float, data_sha256: str) -> str:
    identity = [data_sha256, FEATURE_VERSION, neutral_s, mounts.to_config(), [take.info.index for take in takes]]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]

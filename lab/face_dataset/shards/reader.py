"""Reading shards: files are mapped into memory on first use, and a slice reads nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from face_dataset.shards.encoding import SIGNALS, decode, sizes
from face_dataset.shards.manifest import Manifest, Split, TakeInfo, read_manifest, takes_from_text
from face_dataset.shards.writer import HEADER_TAKES, hashed
from face_model.rig import FaceRig
from imu_sim.errors import DatasetError
from imu_sim.families import FaceFamily
from imu_sim.recording import Recording

_RIGS_KEPT = 4
"""Faces kept in memory for `StoredTake.vertices`; a take needs one."""


class ShardedDataset:
    """A data set in a folder.

    It may be sent to other processes: each maps the files anew. Reading never changes the folder.

    Attributes:
        folder: where it is.
        manifest: what it holds.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._maps: dict[int, Any] = {}

    @classmethod
    def open(cls, folder: Path | str) -> ShardedDataset:
        """Read the manifest and see that every shard is there in its full size; `verify` compares content.

        Raises:
            DatasetError: the folder holds no data set, or a shard is missing.
            DatasetError: the manifest cannot be read, or a shard has another size.
        """
        dataset = cls(Path(folder), read_manifest(Path(folder)))
        for number, shard in enumerate(dataset.manifest.shards):
            path = dataset.path_of(number)
            if not path.is_file():
                raise DatasetError(f"expected shard {path}, found no file; build or copy it again")
            if path.stat().st_size != shard.bytes:
                raise DatasetError(_damaged(path, f"{shard.bytes} bytes", f"{path.stat().st_size}"))
        return dataset

    @property
    def sha256(self) -> str:
        """Hash of the content."""
        return self.manifest.sha256

    def __len__(self) -> int:
        return len(self.manifest.takes)

    def __iter__(self) -> Iterator[StoredTake]:
        return (StoredTake(self, info) for info in self.manifest.takes)

    def __getitem__(self, position: int) -> StoredTake:
        return StoredTake(self, self.manifest.takes[position])

    def split(self, split: Split) -> tuple[StoredTake, ...]:
        """Takes of one split, in order."""
        return tuple(take for take in self if take.info.split == split)

    def routine_of(self, take: StoredTake) -> StoredTake | None:
        """The guided routine that the wearer of a simulated take also did, the same boards on the same face.

        None where there is none; a routine's own is itself.
        """
        return self._routines.get((take.info.family, take.info.wearer_seed))

    @cached_property
    def _routines(self) -> dict[tuple[str | None, int | None], StoredTake]:
        return {(take.info.family, take.info.wearer_seed): take for take in self if take.info.is_routine}

    def path_of(self, shard: int) -> Path:
        """File of shard number `shard`."""
        return self.folder / self.manifest.shards[shard].file

    def verify(self) -> Iterator[Path]:
        """Hash each shard anew and yield it when it is as it should be.

        Raises:
            DatasetError: one is not; the message names it.
        """
        for number, shard in enumerate(self.manifest.shards):
            path = self.path_of(number)
            found = hashed(path).sha256
            if found != shard.sha256:
                raise DatasetError(_damaged(path, f"SHA-256 {shard.sha256}", found))
            yield path

    def map(self, shard: int) -> Any:
        """The open safetensors file of a shard."""
        if shard not in self._maps:
            self._maps[shard] = open_shard(self.path_of(shard))
        return self._maps[shard]

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "manifest": self.manifest, "_maps": {}}


@dataclass(frozen=True)
class StoredTake:
    """One take of a data set; nothing is read before it is asked for."""

    dataset: ShardedDataset
    info: TakeInfo

    def array(self, name: str, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """Samples `start` up to `stop` of one array of `Recording`, in its units.

        Raises:
            DatasetError: the range is not within the take.
            DatasetError: the shard does not hold what the manifest says.
        """
        info, end = self.info, self.info.samples if stop is None else stop
        if not 0 <= start <= end <= info.samples:
            raise DatasetError(f"take {info.index}: expected a range within 0..{info.samples}, found {start}..{end}")
        path = self.dataset.path_of(info.shard)
        try:
            stored = self.dataset.map(info.shard).get_slice(info.key(name))
            shape = tuple(stored.get_shape())
            if shape != sizes(info.samples, len(info.sensors))[name]:
                raise DatasetError(_damaged(path, f"take {info.index} as in the manifest", f"shape {shape}"))
            # safetensors refuses an empty range at the end.
            return decode(name, stored[start:end] if start < end else stored[0:0], info.scale)
        except SafetensorError as error:
            raise DatasetError(_damaged(path, f"{name} of take {info.index}", str(error))) from error

    def slice(self, start: int, stop: int) -> Recording:
        """Samples `start` up to `stop` as a recording.

        Raises:
            DatasetError: the range is not within the take.
            DatasetError: the shard does not hold what the manifest says.
        """
        info = self.info
        arrays = {name: self.array(name, start, stop) for name in SIGNALS}
        return Recording(person=info.person, take=info.name, rate_hz=info.rate_hz, sensor_names=info.sensors, **arrays)

    def recording(self) -> Recording:
        """The whole take."""
        return self.slice(0, self.info.samples)

    def rig(self) -> FaceRig:
        """The wearer's own face, built again from family and seed.

        Raises:
            DatasetError: the take is of no simulated face.
        """
        if self.info.family is None:
            raise DatasetError(f"take {self.info.index}: expected a simulated face, found a take without one")
        return _rig(self.info.family, self.info.wearer_seed)

    def vertices(self, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
        """True mesh (N, V, 3), m, `face_head`, at samples `start` up to `stop`; not stored but computed.

        Raises:
            DatasetError: the range is not within the take, or the take is of no simulated face.
        """
        weights: NDArray[np.float32] = self.array("weights", start, stop)
        return self.rig().vertices(weights)


def open_shard(path: Path) -> Any:
    """Map a shard into memory.

    Raises:
        DatasetError: no such file.
        DatasetError: it was cut off, or is no shard.
    """
    try:
        return safe_open(path, framework="numpy")
    except FileNotFoundError as error:
        raise DatasetError(f"expected shard {path}, found no file; build or copy it again") from error
    except (SafetensorError, OSError) as error:
        raise DatasetError(_damaged(path, "a safetensors file", str(error))) from error


def takes_of_shard(path: Path) -> tuple[TakeInfo, ...]:
    """Takes that a shard says it holds.

    Raises:
        DatasetError: no such file.
        DatasetError: it was cut off, or is no shard of this format.
    """
    header = open_shard(path).metadata() or {}
    if HEADER_TAKES not in header:
        raise DatasetError(_damaged(path, "a list of takes in its header", "none"))
    return takes_from_text(header[HEADER_TAKES])


@lru_cache(maxsize=_RIGS_KEPT)
def _rig(family: str, seed: int | None) -> FaceRig:
    from imu_sim.families import load_family

    faces: FaceFamily = load_family(family)
    return faces.typical() if seed is None else faces.subject(seed)


def _damaged(path: Path, expected: str, found: str) -> str:
    return f"{path}: expected {expected}, found {found}; remove this file and build or copy it again"

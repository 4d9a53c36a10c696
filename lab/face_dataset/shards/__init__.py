"""Many takes in few files: memory-mapped, sliced without reading the rest, described by one manifest."""

from __future__ import annotations

from face_dataset.shards.encoding import CountScale
from face_dataset.shards.manifest import Manifest, TakeInfo
from face_dataset.shards.reader import ShardedDataset, StoredTake
from face_dataset.shards.writer import store_recordings

__all__ = ["CountScale", "Manifest", "ShardedDataset", "StoredTake", "TakeInfo", "store_recordings"]

"""Many takes in few files: memory-mapped, sliced without reading the rest, described by one manifest."""

from __future__ import annotations

from face_model.shards.encoding import CountScale
from face_model.shards.manifest import Manifest, TakeInfo
from face_model.shards.reader import ShardedDataset, StoredTake
from face_model.shards.writer import store_recordings

__all__ = ["CountScale", "Manifest", "ShardedDataset", "StoredTake", "TakeInfo", "store_recordings"]

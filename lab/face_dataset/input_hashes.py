"""Hashes of all that a data set is made from: what has the same hashes and the same recipe gives the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import face_dataset
import face_model
import imu_driver.hubs.imusic_v1.protocol
import imu_sim
from face_model.layout import load_layout
from face_model.rigs.sidecar import sidecar_path
from imu_sim.chips.parts import load_part
from imu_sim.families import is_generated, load_family


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Hash of the sources that decide what is simulated: other code may give other data from the same recipe."""
    digest = hashlib.sha256()
    for package in (face_model, imu_driver.hubs.imusic_v1.protocol, imu_sim, face_dataset):
        root = Path(next(iter(package.__path__)))
        # Installed as links, a source that was renamed since leaves a link to nothing.
        for path in sorted(path for path in root.rglob("*.py") if path.is_file()):
            digest.update(f"{package.__name__}/{path.relative_to(root)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def layout_hashes(names: Iterable[str]) -> dict[str, str]:
    """By what the layouts say, not how their files put it.

    Raises:
        LayoutError: there is no such layout.
    """
    return {f"layout {name}": _text(repr(load_layout(name))) for name in sorted(set(names))}


def part_hashes(names: Iterable[str]) -> dict[str, str]:
    """By what the parts' files say, not how they put it.

    Raises:
        ImuSimError: there is no such part.
    """
    return {f"part {name}": _text(repr(load_part(name))) for name in sorted(set(names))}


def face_hashes(names: Iterable[str]) -> dict[str, str]:
    """By the files of the faces; the package's own head is code.

    Raises:
        FaceModelError: one is no face.
    """
    hashes = {}
    for name in sorted(set(names)):
        load_family(name)
        if not is_generated(name):
            path = Path(name).expanduser()
            hashes[f"face {name}"] = file_hash(path, sidecar_path(path))
    return hashes


def file_hash(*paths: Path) -> str:
    """Of files, those in folders included; what is absent is skipped."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(file.read_bytes())
    return digest.hexdigest()


def _text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

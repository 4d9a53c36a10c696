"""Which code recorded: a hash of the sources that a replay runs again."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

ROOMS = ("face_model", "imu_driver", "face_inference")
"""Packages that make weights of bytes."""


@cache
def code_hash() -> str:
    """SHA-256 of the Python files of `ROOMS`, by name and content; hexadecimal."""
    digest = hashlib.sha256()
    for room in ROOMS:
        spec = importlib.util.find_spec(room)
        for place in sorted(spec.submodule_search_locations or ()) if spec is not None else ():
            root = Path(place)
            for path in sorted(root.rglob("*.py")):
                content = path.read_bytes()
                digest.update(f"{room}/{path.relative_to(root).as_posix()} {len(content)}\n".encode())
                digest.update(content)
    return digest.hexdigest()

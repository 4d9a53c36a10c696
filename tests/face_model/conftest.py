from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shared() -> Path:
    """Folder of the small inputs that failed once; not part of the package."""
    path = Path(os.environ.get("IMUSIC_SHARED", ROOT.parent / "shared"))
    if not (path / "cases").is_dir():
        pytest.skip(f"needs the small inputs in {path}/cases (set IMUSIC_SHARED)")
    return path

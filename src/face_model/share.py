"""Where the package's shared files are, installed or in a checkout, without importing ROS."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = "imusic"


def ament_prefixes() -> list[Path]:
    """Install prefixes on `AMENT_PREFIX_PATH`, nearest first."""
    return [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]


def share_dir() -> Path:
    """Directory that holds `config/`, `models/`, `launch/` and `rviz/`.

    The installed `share/imusic` of the nearest ament prefix, or the root of the checkout this file is in.

    Raises:
        FileNotFoundError: neither exists, so the package is not installed properly.
    """
    for prefix in ament_prefixes():
        share = prefix / "share" / PACKAGE
        if (share / "package.xml").is_file():
            return share
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "package.xml").is_file():
        return checkout
    raise FileNotFoundError(
        f"expected share/{PACKAGE} on AMENT_PREFIX_PATH, found it in none of "
        f"{[str(p) for p in ament_prefixes()]}; source the workspace's setup file or run `make setup`"
    )

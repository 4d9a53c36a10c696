"""Where the package's shared files are, installed with or without ROS or in a checkout, without importing ROS."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = "imusic"


def is_path(name_or_path: str | Path) -> bool:
    """Whether a file or folder is meant, not the name of a shipped thing: it has a separator, or stands for a folder.

    A bare name never means what happens to lie in the working directory; `./name` does.
    """
    given = str(name_or_path)
    return isinstance(name_or_path, Path) or "/" in given or os.sep in given or given.startswith(("~", "."))


def expanded(path: str | Path) -> Path:
    """With the home folder in place of `~`; what names nobody's home stays as it is, and will not be found."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def ament_prefixes() -> list[Path]:
    """Install prefixes on `AMENT_PREFIX_PATH`, nearest first."""
    return [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]


def share_dir() -> Path:
    """Directory that holds `config/`, `models/` and `msg/`; with ROS also `launch/` and `rviz/`.

    The installed `share/imusic` of the nearest ament prefix; without one, what `pip install` put beside this file, or
    the root of the checkout that this file is in.

    Raises:
        FileNotFoundError: none exists, so the package is not installed properly.
    """
    here = Path(__file__).resolve()
    installed = [prefix / "share" / PACKAGE for prefix in ament_prefixes()]
    for place in (*installed, here.parent / "shipped", here.parents[2]):
        if (place / "package.xml").is_file():
            return place
    raise FileNotFoundError(
        f"expected share/{PACKAGE} on AMENT_PREFIX_PATH, found it in none of {[str(p) for p in ament_prefixes()]}, "
        f"and no {here.parent / 'shipped'}; source the workspace's setup file, run `make setup`, or "
        "`pip install` the package again"
    )

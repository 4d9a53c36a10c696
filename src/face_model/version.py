"""The version of this package, which stands in `package.xml` alone."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from xml.etree import ElementTree

from face_model.share import share_dir

DISTRIBUTION = "imusic"


@cache
def version() -> str:
    """Of the checkout or the installed ROS package; without either, of the installed Python distribution."""
    try:
        found = ElementTree.parse(share_dir() / "package.xml").findtext("version")
    except FileNotFoundError:
        return metadata.version(DISTRIBUTION)
    return str(found)

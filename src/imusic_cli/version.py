"""The version of this package, for the command line."""

from __future__ import annotations

from face_model.version import DISTRIBUTION, version

__all__ = ["DISTRIBUTION", "version"]

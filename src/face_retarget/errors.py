"""Errors of retargets; each message says what was expected, what was found and what to do."""

from __future__ import annotations

from face_model.errors import ImusicError


class RetargetError(ImusicError, ValueError):
    """A robot's file, a model or a map cannot be used."""

"""Errors of replaying."""

from __future__ import annotations

from face_model.errors import ImusicError


class ReplayError(ImusicError):
    """A recording cannot be replayed as was asked."""

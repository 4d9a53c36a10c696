"""Errors of recording: each message says what was expected, what was found and what to do."""

from __future__ import annotations

from face_model.errors import ImusicError


class RecordingError(ImusicError):
    """Nothing can be recorded, or a recording cannot be mended."""


class DiskFullError(RecordingError):
    """The disk has no room left for a recording."""

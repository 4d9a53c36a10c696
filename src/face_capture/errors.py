"""Errors of a capture: each message says what was expected, what was found and what to do."""

from __future__ import annotations

from face_model.errors import ImusicError


class CaptureError(ImusicError):
    """Anything that keeps faces from coming out of a capture."""


class SourceError(CaptureError, ValueError):
    """No port, address, recording or simulation can be meant by this text, or it cannot be used."""


class NoSamplesError(CaptureError, TimeoutError):
    """No samples came for as long as the caller was ready to wait; the capture goes on, and may be asked again."""


class CalibrationError(CaptureError):
    """The neutral could not be learned; the one before stays."""

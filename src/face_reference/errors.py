"""Errors of the reference: each message says what was expected, what was found and what to do."""

from __future__ import annotations

from face_model.errors import ImusicError


class FaceReferenceError(ImusicError):
    """Anything that keeps a reference face from being received or brought onto the sensors' clock."""


class SourceError(FaceReferenceError):
    """A source cannot be opened: a port is taken, a library or a file is missing, an address makes no sense."""


class AlignmentError(FaceReferenceError):
    """Two recordings do not show the same face at the same time, or too little of it to tell."""

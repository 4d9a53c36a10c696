"""Errors of takes; each message says what was expected, what was found and what to do."""

from __future__ import annotations

from face_model.errors import ImusicError


class TakeError(ImusicError):
    """Something that was asked of a take cannot be done."""


class NoTakeError(TakeError):
    """What was named is no take, or one that cannot be opened."""

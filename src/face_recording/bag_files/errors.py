"""Errors of reading bags."""

from __future__ import annotations

from face_model.errors import ImusicError


class BagError(ImusicError):
    """A bag that cannot be read: missing, damaged, of another format, or without what is asked of it."""


class NamespaceError(BagError):
    """A bag holds several wearers and none was named, or not the one that was."""

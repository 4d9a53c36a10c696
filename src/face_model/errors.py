"""Errors that people see: each message says what was expected, what was found and what to do."""

from __future__ import annotations


class ImusicError(Exception):
    """Anything that this package refuses; the command line prints it in one line."""


class SettingsError(ImusicError, ValueError):
    """A settings file is missing, is no YAML, or holds what is not understood."""


class FaceModelError(ImusicError, ValueError):
    """A layout, rig or recording that cannot be used."""


class LayoutError(FaceModelError):
    """A sensor layout file is missing, malformed or contradicts itself."""


class RigFileError(FaceModelError):
    """A file or folder is no face rig: it is missing, damaged, or lacks what a rig needs."""


class RigFeatureError(RigFileError):
    """A rig file needs a feature that is not read here, such as a compression."""


class RigGeometryError(RigFileError):
    """A rig's axes, size or landmarks cannot be told from its geometry."""


class LiveLinkError(FaceModelError):
    """A Live Link Face CSV that cannot be used: missing, of another format, or without a face."""


class OutputError(FaceModelError):
    """A result cannot be written: no such folder, no permission, or no room."""


class SnapshotError(FaceModelError):
    """A saved state that cannot be gone on from: damaged, of another version, model or hub. Nothing has changed."""

"""Errors of the viewer: each message says what was expected, what was found and what to do."""

from __future__ import annotations

from face_model.errors import ImusicError


class VizError(ImusicError):
    """The face cannot be shown."""


class PortError(VizError):
    """The page's address cannot be served: the port is taken, or the host is not this machine."""

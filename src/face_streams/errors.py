"""Errors of the streams: each message says what was expected, what was found and what to do."""

from __future__ import annotations

from face_model.errors import ImusicError, SettingsError


class StreamsError(ImusicError):
    """A stream that cannot be sent."""


class AddressError(StreamsError, ValueError):
    """The address of a stream makes no sense, or cannot be sent to or listened on."""


class MappingError(StreamsError, SettingsError):
    """A mapping of weights is missing, malformed or contradicts itself."""

"""Errors of the command line."""

from __future__ import annotations

from face_model.errors import ImusicError


class CommandError(ImusicError):
    """A verb cannot do its work; the message says what was expected, what was found and what to do."""


class UsageError(CommandError):
    """A verb was called wrongly: told as `imusic VERB: what; what to do`, with the exit status 2."""

"""Why received bytes were rejected."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

Reason: TypeAlias = Literal["bad_cobs", "short", "oversize", "bad_crc", "wrong_version", "unknown_type", "malformed"]
"""In the order of the checks; docs/protocol.md says what each means."""

REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
"""Every reject reason, in the order of the checks."""


class ProtocolError(ValueError):
    """A frame that is not a packet of this protocol; `malformed` is also raised when a packet cannot be encoded.

    Attributes:
        reason: the key of the parser's counters and of the diagnostics.
        found_version: of an intact packet of another version, else None.
    """

    def __init__(self, reason: Reason, message: str, found_version: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.found_version = found_version


def malformed(message: str) -> ProtocolError:
    """A payload that contradicts its type."""
    return ProtocolError("malformed", message)


def wrong_version(expected: int, found: int) -> ProtocolError:
    """An intact packet of another version, and what to do."""
    message = (
        f"expected hub protocol version {expected}, found version {found}; "
        "update the firmware of the hub or this package so that both speak the same version"
    )
    return ProtocolError("wrong_version", message, found)

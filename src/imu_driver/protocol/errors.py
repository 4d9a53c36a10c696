"""Why received bytes were rejected. `reason` is the key of the parser's counters and of the diagnostics."""

from __future__ import annotations

from typing import ClassVar


class ProtocolError(ValueError):
    """A frame that is not a packet of this protocol."""

    reason: ClassVar[str] = "protocol"


class BadCobsError(ProtocolError):
    """The frame is not COBS encoded, or was cut."""

    reason = "bad_cobs"


class ShortPacketError(ProtocolError):
    """The packet is too short to hold version, type and CRC."""

    reason = "short"


class OversizePacketError(ProtocolError):
    """The frame is longer than any packet may be."""

    reason = "oversize"


class BadCrcError(ProtocolError):
    """The checksum does not match."""

    reason = "bad_crc"


class WrongVersionError(ProtocolError):
    """An intact packet of another protocol version.

    Attributes:
        found: the version in the packet.
    """

    reason = "wrong_version"

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(
            f"expected hub protocol version {expected}, found version {found}; "
            "update the firmware of the hub or this package so that both speak the same version"
        )
        self.found = found


class UnknownTypeError(ProtocolError):
    """An intact packet whose type this version does not know."""

    reason = "unknown_type"


class MalformedPayloadError(ProtocolError):
    """An intact packet whose payload contradicts its type; also raised when a packet cannot be encoded."""

    reason = "malformed"


REASONS: tuple[str, ...] = tuple(
    kind.reason
    for kind in (
        BadCobsError,
        ShortPacketError,
        OversizePacketError,
        BadCrcError,
        WrongVersionError,
        UnknownTypeError,
        MalformedPayloadError,
    )
)
"""Every reject reason, in the order of the checks."""

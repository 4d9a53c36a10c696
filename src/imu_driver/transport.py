"""What a connection to a hub is, whatever carries its bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias, runtime_checkable

IsHub: TypeAlias = Callable[[bytes], bool]
"""Whether a datagram proves that its sender is a hub."""


class TransportError(OSError):
    """The connection cannot be opened or was lost. The message says what to do; retrying is always allowed."""


class NotFoundError(TransportError):
    """No such port or address on this machine."""


class BusyError(TransportError):
    """Another program holds the port."""


class DeniedError(TransportError):
    """The user may not open the port."""


class LostError(TransportError):
    """It was open, and is gone."""


class EndedError(TransportError):
    """A recording has no more bytes: retrying is of no use."""


class Transport(Protocol):
    """A byte stream, or datagrams of whole frames, to and from one hub.

    Used by one thread at a time. `open` after `close` works any number of times.
    """

    @property
    def foreign(self) -> int:
        """Datagrams dropped because somebody else sent them; 0 for ever where there is one sender only."""
        ...

    @property
    def datagrams(self) -> bool:
        """Whether hubs are told apart by their address, and not by what they are plugged into."""
        ...

    @property
    def description(self) -> str:
        """Where the bytes come from, for people."""
        ...

    def open(self, is_hub: IsHub | None = None) -> None:
        """Open; raises `TransportError`.

        Args:
            is_hub: chooses the hub among the senders of datagrams; where there is one sender only it is not asked.
                It is asked again, about other senders, when the hub has fallen silent: a hub may come back from another
                address.
        """
        ...

    def read(self, timeout_s: float) -> bytes:
        """What has arrived, at once; b"" if nothing does within `timeout_s`. Raises `TransportError`."""
        ...

    def write(self, data: bytes) -> None:
        """Send whole frames; raises `TransportError`."""
        ...

    def close(self) -> None:
        """Close; does nothing if it is not open, never raises."""
        ...


@runtime_checkable
class TellsRival(Protocol):
    """Knows whether somebody else claims to be the hub that is in use."""

    @property
    def rival(self) -> str:
        """Address of who does; empty: nobody did lately."""
        ...


@runtime_checkable
class RefusesHub(Protocol):
    """Can hear another hub than the one that it found."""

    def refuse_hub(self) -> None:
        """Who is heard is not the hub that is wanted: hear others, and this one in a few seconds again."""
        ...


@runtime_checkable
class SharedTransport(TellsRival, RefusesHub, Protocol):
    """A transport on which others can send, too. They are not heard, but looked at while the hub is."""

    is_rival: IsHub | None
    """Whether a datagram of somebody else claims to be of the hub that is in use; None: nobody looks."""

    def ask_others(self, data: bytes) -> None:
        """Send to the newest other sender, if one was heard since the last time; raises `LostError`."""
        ...


@runtime_checkable
class CheckedTransport(Transport, Protocol):
    """A transport that drops by itself what is not the hub's, and counts it."""

    @property
    def rejected(self) -> Mapping[str, int]:
        """What was dropped, by reason."""
        ...

    @property
    def last_reject(self) -> str:
        """The newest of it, for people; empty before the first."""
        ...

    @property
    def received(self) -> int:
        """Bytes that came over the line."""
        ...

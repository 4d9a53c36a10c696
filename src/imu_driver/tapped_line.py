"""A hub's line: what is sent and read is told to a tap, with the one time that the hub's code goes by."""

from __future__ import annotations

from collections.abc import Callable

from imu_driver.hub import FROM_HUB, TO_HUB, Tap
from imu_driver.transport import CheckedTransport, IsHub, RefusesHub, SharedTransport, TellsRival, Transport


class TappedLine:
    """A transport with its tap.

    Args:
        transport: to the hub.
        clock: host monotonic time, s.
        listen_only: what is sent goes nowhere.

    Attributes:
        tap: see `ReplayableHub`.
        now_s: time of what is being done. The clock is read by `look`, `look_again` and `read` alone, so that a replay
            can tell the same times.
        listen_only: as given.
        checked: the transport, where it drops by itself what is not the hub's.
    """

    def __init__(self, transport: Transport, clock: Callable[[], float], *, listen_only: bool) -> None:
        self.tap: Tap | None = None
        self.now_s = 0.0
        self.listen_only = listen_only
        self.checked = transport if isinstance(transport, CheckedTransport) else None
        self._transport = transport
        self._clock = clock
        self._told = False

    @property
    def description(self) -> str:
        """See `Transport`."""
        return self._transport.description

    @property
    def datagrams(self) -> bool:
        """See `Transport`."""
        return self._transport.datagrams

    @property
    def foreign(self) -> int:
        """See `Transport`."""
        return self._transport.foreign

    @property
    def rival(self) -> str:
        """See `TellsRival`; empty where nobody else can send."""
        return self._transport.rival if isinstance(self._transport, TellsRival) else ""

    def refuse_hub(self) -> None:
        """See `RefusesHub`; does nothing where there is one hub only."""
        if isinstance(self._transport, RefusesHub):
            self._transport.refuse_hub()

    def look_at_others(self, is_rival: IsHub) -> None:
        """Let others who send be looked at, where there can be some; see `SharedTransport`."""
        if isinstance(self._transport, SharedTransport):
            self._transport.is_rival = is_rival

    def look(self) -> float:
        """Look at the clock; the time from now on."""
        self._told = False
        self.now_s = self._clock()
        return self.now_s

    def look_again(self) -> None:
        """Look at the clock in the midst of a step, if something was told at the present time.

        Else a replay could not tell the two times apart, and would take what was not yet due at the first for due.
        """
        if self._told:
            self.look()

    def tell(self, what: int, data: bytes) -> None:
        """Tell the tap of something that happens now."""
        self._told = True
        if self.tap is not None:
            self.tap(what, self.now_s, data)

    def open(self, is_hub: IsHub | None = None) -> None:
        """See `Transport`."""
        self._transport.open(is_hub)

    def read(self, timeout_s: float) -> bytes:
        """What has arrived, and look at the clock; raises `TransportError`."""
        data = self._transport.read(timeout_s)
        self.look()
        self.tell(FROM_HUB, data)
        return data

    def send(self, data: bytes) -> None:
        """Send, unless the line is only listened to; raises `TransportError`."""
        if not self.listen_only:
            self._transport.write(data)
            self.tell(TO_HUB, data)

    def close(self) -> None:
        """See `Transport`."""
        self._transport.close()

"""PINGs out, PONGs in, the clock map in between."""

from __future__ import annotations

from imu_driver.clock import ClockMapper
from imu_driver.hubs.imusic_v1.protocol import Ping, Pong

MAX_WAITING = 32
"""Pings whose answer may still come; older ones are forgotten."""


class Pinger:
    """Decides when to ping and hands complete round trips to a clock map.

    Args:
        clock_map: learns from them and may ask for more.
        period_s: between pings.
        fast_s: between pings while the map is young or in doubt.

    Attributes:
        sent: pings so far.
    """

    def __init__(self, clock_map: ClockMapper, period_s: float, fast_s: float) -> None:
        self._clock_map = clock_map
        self._period_s = period_s
        self._fast_s = fast_s
        self.sent = 0
        self._sent: dict[int, float] = {}
        self._token = 0
        self._last_s = float("-inf")

    def anew(self, clock_map: ClockMapper) -> Pinger:
        """One that does the same for another map and has sent nothing."""
        return Pinger(clock_map, self._period_s, self._fast_s)

    def due(self, now_s: float, *, at_once: bool = False) -> Ping | None:
        """A ping to be sent now, or None; `at_once` if the last one was answered or has had time to be."""
        period = self._fast_s if self._clock_map.wants_pings else self._period_s
        if at_once:
            period = 0.0 if self._token not in self._sent else self._fast_s
        if now_s - self._last_s < period:
            return None
        self._last_s = now_s
        self.sent += 1
        self._token = (self._token + 1) & 0xFFFFFFFF
        if len(self._sent) >= MAX_WAITING:
            del self._sent[next(iter(self._sent))]
        self._sent[self._token] = now_s
        return Ping(self._token)

    def heard(self, ping: Ping, sent_s: float) -> None:
        """Somebody else, or a recording, sent a ping whose answer will be heard as well."""
        if len(self._sent) >= MAX_WAITING:
            del self._sent[next(iter(self._sent))]
        self._sent[ping.token] = sent_s

    def answered(self, pong: Pong, arrival_s: float) -> None:
        """A PONG came; one that nobody waits for is ignored."""
        sent_s = self._sent.pop(pong.token, None)
        if sent_s is not None:
            self._clock_map.add_ping(sent_s, pong.hub_time_us, arrival_s)

    def forget(self) -> None:
        """The connection or the hub's clock is another one: answers still under way mean nothing."""
        self._sent.clear()

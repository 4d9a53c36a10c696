"""How a session is timed and what it counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SessionParams:
    """Timing of a session, s.

    Attributes:
        read_timeout_s: longest wait for bytes in one step, and so the grain of all timers.
        retry_first_s: first wait before the transport is opened again; doubles each time.
        retry_most_s: longest such wait.
        hello_period_s: between HELLO_REQUESTs while connecting.
        error_period_s: between HELLO_REQUESTs to a hub that cannot be used.
        request_period_s: before a command without ACK is repeated.
        request_tries: before a command without ACK is given up.
        silence_s: without any packet while connecting, the transport is opened anew.
        watchdog_s: without a sample for this long, and for `watchdog_periods`, the hub is asked again.
        watchdog_periods: see `watchdog_s`.
        first_pings_s: before START, pings are given this long to agree, and `most_first_pings`.
        most_first_pings: see `first_pings_s`.
        first_sample_s: the same for the first sample after START.
        idle_watchdog_s: the same while streaming is off, for any packet.
        hold_s: a sample whose time is in doubt waits this long at most for a PONG that settles it; then it is dropped.
        ping_period_s: between PINGs.
        ping_fast_s: between PINGs while the clock map is young or in doubt.
    """

    read_timeout_s: float = 0.02
    retry_first_s: float = 0.1
    retry_most_s: float = 0.25
    hello_period_s: float = 0.25
    error_period_s: float = 1.0
    request_period_s: float = 0.25
    request_tries: int = 4
    silence_s: float = 5.0
    watchdog_s: float = 0.3
    watchdog_periods: float = 5.0
    first_pings_s: float = 0.5
    most_first_pings: int = 14
    first_sample_s: float = 1.0
    idle_watchdog_s: float = 3.5
    hold_s: float = 0.1
    ping_period_s: float = 1.0
    ping_fast_s: float = 0.037


@dataclass
class SessionCounters:
    """What happened since the session was made.

    Attributes:
        connections: times that samples began to flow.
        reboots: new boot ids.
        watchdog: times that samples stopped without a word.
        samples: handed on.
        lost: missing between them, by the hub's count.
        out_of_order: dropped because they were old or repeated.
        stale: dropped because they belonged to no acknowledged START.
        untimed: dropped because the time at which they were taken was in doubt.
    """

    connections: int = 0
    reboots: int = 0
    watchdog: int = 0
    samples: int = 0
    lost: int = 0
    out_of_order: int = 0
    stale: int = 0
    untimed: int = 0

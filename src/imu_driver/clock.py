"""The hub's clock on the host's monotonic clock.

A packet can only be late: `arrival - hub time` is the true offset plus a delay of at least zero. The lower envelope of
these points over a window therefore gives offset and skew whatever the jitter, as the edge of the convex hull below
them that spans the mean time (S. Moon, P. Skelly, D. Towsley, "Estimation and removal of clock skew from network delay
measurements", IEEE INFOCOM 1999). What stays constant in the delay, the envelope cannot see; the pings with the
shortest round trip give it, on the assumption that their two ways take equally long (as in NTP, RFC 5905).
Each ping also bounds the truth: the hub read its clock after the ping was sent and before the answer came. A map that
says otherwise is wrong beyond doubt, which finds a clock that was set back without waiting.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True)
class ClockParams:
    """How the map is learned.

    Attributes:
        window_s: points older than this are forgotten; longer is steadier, shorter follows temperature sooner.
        bucket_s: only the earliest point of each bucket is kept, and the map is computed anew after each bucket.
        min_span_s: no skew is estimated from less time than this.
        max_skew_ppm: of a crystal; a guess with ample margin over the 10 to 50 ppm of hub data sheets.
        step_s: a packet this much too early proves that the hub's clock jumped ahead, unless the map is young.
        young_s: a map is young before it has learned for this long.
        late_s: packets that are all later than this for `late_for_s` are taken for a clock that was set back.
        late_for_s: see `late_s`.
        suspect_s: packets that are all later than this for `suspect_for_s` are worth a ping.
        suspect_for_s: see `suspect_s`.
        agree_s: round trips within this of the shortest agree with it.
        agreeing_pings: pings are wanted in quick succession until this many agree, as they do on a free line.
        most_pings: but no more than this in a window.
    """

    window_s: float = 30.0
    bucket_s: float = 0.25
    min_span_s: float = 6.0
    max_skew_ppm: float = 200.0
    step_s: float = 0.005
    young_s: float = 2.0
    late_s: float = 0.025
    late_for_s: float = 1.0
    suspect_s: float = 0.003
    suspect_for_s: float = 0.2
    agree_s: float = 0.0003
    agreeing_pings: int = 4
    most_pings: int = 200


@dataclass
class ClockState:
    """What was learned; copy it to save and assign it to restore.

    Times `x` are hub seconds since `origin_us`, offsets `y` are host seconds minus `x`.
    """

    origin_us: int = 0
    newest_us: int = -1
    buckets: deque[tuple[float, float]] = field(default_factory=deque)
    bucket_end: float = -math.inf
    open_x: float = 0.0
    open_y: float = math.inf
    slope: float = 0.0
    intercept: float = math.inf
    sample_delay_s: float = 0.0
    pings: deque[tuple[float, float, float]] = field(default_factory=deque)
    agreeing: int = 0
    newest_s: float = 0.0
    on_time_s: float = 0.0
    punctual_s: float = 0.0
    residual_s: float = 0.0
    resets: int = 0


class ClockMapper:
    """Maps hub time to host time."""

    def __init__(self, params: ClockParams | None = None) -> None:
        self.params = params or ClockParams()
        self.state = ClockState()

    @property
    def ready(self) -> bool:
        """Whether a sample has arrived since the start or the last reset."""
        return math.isfinite(self.state.intercept)

    @property
    def wants_pings(self) -> bool:
        """Whether pings should come faster than usual.

        The map is young, or everything is late lately: a jam on the line or a clock set back, which a ping tells apart.
        """
        state = self.state
        late = self.ready and state.newest_s - state.punctual_s > self.params.suspect_for_s
        doubtful = late or state.agreeing < self.params.agreeing_pings
        return doubtful and len(state.pings) < self.params.most_pings

    @property
    def skew_ppm(self) -> float:
        """How much faster the host's clock runs than the hub's, parts per million."""
        return self.state.slope * 1e6

    @property
    def round_trip_s(self) -> float | None:
        """Shortest recent round trip, None before the first PONG."""
        return min((ping[2] for ping in self.state.pings), default=None)

    @property
    def residual_s(self) -> float:
        """How late samples arrive beyond the earliest possible, smoothed over 100 samples: the line's jitter."""
        return self.state.residual_s

    def to_host(self, hub_time_us: int) -> float:
        """Host time of a hub time, s; call `add_sample` first.

        Raises:
            RuntimeError: nothing was learned yet.
        """
        if not self.ready:
            raise RuntimeError("expected a sample before times are mapped, found none; call add_sample first")
        x = self._x(hub_time_us)
        return x + self._envelope(x) - self.state.sample_delay_s

    def add_sample(self, hub_time_us: int, arrival_s: float) -> float:
        """Learn from a sample that arrived at `arrival_s` (host) and return its host time, never after its arrival.

        Samples come in the order in which the hub took them; an older one means that the hub's clock went back.
        """
        state = self.state
        params = self.params
        if not self.ready or hub_time_us < state.newest_us or self._contradicts(hub_time_us, arrival_s):
            self._restart(hub_time_us, arrival_s)
        state = self.state
        state.newest_us, state.newest_s = hub_time_us, arrival_s
        x = self._x(hub_time_us)
        y = arrival_s - x
        late = y - self._envelope(x)
        if late < params.late_s:
            state.on_time_s = arrival_s
        if late < params.suspect_s:
            state.punctual_s = arrival_s
        state.residual_s += 0.01 * (max(late, 0.0) - state.residual_s)
        self._collect(x, y)
        return min(self.to_host(hub_time_us), arrival_s)

    def add_ping(self, sent_s: float, hub_time_us: int, received_s: float) -> bool:
        """Learn from a PING sent and its PONG received at these host times.

        Returns:
            False if it contradicts the map, which then starts anew at the next sample.
        """
        if received_s < sent_s:
            return True
        state = self.state
        if self.ready:
            mapped = self.to_host(hub_time_us)
            # A fresh map is only as good as its few points: it may be late, but not by more than a step.
            if not sent_s - self.params.step_s <= mapped <= received_s + self.params.step_s:
                self._forget()
                return False
        x = self._x(hub_time_us)
        state.pings.append((x, 0.5 * (sent_s + received_s) - x, received_s - sent_s))
        while state.pings[0][0] < x - self.params.window_s:
            state.pings.popleft()
        self._remove_constant_delay()
        return True

    def reset(self) -> None:
        """Forget everything but the count of resets, after a reboot or a new connection."""
        self._forget()

    def _contradicts(self, hub_time_us: int, arrival_s: float) -> bool:
        state, params = self.state, self.params
        x = self._x(hub_time_us)
        late = arrival_s - x - self._envelope(x)
        # A young map may have begun in a jam: what comes earlier then only improves it.
        jumped_ahead = late < -params.step_s and x > params.young_s
        set_back = late >= params.late_s and arrival_s - state.on_time_s > params.late_for_s
        return jumped_ahead or set_back

    def _x(self, hub_time_us: int) -> float:
        return (hub_time_us - self.state.origin_us) * 1e-6

    def _envelope(self, x: float) -> float:
        return self.state.intercept + self.state.slope * x

    def _forget(self) -> None:
        self.state = ClockState(resets=self.state.resets + 1)

    def _restart(self, hub_time_us: int, arrival_s: float) -> None:
        if self.ready:
            self._forget()
        state = self.state
        # Pings from before the first sample stay, on the new origin.
        shift = self._x(hub_time_us)
        state.pings = deque((x - shift, y + shift, trip) for x, y, trip in state.pings)
        state.origin_us = hub_time_us
        state.on_time_s = state.punctual_s = arrival_s
        state.intercept = arrival_s
        self._remove_constant_delay()

    def _collect(self, x: float, y: float) -> None:
        state = self.state
        if x >= state.bucket_end:
            if math.isfinite(state.open_y):
                state.buckets.append((state.open_x, state.open_y))
                self._fit(x)
            state.bucket_end = x + self.params.bucket_s
            state.open_x, state.open_y = x, y
        elif y < state.open_y:
            state.open_x, state.open_y = x, y
        # Until the next fit the line must still lie below every point.
        excess = self._envelope(x) - y
        if excess > 0.0:
            state.intercept -= excess

    def _fit(self, now_x: float) -> None:
        state = self.state
        while state.buckets and state.buckets[0][0] < now_x - self.params.window_s:
            state.buckets.popleft()
        points = state.buckets
        if not points:
            return
        span = points[-1][0] - points[0][0]
        limit = self.params.max_skew_ppm * 1e-6
        slope = _edge_slope(points) if span >= self.params.min_span_s else 0.0
        state.slope = max(-limit, min(limit, slope))
        state.intercept = min(y - state.slope * x for x, y in points)
        self._remove_constant_delay()

    def _remove_constant_delay(self) -> None:
        state = self.state
        if not state.pings:
            return
        shortest = min(trip for _, _, trip in state.pings)
        best = [(x, y) for x, y, trip in state.pings if trip <= shortest + self.params.agree_s]
        state.agreeing = len(best)
        if self.ready:
            # Pings that waited for nothing agree with one another; their median is steadier than the best alone.
            state.sample_delay_s = sorted(self._envelope(x) - y for x, y in best)[len(best) // 2]


def _edge_slope(points: deque[tuple[float, float]]) -> float:
    """Slope of the lower hull's edge that spans the mean of `x`; points are ordered by `x`."""
    hull: list[tuple[float, float]] = []
    for x, y in points:
        while len(hull) > 1:
            (x1, y1), (x2, y2) = hull[-2], hull[-1]
            if (y2 - y1) * (x - x2) < (y - y2) * (x2 - x1):
                break
            hull.pop()
        hull.append((x, y))
    mean = sum(x for x, _ in points) / len(points)
    for (x1, y1), (x2, y2) in pairwise(hull):
        if x1 <= mean <= x2 and x2 > x1:
            return (y2 - y1) / (x2 - x1)
    return 0.0

"""The hub's clock on the host's monotonic clock.

A packet can only be late: `arrival - hub time` is the true offset plus a delay of at least zero. The lower envelope of
these points over a window therefore gives offset and skew whatever the jitter, as the edge of the convex hull below
them that spans the mean time (S. Moon, P. Skelly, D. Towsley, "Estimation and removal of clock skew from network delay
measurements", IEEE INFOCOM 1999). What stays constant in the delay, the envelope cannot see; the pings with the
shortest round trip give it, on the assumption that their two ways take equally long (as in NTP, RFC 5905).
Each ping also bounds the truth: the hub read its clock after the ping was sent and before the answer came, and not
sooner than a line without a jam takes each way. A map that says otherwise is wrong beyond doubt: the clock was set.

Lateness alone proves nothing: a clock that was set back, a jam and a reader that stood still look the same until a ping
is answered, and so do a clock set ahead and the end of a jam in which the map was learned. Until then the map is in
doubt, and what it says of a sample is not to be relied on; see `ClockMapper.certain`.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

from face_model.lower_hull import lower_hull


@dataclass(frozen=True)
class ClockParams:
    """How the map is learned.

    Attributes:
        window_s: points older than this are forgotten; longer is steadier, shorter follows temperature sooner.
        bucket_s: only the earliest point of each bucket is kept, and the map is computed anew after each bucket.
        min_span_s: no skew is estimated from less time than this.
        max_skew_ppm: of a crystal; a guess with ample margin over the 10 to 50 ppm of hub data sheets. Half of it at
            `min_span_s`, all from twice that on.
        step_s: without pings, a packet this much too early proves that the hub's clock jumped ahead, unless the map
            is young.
        young_s: a map is young before it has learned for this long.
        late_s: without pings, packets that are all later than this for `late_for_s` are taken for a clock that was
            set back.
        late_for_s: see `late_s`.
        suspect_s: a packet that is later than this and `suspect_times` the usual puts the map in doubt.
        suspect_times: see `suspect_s`.
        excused_decay: lateness that a ping found to be no step is remembered as usual, and forgotten by this part with
            each sample.
        early_s: a packet this much earlier than all before it puts the map in doubt.
        usual_most_s: no packet counts as later than this in what is usual.
        bound_s: what a ping's bounds allow for: rounding, and skew that is not known yet.
        ahead_s: a sample that was taken this long before a ping does not come after it.
        doubt_s: a map in doubt that no ping settles for this long is taken as it is.
        recent_s: of pings that agree, those of so long count.
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
    suspect_s: float = 0.001
    suspect_times: float = 6.0
    excused_decay: float = 0.001
    early_s: float = 0.0008
    usual_most_s: float = 0.005
    bound_s: float = 0.0006
    ahead_s: float = 0.1
    doubt_s: float = 5.0
    recent_s: float = 5.0
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
    trip_s: float = math.inf
    answered: bool = False
    doubt_since_s: float | None = None
    doubt_late: bool = False
    doubt_by_s: float = 0.0
    doubt_early_s: float = 0.0
    excused_s: float = 0.0
    jammed: bool = False
    residual_s: float = 0.0003
    resets: int = 0


class ClockMapper:
    """Maps hub time to host time."""

    def __init__(self, params: ClockParams | None = None) -> None:
        self.params = params or ClockParams()
        self.state = ClockState()
        self._stood = (math.inf, -math.inf)

    @property
    def ready(self) -> bool:
        """Whether a sample has arrived since the start or the last reset."""
        return math.isfinite(self.state.intercept)

    @property
    def wants_pings(self) -> bool:
        """Whether pings should come faster than usual: the map is young or in doubt, or the line is jammed."""
        state = self.state
        doubtful = state.doubt_since_s is not None or state.jammed or not self.settled
        return doubtful and len(state.pings) < self.params.most_pings

    @property
    def settled(self) -> bool:
        """Whether as many pings agree as are wanted."""
        return self.state.agreeing >= self.params.agreeing_pings

    @property
    def certain(self) -> bool:
        """Whether the newest sample's time is to be relied on; always so where no ping is ever answered."""
        return self.state.doubt_since_s is None

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
        if not self.ready or hub_time_us < self.state.newest_us or self._contradicts(hub_time_us, arrival_s):
            self._restart(hub_time_us, arrival_s)
        state, params = self.state, self.params
        state.newest_us, state.newest_s = hub_time_us, arrival_s
        x = self._x(hub_time_us)
        y = arrival_s - x
        late = y - self._envelope(x)
        if late < params.late_s:
            state.on_time_s = arrival_s
        excused = late > params.suspect_s and self._stood[0] <= arrival_s - late <= self._stood[1]
        if excused and state.answered:
            return min(self.to_host(hub_time_us), arrival_s)
        self._doubt(late, arrival_s)
        # Bounded, so that after a jam lateness is soon remarkable again.
        state.residual_s += 0.01 * (min(max(late, 0.0), params.usual_most_s) - state.residual_s)
        if late <= 0.0 or not state.jammed:
            # What came in a jam says nothing of the skew, after a pause least of all.
            self._collect(x, y)
        return min(self.to_host(hub_time_us), arrival_s)

    def add_ping(self, sent_s: float, hub_time_us: int, received_s: float) -> bool:
        """Learn from a PING sent and its PONG received at these host times.

        Returns:
            False if it contradicts the map, which then starts anew at the next sample.
        """
        if received_s < sent_s:
            return True
        state, trip_s = self.state, received_s - sent_s
        # A step as large as the sample was early would show in this ping.
        good = trip_s <= state.trip_s + max(self.params.agree_s, 0.5 * state.doubt_early_s)
        kept = True
        if self.ready:
            mapped = self.to_host(hub_time_us)
            # A line without a jam takes half the shortest round trip each way, a jammed one longer.
            least_s = 0.5 * min(state.trip_s, trip_s) if self._known else 0.0
            slack_s = self.params.bound_s if self._known else self.params.step_s
            if not sent_s + least_s - slack_s <= mapped <= received_s - least_s + slack_s:
                self._forget(keep_trip=True)
                state, kept = self.state, False
        x = self._x(hub_time_us)
        state.answered = True
        state.pings.append((x, 0.5 * (sent_s + received_s) - x, trip_s))
        while state.pings[0][0] < x - self.params.window_s:
            state.pings.popleft()
        self._remove_constant_delay()
        since_s = state.doubt_since_s
        # A clock set back would be seen however long the answer took; one set ahead only if the line was free.
        if since_s is not None and sent_s >= since_s and self._known and (good or state.doubt_late):
            if state.doubt_late:
                state.excused_s = max(state.excused_s, min(state.doubt_by_s, self.params.usual_most_s))
            state.doubt_since_s = None
        return kept

    def reader_stood(self, from_s: float, to_s: float) -> None:
        """The reader did not look between these host times: what should have come then is late for that reason."""
        self._stood = from_s - self.params.suspect_s, to_s + self.params.suspect_s

    def reset(self) -> None:
        """Forget everything but the count of resets, after a reboot or a new connection."""
        self._forget()

    def _contradicts(self, hub_time_us: int, arrival_s: float) -> bool:
        state, params = self.state, self.params
        if state.answered:
            return False  # they tell, and for certain
        x = self._x(hub_time_us)
        late = arrival_s - x - self._envelope(x)
        # A young map may have begun in a jam: what comes earlier then only improves it.
        jumped_ahead = late < -params.step_s and x > params.young_s
        set_back = late >= params.late_s and arrival_s - state.on_time_s > params.late_for_s
        return jumped_ahead or set_back

    def _doubt(self, late: float, arrival_s: float) -> None:
        """Begin to doubt the map, or go on, or give it up."""
        state, params = self.state, self.params
        if not state.answered:
            return
        state.excused_s *= 1.0 - params.excused_decay
        usual_s = max(params.suspect_times * state.residual_s, state.excused_s)
        if late > params.suspect_s + usual_s:
            if not state.jammed and state.doubt_since_s is None:
                state.doubt_since_s, state.doubt_late, state.doubt_by_s = arrival_s, True, late
                state.doubt_early_s = 0.0
            state.jammed = True
        elif late < params.suspect_s:
            state.jammed = False
        if late < -params.early_s and (state.doubt_since_s is None or state.doubt_late):
            state.doubt_since_s, state.doubt_late, state.doubt_early_s = arrival_s, False, -late
        since_s = state.doubt_since_s
        if since_s is not None and arrival_s - since_s > params.doubt_s:
            state.doubt_since_s = None

    @property
    def _known(self) -> bool:
        """Whether it is known how long a round trip takes on a free line."""
        return math.isfinite(self.state.trip_s)

    def _x(self, hub_time_us: int) -> float:
        return (hub_time_us - self.state.origin_us) * 1e-6

    def _envelope(self, x: float) -> float:
        return self.state.intercept + self.state.slope * x

    def _forget(self, *, keep_trip: bool = False) -> None:
        before = self.state
        self.state = ClockState(resets=before.resets + 1, answered=before.answered)
        if keep_trip:
            # The clock was set, but the line is the same.
            self.state.trip_s, self.state.residual_s = before.trip_s, before.residual_s

    def _restart(self, hub_time_us: int, arrival_s: float) -> None:
        if self.ready:
            self._forget(keep_trip=True)
        state = self.state
        # Pings from before the first sample stay, on the new origin, unless they tell of a later clock: it was set.
        shift = self._x(hub_time_us)
        state.pings = deque(
            (x - shift, y + shift, trip) for x, y, trip in state.pings if x <= shift + self.params.ahead_s
        )
        state.origin_us = hub_time_us
        state.on_time_s = arrival_s
        state.intercept = arrival_s
        self._remove_constant_delay()
        if state.answered and not (self._known and self._good_pings()):
            state.doubt_since_s = arrival_s

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
            if excess > self.params.bound_s:
                self._remove_constant_delay()  # what the map was learned from was late all the time

    def _fit(self, now_x: float) -> None:
        state = self.state
        while state.buckets and state.buckets[0][0] < now_x - self.params.window_s:
            state.buckets.popleft()
        points = state.buckets
        if not points:
            return
        span = points[-1][0] - points[0][0]
        # A jam amid a short span looks like skew.
        limit = self.params.max_skew_ppm * 1e-6 * min(1.0, 0.5 * span / self.params.min_span_s)
        slope = _edge_slope(points) if span >= self.params.min_span_s else 0.0
        state.slope = max(-limit, min(limit, slope))
        state.intercept = min(y - state.slope * x for x, y in points)
        self._remove_constant_delay()

    def _good_pings(self) -> int:
        """Pings of this map whose round trip is that of a free line."""
        return sum(trip <= self.state.trip_s + self.params.agree_s for _, _, trip in self.state.pings)

    def _remove_constant_delay(self) -> None:
        state = self.state
        if not state.pings:
            return
        shortest = min(trip for _, _, trip in state.pings)
        best = [(x, y) for x, y, trip in state.pings if trip <= shortest + self.params.agree_s]
        state.agreeing = len(best)
        if self.settled:
            state.trip_s = shortest
        if self.ready:
            # Pings that waited for nothing agree with one another; their median is steadier than the best alone. Old
            # ones tell of the skew, too, and only until that is known.
            recent = [(x, y) for x, y in best if x >= best[-1][0] - self.params.recent_s]
            state.sample_delay_s = sorted(self._envelope(x) - y for x, y in recent)[len(recent) // 2]


def _edge_slope(points: deque[tuple[float, float]]) -> float:
    """Slope of the lower hull's edge that spans the mean of `x`; points are ordered by `x`."""
    mean = sum(x for x, _ in points) / len(points)
    for (x1, y1), (x2, y2) in pairwise(lower_hull(points)):
        if x1 <= mean <= x2 and x2 > x1:
            return (y2 - y1) / (x2 - x1)
    return 0.0

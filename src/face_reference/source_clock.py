"""When a picture was taken on this machine's clock, from what its source's own clock says and when it arrived.

The same idea as `imu_driver.clock` has for hubs: what arrives earliest waited least, and a line under all arrivals
follows the two clocks' drift. A phone answers no pings, so that the shortest delay of its way stays in: about 2 ms on
a good wireless network, which the alignment of a take takes out together with the camera's own lag.

Anybody may send packets, and a picture that came before it could would draw the line down for minutes. So whatever lies
under the line, or far from it, is believed only after as many pictures in the order of the source's clock as nobody
sends between those of another clock; until then such a picture has the time at which it arrived. What is early by less
than one picture cannot be told from the source's own, and moves the line by no more.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise

from face_model.lower_hull import lower_hull

_BUCKET_S = 2.0
_WINDOW_S = 120.0
_LEAST_SPAN_S = 20.0
"""Before that the drift is taken for nought."""
_MOST_DRIFT = 500e-6
_STEP_S = 1.0
"""Early or late by more than this, the source's clock was set; a phone's timecode also starts anew at midnight."""
_IN_ORDER = 10
_CONFIRMED_S = 0.25
"""So many pictures in order, over so much time, confirm what the first of them said: a source sends in it, too."""
_NEAR_S = 0.02
"""What is as little early belongs to the same clock as what is not."""
_SPREAD_S = 0.1
_MOST_WAITING = 60
"""A clock that was set makes all pictures as late, within this; what was held up comes less and less late. So many are
believed all the same."""


class SourceClock:
    """Maps the times of one source.

    Attributes:
        restarts: how often the source's clock was set.
    """

    def __init__(self) -> None:
        self.restarts = 0
        self._origin_s: float | None = None
        self._intercept = self._slope = self._delay_s = 0.0
        self._bucket_end = -math.inf
        self._points: deque[tuple[float, float]] = deque()
        self._open: tuple[float, float] | None = None
        self._before_s = self._believed_s = -math.inf
        self._waiting: deque[tuple[int, float, float, float]] = deque(maxlen=_MOST_WAITING)
        self._far, self._in_order = False, 0

    @property
    def drift_ppm(self) -> float:
        """How much faster this machine's clock runs than the source's."""
        return 1e6 * self._slope

    @property
    def delay_s(self) -> float:
        """How late pictures arrive beyond the earliest, smoothed over a hundred."""
        return self._delay_s

    def taken_s(self, source_s: float, arrival_s: float) -> float:
        """When a picture was taken, s on the monotonic clock; never after it arrived. Not a number: as it arrived."""
        if not math.isfinite(source_s):
            return arrival_s
        late = arrival_s - source_s
        if source_s < self._before_s:
            self._waiting.clear()  # one of the two was of no clock, or of another
        in_order, self._before_s = source_s > self._before_s, source_s
        self._in_order += in_order
        excess = math.inf if self._origin_s is None else late - self._line(source_s)
        far = abs(excess) > _STEP_S
        if far != self._far:
            self._waiting.clear()
            self._far = far
        if not far and excess >= -_NEAR_S and self._waiting:  # the clock was not set meanwhile
            self._waiting = deque((w for w in self._waiting if w[3] >= self._line(w[2]) - _NEAR_S), _MOST_WAITING)
        if far or excess < 0.0:
            self._waiting.append((self._in_order, arrival_s, source_s, late))
        else:
            self._learn(source_s, late)
        self._believe(arrival_s)
        if self._origin_s is None:
            return arrival_s
        excess = late - self._line(source_s)
        if abs(excess) > _STEP_S and not 0.0 <= source_s - self._believed_s < _WINDOW_S:
            return arrival_s
        if abs(excess) <= _STEP_S:
            self._believed_s = source_s
            self._delay_s += 0.01 * (max(excess, 0.0) - self._delay_s)
        return min(source_s + self._line(source_s), arrival_s)

    def _believe(self, now_s: float) -> None:
        """Learn what waited long enough; where it was far from the line, the clock was set."""
        waiting = self._waiting
        if self._far and len(waiting) >= _IN_ORDER and now_s - waiting[0][1] >= _CONFIRMED_S:
            lates = [late for *_, late in waiting]
            told = len(waiting) >= _MOST_WAITING or max(lates[-_IN_ORDER:]) - min(lates[-_IN_ORDER:]) < _SPREAD_S
            if not told and self._origin_s is not None:
                return
            self.restarts += self._origin_s is not None
            self._begin()
            self._origin_s, self._intercept = waiting[0][2], min(lates)
            for *_, source_s, late in waiting:
                self._learn(source_s, late)
            waiting.clear()
        while not self._far and waiting:
            order, arrival_s, source_s, late = waiting[0]
            if self._in_order - order < _IN_ORDER - 1 or now_s - arrival_s < _CONFIRMED_S:
                return
            self._learn(source_s, late)
            waiting.popleft()

    def _begin(self) -> None:
        self._origin_s, self._open = None, None
        self._intercept = self._slope = 0.0
        self._bucket_end = self._believed_s = -math.inf
        self._points.clear()

    def _line(self, source_s: float) -> float:
        assert self._origin_s is not None
        return self._intercept + self._slope * (source_s - self._origin_s)

    def _learn(self, source_s: float, late: float) -> None:
        if source_s >= self._bucket_end:
            if self._open is not None:
                self._points.append(self._open)
                self._fit(source_s)
            self._bucket_end, self._open = source_s + _BUCKET_S, (source_s, late)
        elif self._open is None or late < self._open[1]:
            self._open = (source_s, late)
        self._intercept -= max(0.0, self._line(source_s) - late)

    def _fit(self, now_s: float) -> None:
        points = self._points
        while points and points[0][0] < now_s - _WINDOW_S:
            points.popleft()
        origin_s = self._origin_s
        assert origin_s is not None
        if len(points) > 1 and points[-1][0] - points[0][0] >= _LEAST_SPAN_S:
            self._slope = min(max(_lower_slope(list(points)), -_MOST_DRIFT), _MOST_DRIFT)
        self._intercept = min(late - self._slope * (at - origin_s) for at, late in points)


def _lower_slope(points: list[tuple[float, float]]) -> float:
    """Slope of the line under all points that lies highest at their middle."""
    middle = 0.5 * (points[0][0] + points[-1][0])
    for (x1, y1), (x2, y2) in pairwise(lower_hull(points)):
        if x1 <= middle <= x2:
            return (y2 - y1) / (x2 - x1)
    return 0.0

"""When a picture was taken on this machine's clock, from what its source's own clock says and when it arrived.

The same idea as `imu_driver.clock` has for hubs: what arrives earliest waited least, and a line under all arrivals
follows the two clocks' drift. A phone answers no pings, so that the shortest delay of its way stays in: about 2 ms on
a good wireless network, which the alignment of a take takes out together with the camera's own lag.
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


class SourceClock:
    """Maps the times of one source.

    Attributes:
        restarts: how often the source's clock was set.
    """

    def __init__(self) -> None:
        self.restarts = 0
        self._origin_s: float | None = None
        self._intercept = self._slope = self._delay_s = 0.0
        self._newest_s = self._last_late = self._bucket_end = -math.inf
        self._points: deque[tuple[float, float]] = deque()
        self._open: tuple[float, float] | None = None

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
        if self._origin_s is not None and self._was_set(source_s, late):
            self.restarts += 1
            self._begin()
        if self._origin_s is None:
            self._origin_s, self._intercept = source_s, late
        self._newest_s, self._last_late = max(self._newest_s, source_s), late
        self._learn(source_s, late)
        excess = late - self._line(source_s)
        self._delay_s += 0.01 * (min(max(excess, 0.0), _STEP_S) - self._delay_s)
        return min(source_s + self._line(source_s), arrival_s)

    def _was_set(self, source_s: float, late: float) -> bool:
        """Whether the source's clock was set: one picture that comes late was held up, two in a row tell."""
        if abs(late - self._line(source_s)) <= _STEP_S:
            return False
        return source_s < self._newest_s or abs(late - self._last_late) < _STEP_S or late < self._line(source_s)

    def _begin(self) -> None:
        self._origin_s, self._open = None, None
        self._intercept = self._slope = 0.0
        self._newest_s = self._last_late = self._bucket_end = -math.inf
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

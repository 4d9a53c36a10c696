"""Two times of a node: the ROS clock, which a simulation or a replay may stop and turn back, and one that only goes on.

Stamps and what is computed from them are of the ROS clock. How long something has been silent, and for how long
somebody is waited for, must neither run on while `/clock` stands still nor leap when it does: that is `NodeTime`.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

MOST_CREDIT_S = 0.25
"""How far the two clocks may run apart before that is taken for a pause, or for a rate other than 1: a `/clock` that
comes five times a second is followed."""


class NodeTime:
    """Seconds that pass only while both the computer's clock and `/clock` go on. Safe in several threads.

    Without `use_sim_time` it is `time.monotonic`. With it, it stands still while `/clock` does, goes as slowly as a
    slow replay and no faster than the computer's clock in a fast one, and never goes back, whatever `/clock` does.

    Args:
        simulated_s: the ROS clock, s, where it follows `/clock`; None where it does not.
        monotonic: the computer's clock, s.
    """

    def __init__(
        self, simulated_s: Callable[[], float | None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._simulated_s, self._monotonic = simulated_s, monotonic
        self._lock = threading.Lock()
        self._behind_s = 0.0
        self._last_s = -math.inf
        self._then: tuple[float, float] | None = None
        self._credit = (0.0, 0.0)

    def now_s(self) -> float:
        """Never less than before."""
        with self._lock:
            self._follow(self._monotonic(), self._simulated_s())
            return self._last_s

    def _follow(self, own_s: float, simulated_s: float | None) -> None:
        if simulated_s is None:
            self._then = None
        else:
            if self._then is None:
                self._then, self._credit = (own_s, simulated_s), (0.0, 0.0)
            passed_s = own_s - self._then[0]
            real_s = self._credit[0] + passed_s
            played_s = self._credit[1] + max(0.0, simulated_s - self._then[1])
            step_s = min(real_s, played_s)
            self._credit = min(real_s - step_s, MOST_CREDIT_S), min(played_s - step_s, MOST_CREDIT_S)
            self._then = own_s, simulated_s
            self._behind_s += passed_s - step_s
        self._last_s = max(self._last_s, own_s - self._behind_s)  # rounded, too, it does not go back

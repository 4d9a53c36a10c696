"""How far two sets of facial motion are from each other, figure by figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from face_model import arkit, observability
from imu_sim.motion import Floats
from imu_sim.realism.statistics import SPEED_PERCENTILES, MotionStatistics

SKIN = np.array([i for i in observability.OBSERVABLE if not arkit.BLENDSHAPES[i].startswith("eyeBlink")])
"""Shapes that are compared: what moves skin, without blinks, which have figures of their own."""


@dataclass(frozen=True)
class Distance:
    """One figure of two sets of motion.

    Attributes:
        name: what is compared.
        value: the figure; see `kind`.
        kind: "ratio" (first to second, median over shapes, 1 is equal) or "distance" (0 is equal).
    """

    name: str
    value: float
    kind: str


def distances(a: MotionStatistics, b: MotionStatistics) -> list[Distance]:
    """Compare `a` with `b`. A ratio leaves out shapes that one of them never moves; NaN where there is nothing left."""

    def ratio(name: str, of: Callable[[MotionStatistics], Floats | float]) -> Distance:
        return Distance(name, _median_ratio(np.atleast_1d(of(a)), np.atleast_1d(of(b))), "ratio")

    both = SKIN[(a.deviation[SKIN] > 0.02) & (b.deviation[SKIN] > 0.02)]
    pairs = np.ix_(both, both)
    found = [
        Distance("weights, Wasserstein", _mean(np.abs(a.quantiles - b.quantiles)[:, SKIN]), "distance"),
        ratio("mean weight", lambda s: s.mean[SKIN]),
        ratio("deviation", lambda s: s.deviation[SKIN]),
        ratio("share of time above 0.05", lambda s: s.active[SKIN]),
        ratio("share of time above 0.3", lambda s: s.strong[SKIN]),
        ratio("events a minute", lambda s: s.events_per_min[SKIN]),
        ratio("event duration, median", lambda s: np.array([_median(s.event_s[i]) for i in SKIN])),
    ]
    for row, percentile in enumerate(SPEED_PERCENTILES):
        speeds = _median_ratio(a.speed[row][SKIN], b.speed[row][SKIN])
        found.append(Distance(f"speed while moving, {percentile}th percentile", speeds, "ratio"))
    return [
        *found,
        ratio("onset to offset speed", lambda s: s.onset[SKIN] / np.maximum(s.offset[SKIN], 1e-9)),
        # Half the sum of differences of two distributions: the share of power that lies elsewhere.
        Distance(
            "spectrum, share of power elsewhere", 0.5 * _mean(np.abs(a.bands - b.bands)[:, both].sum(0)), "distance"
        ),
        ratio("95 % frequency", lambda s: s.edge_hz[SKIN]),
        Distance(
            "correlation of shapes, mean difference", _mean(np.abs(a.correlation - b.correlation)[pairs]), "distance"
        ),
        Distance("left-right correlation, mean difference", _mean(np.abs(a.left_right - b.left_right)), "distance"),
        ratio("blinks a minute", lambda s: s.blinks_per_min),
        ratio("blink duration, median", lambda s: _median(s.blink_s)),
        ratio("jaw, mean opening", lambda s: s.mean[arkit.INDEX["jawOpen"]]),
        ratio("jaw, 95th percentile of the speed", lambda s: s.speed[2][arkit.INDEX["jawOpen"]]),
        ratio("head, angular rate", lambda s: s.head_deg_s),
        ratio("head, share of time turning", lambda s: s.head_turning),
    ]


def _median_ratio(a: Floats, b: Floats) -> float:
    usable = (a > 1e-6) & (b > 1e-6)
    return float(np.exp(np.median(np.log(a[usable] / b[usable])))) if usable.any() else float("nan")


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def _mean(values: Floats) -> float:
    return float(np.mean(values)) if values.size else float("nan")

"""Whether a soak was honest: nothing lost without being counted, no level OK while it was not. Pure; no ROS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from imusic_bench.disturbances import DRIVER, HUB, INFERENCE, STOP, Disturbance

OK = 0
STATE_TRACKING = 1

OLD_S = 0.06
"""Median age of faces from which OK is wrong; the node's own bound is 0.05 s."""
MISSING = 0.03
"""Share of missing faces from which OK is wrong; the node's own bound is 0.02, over its own second."""
OLD_TRACKING_S = 0.15
"""A face of this age that says TRACKING is wrong; the node's own bound is 0.1 s."""
NOTICE_S = {INFERENCE: 0.6, DRIVER: 1.0}
"""Silence after which each node may not say OK any more: its bound for silence, and what was on its way."""


@dataclass(frozen=True)
class Said:
    """One diagnostic status.

    Attributes:
        node: its last name.
        at_s: stamp, s since the epoch.
        level: 0 OK, 1 WARN, 2 ERROR.
        message: for people.
        values: figures by name.
    """

    node: str
    at_s: float
    level: int
    message: str
    values: Mapping[str, str]

    def count(self, name: str) -> int:
        """A figure that counts."""
        return int(float(self.values[name]))


@dataclass(frozen=True)
class Happened:
    """A disturbance, with when it was: s since the epoch."""

    what: Disturbance
    began_s: float
    ended_s: float


@dataclass(frozen=True)
class Faces:
    """N faces as they were published.

    Attributes:
        sequence: (N,) of their samples.
        published_s: (N,) stamp and age, s since the epoch.
        age_s: (N,) as published.
        state: (N,) FaceBlendshapes.STATE_.
    """

    sequence: NDArray[np.int64]
    published_s: NDArray[np.float64]
    age_s: NDArray[np.float64]
    state: NDArray[np.uint8]


@dataclass(frozen=True)
class Ledger:
    """Samples between two moments at which nothing was on its way.

    Attributes:
        sent: by the hub, by its own numbers.
        paused: numbers that passed while the samples were switched off, which inference cannot tell from losses.
        driver_took, driver_lost, driver_dropped: by the driver's figures.
        inference_took, inference_lost: by those of inference.
        in_doubt: samples that no figure explains; 0 if nothing was lost without being counted.
    """

    sent: int
    paused: int
    driver_took: int
    driver_lost: int
    driver_dropped: int
    inference_took: int
    inference_lost: int

    @property
    def in_doubt(self) -> int:
        """Samples that no figure explains."""
        by_driver = self.driver_took + self.driver_lost + self.driver_dropped
        by_inference = self.inference_took + self.inference_lost
        return abs(self.sent - by_driver) + abs(self.sent + self.paused - by_inference)


def ledger(sent: int, paused: int, before: Mapping[str, Said], after: Mapping[str, Said]) -> Ledger:
    """The account between two moments of quiet, from each node's newest status at each."""

    def more(node: str, *names: str) -> int:
        return sum(after[node].count(name) - before[node].count(name) for name in names)

    return Ledger(
        sent,
        paused,
        more(DRIVER, "samples"),
        more(DRIVER, "lost"),
        more(DRIVER, "untimed"),
        more(INFERENCE, "samples", "refused"),
        more(INFERENCE, "lost"),
    )


def wrong_levels(said: Sequence[Said], faces: Faces, happened: Sequence[Happened]) -> list[str]:
    """Every time that a node said OK while it was not, in words."""
    found = []
    for node in (DRIVER, INFERENCE):
        own = [each for each in said if each.node == node]
        for before, now in pairwise(own):
            if now.level == OK:
                found += [f"{node} at {now.at_s:.2f} said OK: {why}" for why in _against(before, now, faces, happened)]
    return found


def _against(before: Said, now: Said, faces: Faces, happened: Sequence[Happened]) -> Iterable[str]:
    for each in happened:
        silent = each.what.kind == STOP and each.what.target in ({HUB} if now.node == DRIVER else {HUB, DRIVER})
        if silent and each.began_s + NOTICE_S[now.node] < now.at_s < each.ended_s:
            yield f"no samples since {each.began_s:.2f} ({each.what})"
    if now.node == DRIVER:
        lost = now.count("lost") - before.count("lost")
        if lost:
            yield f"{lost} samples lost since its last report"
        return
    rows = (faces.published_s > before.at_s) & (faces.published_s <= now.at_s)
    if not rows.any():
        if now.at_s - before.at_s > NOTICE_S[INFERENCE]:
            yield "no faces since its last report"
        return
    age_s = float(np.median(faces.age_s[rows]))
    if age_s > OLD_S:
        yield f"faces were {1e3 * age_s:.0f} ms old"
    missing = _missing(faces.sequence[rows])
    if missing > MISSING:
        yield f"{100 * missing:.0f} % of the faces were missing"


def _missing(sequence: NDArray[np.int64]) -> float:
    unique = np.unique(sequence)
    return 1.0 - len(unique) / float(unique[-1] - unique[0] + 1)


def old_but_tracking(faces: Faces) -> int:
    """Faces that said that they follow the wearer, and were old."""
    return int(np.count_nonzero((faces.age_s > OLD_TRACKING_S) & (faces.state == STATE_TRACKING)))


def share_not_ok(said: Sequence[Said], node: str) -> float:
    """Share of a node's reports that were not OK."""
    levels = [each.level for each in said if each.node == node]
    return sum(level != OK for level in levels) / max(1, len(levels))

"""A score: what a performer does and when."""

from __future__ import annotations

from dataclasses import dataclass

from imu_sim.head_motion import HeadGesture, Walk
from imu_sim.performance import eyes
from imu_sim.performance.expression import Expression
from imu_sim.performance.mouth_actions import Chewing
from imu_sim.performance.speech import Speech


@dataclass(frozen=True)
class Score:
    """What a performer does.

    Attributes:
        duration_s: length of the performance, s.
        still_s: relaxed, still, neutral rest at the beginning, s: the subject's neutral is learnt from it.
        expressions: in any order; overlapping ones blend.
        speech: sentences.
        chewing: bouts of chewing.
        head: head gestures.
        walks: stretches of walking.
        blink_interval_s: mean time between blinks, s; 0: never.
        liveliness: scales the small involuntary motion of face, eyes and head.
    """

    duration_s: float
    still_s: float = 0.0
    expressions: tuple[Expression, ...] = ()
    speech: tuple[Speech, ...] = ()
    chewing: tuple[Chewing, ...] = ()
    head: tuple[HeadGesture, ...] = ()
    walks: tuple[Walk, ...] = ()
    blink_interval_s: float = eyes.BLINK_INTERVAL_S
    liveliness: float = 1.0

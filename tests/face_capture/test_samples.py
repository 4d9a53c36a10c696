"""A caller that comes too late loses the oldest samples, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from face_capture.samples import WAITING, LiveSamples
from face_model.imu_sample import ImuSample


class Burst:
    """A hub that gives some samples at once, then none."""

    def __init__(self, count: int) -> None:
        none = np.zeros((0, 3), np.float32)
        self.left = [ImuSample(1, i, 0.01 * i, np.zeros(0, np.uint8), none, none, none) for i in range(count)]
        self.given = threading.Event()
        self.closed = False

    def step(self) -> Sequence[ImuSample]:
        if not self.left:
            self.given.set()
        samples, self.left = self.left, []
        return samples

    def close(self) -> None:
        self.closed = True


def test_the_oldest_are_dropped_and_counted() -> None:
    hub: Any = Burst(WAITING + 3)
    samples = LiveSamples(hub)
    assert hub.given.wait(60.0)
    assert (samples.dropped, samples.waiting) == (3, WAITING)
    first = samples.take(0.0)
    assert first is not None
    assert first.sequence == 3
    samples.close()
    assert hub.closed
    while samples.take(0.0):
        pass
    assert samples.ended

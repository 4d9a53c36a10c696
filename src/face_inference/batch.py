"""Several people's faces on one engine: samples that are there together are worked on in one batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from face_inference.engines.protocol import Engine
from face_inference.face_estimate import FaceEstimate
from face_inference.tracker import FaceTracker
from face_model.imu_sample import ImuSample

FaceSample = tuple[int, ImuSample]
FaceResult = tuple[int, FaceEstimate]


class FaceBatch:
    """Steps an engine once for all faces that have a tick to go on by.

    How samples are grouped decides what they cost, and nothing else: no face depends on another.

    Args:
        engine: that all trackers run on.
        trackers: one for each of its faces, in the order of their rows.

    Attributes:
        steps: of the engine.
    """

    def __init__(self, engine: Engine, trackers: Sequence[FaceTracker]) -> None:
        if [tracker.face for tracker in trackers] != list(range(engine.faces)):
            raise ValueError(
                f"expected trackers of the faces 0 to {engine.faces - 1} in this order, "
                f"found {', '.join(str(tracker.face) for tracker in trackers)}"
            )
        self.trackers = tuple(trackers)
        self.steps = 0
        self._engine = engine
        self._active = np.zeros(engine.faces, dtype=bool)

    def update(self, samples: Iterable[FaceSample], now_s: float) -> list[FaceResult]:
        """The face at each sample that can be used, in the order of the samples; see `FaceTracker.update`.

        Several samples of one face are taken in turn.

        Raises:
            EngineError: the engine failed and has no fallback.
        """
        results: list[FaceResult] = []
        together: dict[int, ImuSample] = {}
        for face, sample in samples:
            if face in together:
                results += self._update_together(together, now_s)
                together = {}
            together[face] = sample
        return results + self._update_together(together, now_s)

    def _update_together(self, samples: dict[int, ImuSample], now_s: float) -> list[FaceResult]:
        trackers = self.trackers
        taken = [face for face, sample in samples.items() if trackers[face].accept(sample, now_s)]
        # Mostly one round. A face has more ticks after a loss, and fewer or more at other rates than the model's.
        going = taken
        while going := [face for face in going if trackers[face].next_tick()]:
            self._active[:] = False
            self._active[going] = True
            output = self._engine.step(self._active)
            self.steps += 1
            for face in going:
                trackers[face].take_output(output)
        return [(face, estimate) for face in taken if (estimate := trackers[face].estimate) is not None]

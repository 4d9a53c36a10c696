"""One face's steps of the network: ticks of its samples go in, weights and how far to trust them come out."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.engines.protocol import Engine, EngineOutput, EngineState
from face_inference.face_estimate import TrackerCounters
from face_inference.model_folder import ModelDescription
from face_inference.ticks import TickResampler
from face_inference.uncertainty import honest
from face_inference.wearer.knowledge import WearerKnowledge
from face_model.saved_arrays import Arrays, SavedArrays, part_of

Float32Array = NDArray[np.float32]


class NetworkSteps:
    """Of one face on an engine, which may be of several.

    Args:
        engine: that runs the network.
        face: row of this face in it.
        description: of the model.
        rate_hz: of the samples.
        counters: where what happens is counted.
    """

    def __init__(
        self, engine: Engine, face: int, description: ModelDescription, rate_hz: float, counters: TrackerCounters
    ) -> None:
        self._engine = engine
        self._face = face
        self._only_this = None if engine.faces == 1 else np.arange(engine.faces) == face
        self._description = description
        self._counters = counters
        self._due: deque[Float32Array] = deque()
        self._ticks = TickResampler(Channels.of(description.mounts), description.rate_hz, rate_hz)

    def follow_rate(self, rate_hz: float) -> None:
        """Samples come at another rate from now on; to be reset after it."""
        self._ticks = TickResampler(Channels.of(self._description.mounts), self._description.rate_hz, rate_hz)

    def reset(self) -> None:
        """Forget the samples before: those to come do not go on from them."""
        self._engine.reset(self._face)
        self._ticks.reset()
        self._counters.resets += 1

    @property
    def due(self) -> bool:
        """Whether the newest sample has ticks that were not filled in yet."""
        return bool(self._due)

    def drop_due(self) -> None:
        """A sample without features came, or one whose features come next."""
        self._due.clear()

    def push(self, time_s: float, features: Float32Array, ahead: int) -> None:
        """A sample's features (F,); see `TickResampler.push`. It may have any number of ticks."""
        self._due.extend(self._ticks.push(time_s, features, ahead))

    def fill(self, knowledge: WearerKnowledge) -> bool:
        """Fill this face's row of the engine's inputs with the next tick that is due; False if none is."""
        if not self._due:
            return False
        knowledge.fill(self._due.popleft(), self._engine.inputs[self._face])
        return True

    def step(self) -> EngineOutput:
        """Step the engine for this face alone."""
        return self._engine.step(self._only_this)

    def result(self, output: EngineOutput, trust: float) -> tuple[Float32Array, Float32Array] | None:
        """Weights and confidence (52,) of a step; None where they are no numbers, and the network is reset.

        Args:
            output: of the engine.
            trust: 0 to 1, what a confidence is multiplied by.
        """
        weights, confidence = output.weights[self._face], output.confidence[self._face]
        # Whatever is not finite, in either, makes this sum so: much cheaper than looking at every value.
        if math.isfinite(float(np.dot(weights, confidence))):
            confidence = honest(confidence)
            if trust < 1.0:
                confidence *= np.float32(trust)
            return weights.copy(), confidence
        self._counters.not_finite += 1
        self.reset()
        return None

    # Saving and restoring.

    def saved_state(self) -> Arrays:
        """What ticks and network remember, as arrays, for `restored`; to be called while nothing is due."""
        state = self._engine.save_state(self._face)
        arrays = part_of("ticks", self._ticks.saved_state())
        arrays |= part_of("rings", {str(i): ring for i, ring in enumerate(state.rings)})
        return arrays | {"engine_ticks": np.array(state.ticks)}

    def restored(self, saved: SavedArrays, rate_hz: float, newest_s: float | None) -> tuple[NetworkSteps, EngineState]:
        """Others on the same engine that go on from parts of `saved` that `saved_state` made, once they `load`.

        Args:
            saved: from outside.
            rate_hz: of the samples.
            newest_s: hub time of the newest one; None: there was none.

        Raises:
            SnapshotError: they are damaged, or of another model.
        """
        other = NetworkSteps(self._engine, self._face, self._description, rate_hz, self._counters)
        other._ticks.restore_state(saved.part("ticks"), newest_s)
        own = self._engine.save_state(self._face)
        period = max((ring.length for ring in self._description.rings), default=1 << 20)
        ticks = saved.whole("engine_ticks", 0, 2 * period - 1)
        rings = saved.part("rings")
        found = tuple(rings.array(str(i), ring.shape, "f4") for i, ring in enumerate(own.rings))
        rings.end()
        return other, EngineState(ticks, found)

    def load(self, state: EngineState) -> None:
        """Let the network go on from here; raises `EngineError` where the device failed."""
        self._engine.restore_state(state, self._face)

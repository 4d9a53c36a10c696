"""Estimates of whole takes: as the live tracker would give them, or the same in a fifth of the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from face_evaluation.signals import Signals
from face_evaluation.takes import layout_of, lost_frames, recorded_neutral, recorded_trust, samples_of
from face_inference.channels import Channels
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.engines.protocol import Engine
from face_inference.errors import InferenceError
from face_inference.model_folder import Model, ModelDescription
from face_inference.network_inputs import InputAssembler
from face_inference.ticks import RATE_TOLERANCE
from face_inference.tracker import FaceTracker
from face_inference.tracker_params import TrackerParams
from face_inference.uncertainty import honest
from face_inference.wearer.linear_estimate import LinearEstimate
from face_inference.wearer.prior import WearerJacobian
from face_model import arkit
from imu_sim.recording import Recording

Estimate = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Weights and confidence, both (T, 52)."""


def estimate_take(tracker: FaceTracker, recording: Recording | Signals) -> Estimate:
    """Stream a take through a fresh tracker: weights and confidence, both (T, 52).

    The neutral comes from the take's most neutral window, as a wearer would give it before the take.

    Raises:
        InferenceError: the tracker refused a sample.
    """
    tracker.set_layout(layout_of(recording))
    tracker.neutral = recorded_neutral(recording, tracker.mounts)
    weights = np.zeros((len(recording.valid), arkit.COUNT), dtype=np.float32)
    confidence = np.zeros_like(weights)
    next_row = 0
    for sample in samples_of(recording):
        i = sample.sequence
        estimate = tracker.update(sample, now_s=sample.hub_time_s)
        if estimate is None:
            raise InferenceError(f"take {recording.take}: the tracker refused sample {i}; check the take's layout")
        if next_row:
            # While a frame is lost, the last estimate stands.
            weights[next_row:i], confidence[next_row:i] = weights[next_row - 1], confidence[next_row - 1]
        weights[i], confidence[i] = estimate.weights, estimate.confidence
        next_row = i + 1
    if next_row:  # and so it does where the last frames are lost
        weights[next_row:], confidence[next_row:] = weights[next_row - 1], confidence[next_row - 1]
    return weights, confidence


class Estimator:
    """A model ready to estimate take after take, each from a fresh start.

    Features of a whole take are computed at once where that gives what the live tracker gives: at the model's rate and
    without long gaps. Other takes are streamed. What is known of the wearer can be several things: these are estimated
    side by side, in half the time.

    Args:
        description: of the model.
        engine: for one face.
        engine_of: makes an engine for so many faces; None: there is only the one.

    Attributes:
        description: of the model.
    """

    def __init__(
        self, description: ModelDescription, engine: Engine, engine_of: Callable[[int], Engine] | None = None
    ) -> None:
        self.description = description
        self._channels = Channels.of(description.mounts)
        self._engine = engine
        self._engine_of = engine_of
        self._engines: dict[int, Engine] = {1: engine}

    @classmethod
    def of(cls, model: Model) -> Estimator:
        """An estimator on the engine that suits this machine.

        Raises:
            EngineError: the engine's library is missing or does not accept the model.
        """
        return cls(model.description, OnnxRuntimeEngine(model), lambda faces: OnnxRuntimeEngine(model, faces))

    def __call__(self, recording: Recording | Signals, wearer: WearerJacobian | None = None) -> Estimate:
        """Weights and confidence of a take, both (T, 52); without a `wearer`, for anybody."""
        return self.side_by_side(recording, [wearer or self.description.prior.unknown_wearer])[0]

    def side_by_side(self, recording: Recording | Signals, wearers: Sequence[WearerJacobian]) -> list[Estimate]:
        """Weights and confidence of a take for each of what may be known of its wearer."""
        if not self._at_once(recording):
            return [self._streamed(recording, wearer) for wearer in wearers]
        features, trust = recorded_trust(recording, self.description.mounts)
        together = len(wearers) if self._engine_of is not None else 1
        found: list[Estimate] = []
        for start in range(0, len(wearers), together):
            found += self._stepped(recording, features, trust, wearers[start : start + together])
        return found

    def _streamed(self, recording: Recording | Signals, wearer: WearerJacobian) -> Estimate:
        tracker = FaceTracker(self.description, self._engine)
        tracker.wearer = wearer
        return estimate_take(tracker, recording)

    def _stepped(
        self,
        recording: Recording | Signals,
        features: NDArray[np.float32],
        trust: NDArray[np.floating],
        wearers: Sequence[WearerJacobian],
    ) -> list[Estimate]:
        engine, prior = self._engine_for(len(wearers)), self.description.prior
        inputs = [InputAssembler(self._channels, LinearEstimate(prior, w)).batch(features) for w in wearers]
        there = ~lost_frames(recording)
        first = int(np.argmax(there))
        weights = np.zeros((len(wearers), len(features), arkit.COUNT), dtype=np.float32)
        confidence = np.zeros_like(weights)
        for face in range(len(wearers)):
            engine.reset(face)
        for i in range(first, len(features)):
            for face, rows in enumerate(inputs):
                engine.inputs[face] = rows[i]
            output = engine.step()
            weights[:, i], confidence[:, i] = output.weights, honest(output.confidence) * np.float32(trust[i])
        # The network learns of a lost frame when the next one comes; until then the last estimate stands.
        last = np.maximum.accumulate(np.where(there, np.arange(len(there)), 0))
        return [(weights[face][last], confidence[face][last]) for face in range(len(wearers))]

    def _engine_for(self, faces: int) -> Engine:
        if faces not in self._engines:
            assert self._engine_of is not None
            self._engines[faces] = self._engine_of(faces)
        return self._engines[faces]

    def _at_once(self, recording: Recording | Signals) -> bool:
        ratio = recording.rate_hz / self.description.rate_hz
        there = np.flatnonzero(~lost_frames(recording))
        if abs(ratio - 1.0) > RATE_TOLERANCE or not len(there):
            return False
        return bool(np.diff(there, prepend=there[0]).max() <= TrackerParams().max_gap_s * recording.rate_hz)

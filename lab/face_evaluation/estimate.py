"""Estimates of whole takes: as the live tracker would give them, or the same in a fifth of the time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_evaluation.takes import layout_of, lost_frames, recorded_features, recorded_neutral, samples_of
from face_inference.channels import Channels
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.engines.protocol import Engine
from face_inference.errors import InferenceError
from face_inference.model_folder import Model, ModelDescription
from face_inference.network_inputs import InputAssembler
from face_inference.ticks import RATE_TOLERANCE
from face_inference.tracker import FaceTracker, TrackerParams
from face_inference.uncertainty import honest
from face_inference.wearer.linear_estimate import LinearEstimate
from face_inference.wearer.prior import WearerJacobian
from face_model import arkit
from imu_sim.recording import Recording

Estimate = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Weights and confidence, both (T, 52)."""


def estimate_take(tracker: FaceTracker, recording: Recording) -> Estimate:
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
    without long gaps. Other takes are streamed.

    Attributes:
        description: of the model.
    """

    def __init__(self, description: ModelDescription, engine: Engine) -> None:
        self.description = description
        self._channels = Channels.of(description.mounts)
        self._engine = engine

    @classmethod
    def of(cls, model: Model) -> Estimator:
        """An estimator on the engine that suits this machine.

        Raises:
            EngineError: the engine's library is missing or does not accept the model.
        """
        return cls(model.description, OnnxRuntimeEngine(model))

    def __call__(self, recording: Recording, wearer: WearerJacobian | None = None) -> Estimate:
        """Weights and confidence of a take, both (T, 52); without a `wearer`, for anybody."""
        known = wearer or self.description.prior.unknown_wearer
        if not self._at_once(recording):
            tracker = FaceTracker(self.description, self._engine)
            tracker.wearer = known
            return estimate_take(tracker, recording)
        assembler = InputAssembler(self._channels, LinearEstimate(self.description.prior, known))
        inputs = assembler.batch(recorded_features(recording, self.description.mounts))
        there = ~lost_frames(recording)
        first = int(np.argmax(there))
        weights = np.zeros((len(inputs), arkit.COUNT), dtype=np.float32)
        confidence = np.zeros_like(weights)
        self._engine.reset()
        for i in range(first, len(inputs)):
            self._engine.inputs[0] = inputs[i]
            output = self._engine.step()
            weights[i], confidence[i] = output.weights[0], honest(output.confidence[0])
        # The network learns of a lost frame when the next one comes; until then the last estimate stands.
        last = np.maximum.accumulate(np.where(there, np.arange(len(there)), 0))
        return weights[last], confidence[last]

    def _at_once(self, recording: Recording) -> bool:
        ratio = recording.rate_hz / self.description.rate_hz
        there = np.flatnonzero(~lost_frames(recording))
        if abs(ratio - 1.0) > RATE_TOLERANCE or not len(there):
            return False
        return bool(np.diff(there, prepend=there[0]).max() <= TrackerParams().max_gap_s * recording.rate_hz)

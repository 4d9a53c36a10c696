"""What a camera's face tracker makes of a face: late, biased, trembling, at its own frame rate and on its own clock.

Every number is a guess from what users report of ARKit and of MediaPipe (docs/reference.md); none was measured on a
phone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_model import arkit

Floats = NDArray[np.float64]

_TREMBLE_S = 0.15
"""How long an error of the tracker lasts, s."""
_WANDER_S = 8.0


@dataclass(frozen=True)
class CameraModel:
    """How a tracker errs.

    Attributes:
        rate_hz: pictures per second.
        lag_s: from the face to the time the picture is stamped with: exposure and the tracker's smoothing.
        jitter_s: standard deviation of that lag from picture to picture.
        drop: probability that a picture is missing.
        noise: standard deviation of the error that comes and goes in a tenth of a second.
        wander: standard deviation of the error that comes and goes in seconds.
        gain_spread: standard deviation of each shape's gain about 1.
        rest_spread: standard deviation of each shape's weight at rest about 0.
        crosstalk: how much of each shape shows up in others, standard deviation.
    """

    rate_hz: float = 60.0
    lag_s: float = 0.05
    jitter_s: float = 0.002
    drop: float = 0.01
    noise: float = 0.015
    wander: float = 0.02
    gain_spread: float = 0.2
    rest_spread: float = 0.03
    crosstalk: float = 0.04


PHONE = CameraModel()
WEBCAM = CameraModel(rate_hz=30.0, lag_s=0.08, jitter_s=0.006, drop=0.04, noise=0.03, wander=0.03, gain_spread=0.35)


class Camera:
    """One tracker in front of one face, picture by picture.

    Args:
        model: how it errs.
        seed: of this tracker's bias and noise.
    """

    def __init__(self, model: CameraModel, seed: int) -> None:
        self.model = model
        self._rng = np.random.default_rng([seed, 0xCA3])
        count = arkit.COUNT
        self._gain = np.clip(self._rng.normal(1.0, model.gain_spread, count), 0.2, 1.8)
        self._rest = np.abs(self._rng.normal(0.0, model.rest_spread, count))
        self._mix = self._rng.normal(0.0, model.crosstalk, (count, count)) * (self._rng.random((count, count)) < 0.1)
        np.fill_diagonal(self._mix, 0.0)
        self._tremble = self._rng.normal(0.0, model.noise, count)
        self._wander = self._rng.normal(0.0, model.wander, count)

    def picture(self, weights: NDArray[np.floating]) -> Floats:
        """What it says (52,) of a face with these weights (52,), one frame after the last."""
        step_s = 1.0 / self.model.rate_hz
        self._tremble = self._walk(self._tremble, self.model.noise, step_s / _TREMBLE_S)
        self._wander = self._walk(self._wander, self.model.wander, step_s / _WANDER_S)
        face = np.asarray(weights, dtype=np.float64)
        said = self._gain * face + self._mix @ face + self._rest + self._tremble + self._wander
        clipped: Floats = np.clip(said, 0.0, 1.0)
        return clipped

    def lag_s(self) -> float:
        """From the face to this picture's stamp, s."""
        return self.model.lag_s + float(self._rng.normal(0.0, self.model.jitter_s))

    def dropped(self) -> bool:
        """Whether this picture is missing."""
        return bool(self._rng.random() < self.model.drop)

    def _walk(self, value: Floats, spread: float, share: float) -> Floats:
        keep = float(np.exp(-share))
        walked: Floats = keep * value + np.sqrt(1.0 - keep * keep) * self._rng.normal(0.0, spread, len(value))
        return walked

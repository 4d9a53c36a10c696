"""Random changes to feature chunks, with the geometry each channel asks for. Arrays are (..., L, F) with L ticks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.mounts import NominalMounts
from face_inference.network_inputs import InputAssembler, deviation_block, estimate_block
from face_inference.wearer.linear_estimate import LinearEstimate
from face_model import arkit, rotation
from face_training.config import AugmentConfig

Float32Array = NDArray[np.float32]

_POLAR = np.array([1.0, -1.0, 1.0], dtype=np.float32)
"""Reflection in the head's midplane y = 0, for vectors such as force."""
_AXIAL = -_POLAR
"""The same reflection for pseudovectors: angular velocity, rotation vectors."""


class Augmenter:
    """Applies `AugmentConfig` to chunks of features of one model's sensors."""

    def __init__(self, mounts: NominalMounts, config: AugmentConfig, rate_hz: float, scale: Float32Array) -> None:
        """`scale` (F,): the normaliser's, the unit of the noise."""
        self._channels = Channels.of(mounts)
        self._mounts = mounts
        self._config = config
        self._rate_hz = rate_hz
        self._scale = scale.copy()
        self._scale[self._channels.valid] = 0.0

    def __call__(
        self,
        rng: np.random.Generator,
        features: Float32Array,
        weights: Float32Array,
        estimates: Sequence[LinearEstimate],
    ) -> tuple[Float32Array, Float32Array]:
        """Changed chunks as inputs: features (B, L, F), weights (B, L, 52), what is known of each chunk's wearer (B) ->
        inputs (B, L, I) and weights; the arguments are not touched."""
        c, count = self._config, len(features)
        features = features.copy()
        spread = np.radians(c.heading_deg) * rng.random((count, 1, 1))
        # The skull's own error is common to all: one part shared by the sensors, one part of each.
        common, own = rng.normal(size=(count, 1, 1)), rng.normal(size=(count, 1, self._channels.skin_count))
        offset_heading(self._channels, features, spread * (common + own) / np.sqrt(2.0))
        noise = rng.standard_normal(features.shape, dtype=np.float32) * (self._scale * c.noise)
        # What is missing stays exactly zero.
        features += noise * features[..., self._channels.valid][..., self._channels.sensor_of]
        dropped = rng.random((count, self._channels.sensors)) < c.drop_share * rng.random((count, 1))
        dropped[:, self._channels.reference] = False
        dropped[rng.random(count) >= c.drop_chunks] = False
        drop_sensors(self._channels, features, dropped)
        inputs = np.stack(
            [InputAssembler(self._channels, estimate).batch(f) for f, estimate in zip(features, estimates, strict=True)]
        )
        mirrored = rng.random(count) < c.mirror_share
        inputs[mirrored] = mirror_inputs(self._mounts, inputs[mirrored], self._rate_hz)
        weights = weights.copy()
        weights[mirrored] = weights[mirrored][..., list(arkit.MIRROR)]
        return inputs, weights


def mirror_inputs(mounts: NominalMounts, inputs: Float32Array, rate_hz: float) -> Float32Array:
    """Inputs (..., L, I) of the mirror image: features and, shape by shape, the linear estimate and its deviation."""
    channels, shapes = Channels.of(mounts), list(arkit.MIRROR)
    estimate, deviation = estimate_block(channels), deviation_block(channels)
    features = mirror_features(mounts, inputs[..., : channels.size], rate_hz)
    return np.concatenate([features, inputs[..., estimate][..., shapes], inputs[..., deviation][..., shapes]], axis=-1)


def mirror_features(mounts: NominalMounts, features: Float32Array, rate_hz: float) -> Float32Array:
    """What the mirror image of this face would give, (..., L, F); applied twice it gives the input back.

    Sensors change places with their partners on the other side. The reference stays where it is, on one side of the
    skull, so forces relative to it change by the lever arm across the head times the head's angular acceleration:
    f - f_ref holds alpha x (p - p_ref), and mirrored it must hold alpha' x (p - p_ref), not alpha' x (p - P p_ref).
    """
    channels = Channels.of(mounts)
    permutation = np.array(mounts.mirror_permutation())
    position_in_skin = {sensor: k for k, sensor in enumerate(mounts.skin)}
    skin = np.array([position_in_skin[int(permutation[sensor])] for sensor in mounts.skin])
    out = np.empty_like(features)
    lead = features.shape[:-1]
    for name, sign in (("rotation", _AXIAL), ("tilt", _AXIAL), ("rate", _AXIAL), ("force", _POLAR)):
        block = features[..., channels.skin_block(name)].reshape(*lead, channels.skin_count, 3)
        out[..., channels.skin_block(name)] = (block[..., skin, :] * sign).reshape(*lead, 3 * len(skin))
    out[..., channels.gravity] = features[..., channels.gravity] * _POLAR
    out[..., channels.head_rate] = features[..., channels.head_rate] * _AXIAL
    out[..., channels.valid] = features[..., channels.valid][..., permutation]

    head_rate = out[..., channels.head_rate]
    acceleration = np.gradient(head_rate, 1.0 / rate_hz, axis=-2)  # (..., L, 3) rad/s2
    reference = mounts.position_m[mounts.reference]
    across = (_POLAR * reference - reference).astype(np.float32)
    seen = out[..., channels.valid][..., list(mounts.skin)]  # (..., L, K)
    correction = (
        rotation.cross(acceleration, np.broadcast_to(across, acceleration.shape))[..., None, :] * seen[..., None]
    )
    out[..., channels.skin_block("force")] += correction.reshape(*lead, 3 * len(skin)).astype(np.float32)
    return out


def offset_heading(channels: Channels, features: Float32Array, offset_rad: NDArray[np.floating]) -> None:
    """Turn each skin sensor's relative rotation about the vertical by `offset_rad` (..., L or 1, K), in place.

    Nothing else depends on heading.
    """
    block = channels.skin_block("rotation")
    lead = features.shape[:-1]
    relative = rotation.from_vector(features[..., block].reshape(*lead, channels.skin_count, 3))
    up = features[..., channels.gravity][..., None, :]  # (..., L, 1, 3)
    turn = rotation.from_vector(up * np.asarray(offset_rad, dtype=np.float32)[..., None])
    turned = rotation.to_vector(rotation.multiply(turn, relative))
    turned = turned * features[..., channels.valid][..., channels.skin, None]
    features[..., block] = turned.reshape(*lead, -1)


def drop_sensors(channels: Channels, features: Float32Array, dropped: NDArray[np.bool_]) -> None:
    """Mask sensors for whole chunks, in place: features (B, L, F), dropped (B, S)."""
    features *= ~dropped[:, None, channels.sensor_of]

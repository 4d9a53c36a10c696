"""What a network is fed each tick: features, then the linear estimate of the weights and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.errors import InferenceError
from face_inference.wearer.linear_estimate import Gain, LinearEstimate
from face_inference.wearer.smooth_estimate import SmoothEstimate
from face_model import arkit

Float32Array = NDArray[np.float32]


class InputAssembler:
    """Inputs (I,) = features (F), linear estimate (52), its standard deviation (52).

    With a `SmoothEstimate` each tick, of `step` or of `batch`, takes a change that is under way one tick on.
    """

    def __init__(self, channels: Channels, estimate: LinearEstimate | SmoothEstimate) -> None:
        self._channels = channels
        self._observation = channels.skin_block("rotation")
        self._valid, self._weights, self._deviation = (
            channels.valid,
            estimate_block(channels),
            deviation_block(channels),
        )
        self._estimate = estimate
        self._inputs = np.zeros(input_size(channels), dtype=np.float32)
        self._flags = b""
        self._gain: Gain | None = None

    def step(self, features: Float32Array, out: Float32Array | None = None) -> Float32Array:
        """One tick, (F,) -> (I,): written to `out` and returned; without it, to an array that the next step uses again.

        `out`: (I,) float32, contiguous; for instance a row of an engine's inputs.
        """
        inputs = self._inputs if out is None else out
        inputs[: self._channels.size] = features
        gain = self._gain_for(features)
        gain.weights(features[self._observation], out=inputs[self._weights])
        inputs[self._deviation] = gain.deviation
        return inputs

    def _gain_for(self, features: Float32Array) -> Gain:
        """The linear estimate's gain for the sensors that are there, nearly always those of the tick before."""
        if self._estimate.changing:
            self._gain = None
            return self._estimate.tick(self._channels.observed(features))
        flags = features[self._valid].tobytes()
        if self._gain is None or flags != self._flags:
            self._flags, self._gain = flags, self._estimate.gain(self._channels.observed(features))
        return self._gain

    def batch(self, features: Float32Array) -> Float32Array:
        """Many ticks, (T, F) -> (T, I)."""
        size = self._channels.size
        whole = np.empty((len(features), input_size(self._channels)), dtype=np.float32)
        changing = 0
        while self._estimate.changing and changing < len(features):
            self.step(features[changing], out=whole[changing])
            changing += 1
        features, out = features[changing:], whole[changing:]
        out[:, :size] = features
        observed = self._channels.observed(features)
        for rows, pattern in _patterns(observed):
            weights, deviation = self._estimate.weights(features[rows][:, self._observation], pattern)
            out[rows, size : size + arkit.COUNT] = weights
            out[rows, size + arkit.COUNT :] = deviation
        return whole


def _patterns(observed: NDArray[np.bool_]) -> Iterator[tuple[slice | NDArray[np.intp], NDArray[np.bool_]]]:
    """Rows of (T, D) that have the same channels, and these (D,)."""
    if len(observed) and (observed == observed[0]).all():  # nearly always, and sorting takes long
        yield slice(None), observed[0]
        return
    patterns, pattern_of = np.unique(observed, axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        yield np.flatnonzero(pattern_of.reshape(-1) == i), pattern


def input_size(channels: Channels) -> int:
    """I, how many numbers go in at each tick."""
    return channels.size + 2 * arkit.COUNT


def estimate_block(channels: Channels) -> slice:
    """Where the linear estimate lies among the inputs."""
    return slice(channels.size, channels.size + arkit.COUNT)


def deviation_block(channels: Channels) -> slice:
    """Where the linear estimate's standard deviation lies among the inputs."""
    return slice(estimate_block(channels).stop, input_size(channels))


BLOCKS = ("rotation", "tilt", "rate", "force", "estimate")
"""Parts of the inputs that a network can be made to do without."""


def input_block(channels: Channels, name: str) -> slice:
    """Where one of `BLOCKS` lies among the inputs; the linear estimate with its deviation.

    Raises:
        InferenceError: there is no such block.
    """
    if name not in BLOCKS:
        raise InferenceError(f"expected a block of inputs among {', '.join(BLOCKS)}, found {name!r}")
    return slice(channels.size, input_size(channels)) if name == "estimate" else channels.skin_block(name)

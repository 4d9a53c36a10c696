"""From the input's sample times to the model's ticks, causally, so that results do not depend on the input rate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_model.saved_arrays import Arrays, SavedArrays

Float32Array = NDArray[np.float32]

RATE_TOLERANCE = 0.02
"""Input rates within this share of the model's get exactly one step per sample: resampling would only add delay."""


class TickResampler:
    """Features at arbitrary hub times in, features at the model's ticks out.

    Near the model's rate every sample is one tick, and lost samples are filled by interpolation so that the model's
    clock goes on. At any other rate ticks lie on a grid of the model's period from the first sample on, and each
    sample releases the 0..k ticks that it passes, linearly interpolated between itself and its predecessor.
    """

    def __init__(self, channels: Channels, model_rate_hz: float, input_rate_hz: float) -> None:
        self._channels = channels
        self._period_s = 1.0 / model_rate_hz
        self.one_to_one = abs(input_rate_hz / model_rate_hz - 1.0) <= RATE_TOLERANCE
        self._time_s: float | None = None
        self._features = np.zeros(channels.size, dtype=np.float32)
        self._next_tick_s = 0.0

    def reset(self) -> None:
        """The next sample starts a new grid."""
        self._time_s = None

    def saved_state(self) -> Arrays:
        """As arrays, for `restore_state`; none before the first sample."""
        if self._time_s is None:
            return {}
        return {
            "time_s": np.array(self._time_s),
            "features": self._features,
            "next_tick_s": np.array(self._next_tick_s),
        }

    def restore_state(self, saved: SavedArrays, newest_s: float | None) -> None:
        """Continue from `saved_state`; `newest_s` is the hub time of the newest sample, None before the first.

        Raises:
            SnapshotError: it is damaged, or of another model, rate or time; nothing has changed then.
        """
        if "time_s" not in saved:
            saved.end()
            self._time_s = None
            return
        time_s = saved.number("time_s")
        features = saved.array("features", (self._channels.size,), "f4")
        next_tick_s = saved.number("next_tick_s")
        saved.end()
        # Ticks are caught up with one by one: from a wrong time on there would be no end to them.
        if time_s != newest_s or not (self.one_to_one or 0.0 <= next_tick_s - time_s <= 1.5 * self._period_s):
            raise saved.refuse("a tick that follows the newest sample", f"times {time_s}, {newest_s}, {next_tick_s}")
        self._time_s, self._features, self._next_tick_s = time_s, features, next_tick_s

    def push(self, time_s: float, features: Float32Array, ahead: int = 1) -> Iterator[Float32Array]:
        """Ticks up to `time_s` (hub time, increasing, s), oldest first; features are (F,).

        `ahead`: by how much the sequence number went on; more than 1 where samples were lost.
        """
        previous_s, self._time_s = self._time_s, time_s
        before, self._features = self._features, features
        if previous_s is None:
            self._next_tick_s = time_s + self._period_s
            yield features
        elif self.one_to_one:
            # Counted by sequence, not by time: jitter of the time stamps must not add or lose ticks.
            for i in range(1, ahead):
                yield between(self._channels, before, features, i / ahead)
            yield features
        else:
            # A thousandth of a period of tolerance: hub time is in whole microseconds.
            while self._next_tick_s <= time_s + 1e-3 * self._period_s:
                share = min(1.0, (self._next_tick_s - previous_s) / (time_s - previous_s))
                yield between(self._channels, before, features, share)
                self._next_tick_s += self._period_s


def between(channels: Channels, a: Float32Array, b: Float32Array, share: float | Float32Array) -> Float32Array:
    """Linear between features (..., F); a sensor missing at either end is missing between."""
    valid = channels.valid
    mixed = a + np.asarray(share, dtype=np.float32) * (b - a)
    both = np.minimum(a[..., valid], b[..., valid])
    mixed *= both[..., channels.sensor_of]
    mixed[..., valid] = both
    return mixed

"""The linear estimate of a wearer who gets known better: it goes from the old gain to the new, tick by tick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_inference.wearer.linear_estimate import Float32Array, Gain, LinearEstimate
from face_inference.wearer.prior import Prior, WearerJacobian
from face_model.saved_arrays import Arrays, SavedArrays, part_of

CHANGE_S = 2.0
"""Time that a change takes: as long as a face takes to change without anybody noticing that weights did (a guess)."""


class SmoothEstimate:
    """In place of a `LinearEstimate` whose wearer stays as known as at first.

    A change that comes while another is under way begins when that one has ended; of several the last.

    Args:
        prior: over wearers and faces.
        wearer: what is known of this one.
        ticks: that a change takes.

    Attributes:
        wearer: what is known, also where the estimate is still on its way there.
    """

    def __init__(self, prior: Prior, wearer: WearerJacobian, ticks: int) -> None:
        self.wearer = wearer
        self._prior, self._ticks = prior, ticks
        self._now, self._now_of = LinearEstimate(prior, wearer), wearer
        self._before: LinearEstimate | None = None
        self._before_of: WearerJacobian | None = None
        self._done = 0
        self._next: LinearEstimate | None = None

    @property
    def changing(self) -> bool:
        """Whether the next tick has another gain than the one before."""
        return self._before is not None

    def change_to(self, wearer: WearerJacobian, estimate: LinearEstimate | None = None) -> None:
        """Go to what is known now; `estimate`: the linear estimate of that, if somebody made it already."""
        self.wearer = wearer
        self._next = estimate or LinearEstimate(self._prior, wearer)
        if not self.changing:
            self._begin()

    def tick(self, valid: NDArray[np.bool_]) -> Gain:
        """The next tick's gain, for the channels (D,) that are there; to be asked once for each tick of a change."""
        now = self._now.gain(valid)
        if self._before is None:
            return now
        before = self._before.gain(valid)
        self._done += 1
        share = np.float32(self._done / self._ticks)
        if self._done >= self._ticks:
            self._before = self._before_of = None
            if self._next is not None:
                self._begin()
            return now
        return Gain(*(b + share * (n - b) for b, n in zip(before, now, strict=True)))

    def gain(self, valid: NDArray[np.bool_]) -> Gain:
        """For the channels (D,) that are there, where nothing changes."""
        return self._now.gain(valid)

    def weights(self, observation: Float32Array, valid: NDArray[np.bool_]) -> tuple[Float32Array, Float32Array]:
        """See `LinearEstimate.weights`; where nothing changes."""
        return self._now.weights(observation, valid)

    def saved_state(self) -> Arrays:
        """As arrays, for `restore_state`."""
        arrays = part_of("wearer", self.wearer.saved_state())
        if self._before_of is not None:
            arrays |= {"done": np.array(self._done)}
            arrays |= part_of("before", _what_reads(self._before_of))
            if self._next is not None:
                arrays |= part_of("now", _what_reads(self._now_of))
        return arrays

    @classmethod
    def from_saved(cls, saved: SavedArrays, prior: Prior, ticks: int) -> SmoothEstimate:
        """From `saved_state`; raises `SnapshotError`."""
        size = prior.observations
        estimate = cls(prior, WearerJacobian.from_saved(saved.part("wearer"), size), ticks)
        if "done" in saved:
            estimate._done = saved.whole("done", 0, ticks - 1)
            estimate._before_of = WearerJacobian.from_saved(saved.part("before"), size)
            estimate._before = LinearEstimate(prior, estimate._before_of)
            if saved.has_part("now"):
                estimate._next = estimate._now
                estimate._now_of = WearerJacobian.from_saved(saved.part("now"), size)
                estimate._now = LinearEstimate(prior, estimate._now_of)
        saved.end()
        return estimate

    def _begin(self) -> None:
        assert self._next is not None
        self._before, self._before_of, self._done = self._now, self._now_of, 0
        self._now, self._now_of, self._next = self._next, self.wearer, None


def _what_reads(wearer: WearerJacobian) -> Arrays:
    """Of what is known, what a linear estimate needs: evidence is large, and of no use here."""
    return WearerJacobian(wearer.mean, wearer.uncertainty, wearer.source, wearer.noise).saved_state()

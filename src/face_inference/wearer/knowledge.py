"""What is known of the wearer at each tick: what labels and wear tell, and the linear estimate that follows from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from face_inference.alignment.turned import turned_wearer
from face_inference.channels import Channels
from face_inference.network_inputs import InputAssembler
from face_inference.wearer.prior import Prior, WearerJacobian
from face_inference.wearer.smooth_estimate import CHANGE_S, SmoothEstimate
from face_inference.wearer.wear_learning import WearLearning
from face_model.saved_arrays import Arrays, SavedArrays, part_of


class WearerKnowledge:
    """Of one wearer, of one model.

    Args:
        prior: of the model.
        channels: of its features.
        rate_hz: of its ticks.

    Attributes:
        wear: what is learned while the sensors are worn.
    """

    def __init__(self, prior: Prior, channels: Channels, rate_hz: float) -> None:
        self._prior, self._channels, self._rate_hz = prior, channels, rate_hz
        self.wear = WearLearning(prior, channels, rate_hz)
        self._read_at_once()

    @property
    def known(self) -> WearerJacobian:
        """All that is known by now."""
        return self.wear.known

    def start(self, labelled: WearerJacobian, worn: WearerJacobian | None = None) -> None:
        """Somebody of whom labels tell this; `worn`: with what wear added to it before. It holds at once."""
        self.wear.start(labelled, worn)
        self._read_at_once()

    def turn(self, turn: NDArray[np.floating]) -> None:
        """The same of sensors whose mountings turned since it was learned; `turn` as of `alignment.turned.turning`."""
        worn = turned_wearer(self.wear.known, turn) if self.wear.learned is not None else None
        self.start(turned_wearer(self.wear.labelled, turn), worn)

    def forget_worn(self) -> None:
        """Go back to what labels tell, smoothly."""
        self.wear.forget()
        self._estimate.change_to(self.wear.known)

    def fill(self, features: NDArray[np.float32], inputs: NDArray[np.float32]) -> None:
        """One tick: learn from its features (F,) and fill in the network's inputs (I,)."""
        changed = self.wear.tick(features)
        if changed is not None:
            self._estimate.change_to(self.wear.known, changed)
        self._inputs.step(features, out=inputs)

    def saved_state(self) -> Arrays:
        """As arrays, for `from_saved`."""
        return part_of("reading", self._estimate.saved_state()) | part_of("wear", self.wear.saved_state())

    @classmethod
    def from_saved(cls, saved: SavedArrays, prior: Prior, channels: Channels, rate_hz: float) -> WearerKnowledge:
        """From parts of `saved` that `saved_state` made; raises `SnapshotError`."""
        knowledge = cls(prior, channels, rate_hz)
        if saved.has_part("wearer"):  # of before wear taught anything
            knowledge.start(WearerJacobian.from_saved(saved.part("wearer"), prior.observations))
            return knowledge
        estimate = SmoothEstimate.from_saved(saved.part("reading"), prior, knowledge._change_ticks)
        part = saved.part("wear")
        knowledge.wear = WearLearning.from_saved(part, estimate.wearer, prior, channels, rate_hz)
        knowledge._read(estimate)
        return knowledge

    @property
    def _change_ticks(self) -> int:
        return round(CHANGE_S * self._rate_hz)

    def _read_at_once(self) -> None:
        self._read(SmoothEstimate(self._prior, self.wear.known, self._change_ticks))

    def _read(self, estimate: SmoothEstimate) -> None:
        self._estimate = estimate
        self._inputs = InputAssembler(self._channels, estimate)

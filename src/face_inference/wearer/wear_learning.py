"""Learning while worn: observations are kept as they come, learned from beside the stream, and judged on fresh ones.

All that is decided follows from the ticks, never from the time that learning takes: what was begun at one tick is taken
over, or not, at another one, which waits for it if it must. So a replay makes of the same samples the same numbers.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.wearer.linear_estimate import LinearEstimate
from face_inference.wearer.prior import Prior, WearerJacobian
from face_inference.wearer.wear_rounds import (
    FRESH_OBSERVATIONS,
    Fit,
    Round,
    beside,
    find_fit,
    learn_round,
    more_likely,
    with_flags,
)
from face_inference.wearer.worn import LEAST_OBSERVATIONS, WORN_HZ
from face_model.saved_arrays import Arrays, SavedArrays, part_of

MOST_OBSERVATIONS = 1500
"""Five minutes: older ones are forgotten."""

WITHOUT_LABELS = False
"""Whether wear adds to what is known where no label tells anything of the wearer. It does not: on three families the
published faces lose by it (r .60 to .57 after five minutes; our head gains 0.006 of MAE, others lose 0.002 to 0.004),
though each round makes fresh observations more likely. After a routine or beside a camera wear helps on all."""

LEAST_UNLABELLED = 450
"""A minute and a half, where no label tells anything of the wearer: what is learned from less reads worse than nothing
at all (MAE 0.092 instead of 0.086 after a minute, simulated; from then on 0.079 to 0.080)."""

STILL_RAD = 0.012
"""Skin that turns by less does not move: brows turn their boards by 0.03 to 0.07, noise by 0.001."""

STILL_OBSERVATIONS = 15
"""After three seconds without a motion no more is kept: a still face would teach that nothing turns anything."""

FIT_EVERY = 50
"""Each ten seconds it is looked whether what was known at first fits at all."""

FIT_AFTER = 10
"""So many observations later the answer is looked at."""

_LONGEST = 1 << 40


class WearLearning:
    """What is learned of one wearer from unlabelled wear; call `tick` with each tick's features.

    Args:
        prior: over wearers and faces.
        channels: of the features.
        rate_hz: of the ticks.

    Attributes:
        labelled: what labels tell of the wearer, where `forget` leads back to.
        known: what is known, with what wear added.
        kept: rounds that were taken over.
        rejected: rounds that made fresh observations less likely.
        gain: in log-likelihood of a fresh observation, by the newest round, nats.
        glued_anew: whether the labels were found to be of another gluing, and count little since.
    """

    def __init__(self, prior: Prior, channels: Channels, rate_hz: float) -> None:
        self._prior, self._channels = prior, channels
        self._rotation, self._flags_at = channels.skin_block("rotation"), channels.valid
        self._stride = max(1, round(rate_hz / WORN_HZ))
        self._enabled = False
        self._room = MOST_OBSERVATIONS + FRESH_OBSERVATIONS
        self._values = np.zeros((self._room, prior.observations), dtype=np.float16)
        self._masks = np.zeros((self._room, (channels.sensors + 7) // 8), dtype=np.uint8)
        self.start(prior.unknown_wearer)

    def start(self, labelled: WearerJacobian, known: WearerJacobian | None = None) -> None:
        """Begin with another wearer, or with other knowledge; `known`: what wear added to it before."""
        if labelled.evidence is not None:
            # Saved in single precision: what is learned after a saved state must be what is learned without it.
            labelled = replace(labelled, evidence=labelled.evidence.rounded)
        self.labelled = labelled
        self.glued_anew = False
        self._loose: WearerJacobian | None = None
        self.known = labelled if known is None else replace(known, evidence=labelled.evidence)
        self.kept = self.rejected = 0
        self.gain = 0.0
        self.renew()

    def renew(self) -> None:
        """Begin with new observations, of another neutral; what is known stays."""
        self._ticks = self._count = 0
        self._begun = -1
        self._round: Future[Round | None] | None = None
        self._fit: Future[Fit] | None = None
        self._anchor = np.full(self._prior.observations, np.inf)
        self._still = 0

    def forget(self) -> None:
        """Go back to what labels tell, as far as they fit."""
        glued_anew = self.glued_anew
        self.start(self.labelled)
        self.glued_anew = glued_anew

    @property
    def enabled(self) -> bool:
        """Whether it learns; what was learned stays when it ends."""
        return self._enabled

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        if enabled != self._enabled:
            self._enabled = enabled
            self.renew()

    @property
    def can_learn(self) -> bool:
        """Whether wear adds to what is known: there must be labels, and evidence of them, else they would be lost."""
        return self.labelled.evidence is not None or (WITHOUT_LABELS and self.labelled.source == "population")

    @property
    def learned(self) -> WearerJacobian | None:
        """What is known with what wear added; None while that is nothing."""
        return None if self.known is self.labelled else self.known

    @property
    def worn_s(self) -> float:
        """Time in which the face moved since the beginning, s."""
        return self._count / WORN_HZ

    @property
    def fits(self) -> bool | None:
        """Whether the wearer is whom the labels are of, glued on as then; None while nothing can tell."""
        if self.glued_anew:
            return False
        looked = self._enabled and self._count >= FIT_EVERY + FIT_AFTER
        return True if looked and self.labelled.evidence is not None else None

    def tick(self, features: NDArray[np.float32]) -> LinearEstimate | None:
        """One tick's features (F,); the linear estimate of what is `known` from here on, where that changes."""
        if not self._enabled:
            return None
        self._ticks += 1
        if self._ticks % self._stride or not self._keep(features):
            return None
        changed = None
        if self._begun >= 0 and self._count == self._begun + FRESH_OBSERVATIONS:
            changed = self._judge()
        if self._fit is not None and self._count % FIT_EVERY == FIT_AFTER:
            changed = self._look_at_fit() or changed
        if self._begun < 0 and self._count >= self._least and self.can_learn:
            self._begin()
        if self._count % FIT_EVERY == 0:
            self._ask_for_fit(self._count)
        return changed

    @property
    def _least(self) -> int:
        return LEAST_UNLABELLED if self.labelled.evidence is None else LEAST_OBSERVATIONS

    # Saving and restoring.

    def saved_state(self) -> Arrays:
        """As arrays, for `from_saved`; without what is known, which is kept beside it."""
        rows = self._rows(min(self._count, self._room), 0)
        whole = (self._ticks, self._count, self._begun, self._still, self.kept, self.rejected, int(self.glued_anew))
        arrays: Arrays = {
            "enabled": np.array(self._enabled),
            "counts": np.array(whole, dtype=np.int64),
            "gain": np.array(self.gain),
            "anchor": self._anchor,
            "values": self._values[rows],
            "masks": self._masks[rows],
        }
        if self.known is not self.labelled:
            arrays |= part_of("labelled", replace(self.labelled, evidence=None).saved_state())
        return arrays

    @classmethod
    def from_saved(
        cls, saved: SavedArrays, known: WearerJacobian, prior: Prior, channels: Channels, rate_hz: float
    ) -> WearLearning:
        """From `saved_state`, with what is known.

        Raises:
            SnapshotError: it is damaged, or of another model.
        """
        learning = cls(prior, channels, rate_hz)
        if saved.has_part("labelled"):
            bare = WearerJacobian.from_saved(saved.part("labelled"), prior.observations)
            learning.start(replace(bare, evidence=known.evidence), known)
        else:
            learning.start(known)
        learning._enabled = saved.flag("enabled")
        counts = saved.array("counts", (7,), "i8")
        learning.gain = saved.number("gain")
        learning._anchor = saved.array("anchor", (prior.observations,), finite=False)
        size = prior.observations
        values = saved.array("values", (None, size), "f2", most_rows=learning._room)
        masks = saved.array("masks", (len(values), learning._masks.shape[1]), "u1")
        saved.end()
        ticks, count, begun, still, kept, rejected, glued_anew = counts.tolist()
        waits = begun == -1 or LEAST_OBSERVATIONS <= begun <= count < begun + FRESH_OBSERVATIONS
        if (
            not (counts >= -1).all()
            or glued_anew not in (0, 1)
            or counts.max() > _LONGEST
            or not waits
            or np.isnan(learning._anchor).any()
        ):
            raise saved.refuse("counts of observations and rounds", counts.tolist())
        if len(values) != min(count, learning._room) or (begun >= 0 and not learning.can_learn):
            raise saved.refuse(f"as many observations as of {count} are kept", len(values))
        learning._ticks, learning._count, learning._still = ticks, count, still
        learning.kept, learning.rejected, learning.glued_anew = kept, rejected, bool(glued_anew)
        rows = learning._rows(len(values), 0)
        learning._values[rows], learning._masks[rows] = values, masks
        if begun >= 0:
            learning._begin(begun)
        if count % FIT_EVERY < FIT_AFTER:
            learning._ask_for_fit(count - count % FIT_EVERY)
        return learning

    # Details.

    def _keep(self, features: NDArray[np.float32]) -> bool:
        """Keep an observation of a face that moves; whether it was kept."""
        flags = features[self._flags_at] > 0.5
        values = np.where(self._channels.observed(features), features[self._rotation], 0.0)
        if not flags.any() or not np.abs(values).max() < np.pi:  # NaN compares false
            return False
        self._still += 1
        if np.abs(values - self._anchor).max() > STILL_RAD:
            self._anchor, self._still = values.astype(np.float64), 0
        if self._still >= STILL_OBSERVATIONS:
            return False
        row = self._count % self._room
        self._values[row], self._masks[row] = values, np.packbits(flags)
        self._count += 1
        return True

    def _rows(self, first: int, last: int) -> NDArray[np.intp]:
        """Where the observations lie from the `first` to before the `last`, counted back from the newest."""
        return np.arange(self._count - first, self._count - last) % self._room

    def _begin(self, begun: int | None = None) -> None:
        """Begin a round with the observations up to now, or to when so many had been kept."""
        self._begun = self._count if begun is None else begun
        rows = self._rows_up_to(self._begun)
        self._round = beside(
            learn_round, self._prior, self._channels, self.known, self._values[rows], self._masks[rows]
        )

    def _rows_up_to(self, count: int) -> NDArray[np.intp]:
        """Where the observations lie that there were when so many had been kept."""
        return self._rows(self._count - count + min(count, MOST_OBSERVATIONS), self._count - count)

    def _ask_for_fit(self, count: int) -> None:
        """Ask whether the observations up to the one of this number are of what was known at first."""
        if not self._enabled or count == 0:
            return
        first, loose = self.labelled, self._loose
        if self.labelled.source == "population" and self.learned is not None and self._count < self._least:
            first, loose = self.known, self.labelled  # learned before these observations: of another gluing?
        elif self.labelled.evidence is None or self.glued_anew:
            return
        rows = self._rows_up_to(count)
        values, masks = self._values[rows], self._masks[rows]
        self._fit = beside(find_fit, self._prior, self._channels, first, loose, values, masks)

    def _look_at_fit(self) -> LinearEstimate | None:
        """Go on with what fits, where the labels do not."""
        assert self._fit is not None
        found = self._fit.result()
        self._fit = None
        if not found.misfit:
            self._loose = found.loose
            return None
        self.glued_anew = self.labelled.source != "population"
        self.labelled = self.known = found.loose
        self.kept = self.rejected = 0
        self._begun, self._round = -1, None
        return found.estimate

    def _judge(self) -> LinearEstimate | None:
        """Take the round over if it makes fresh observations more likely."""
        assert self._round is not None
        found = self._round.result()
        fresh = self._rows(self._count - self._begun, 0)
        self._begun, self._round = -1, None
        if found is None:
            return None
        values = self._values[fresh].astype(np.float64)[with_flags(self._masks[fresh], found.flags)]
        self.gain = more_likely(found.after, found.before, values)
        if self.gain <= 0.0:
            self.rejected += 1
            return None
        self.kept += 1
        self.known = found.wearer
        return found.estimate

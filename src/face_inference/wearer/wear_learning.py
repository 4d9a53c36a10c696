"""Learning while worn: observations are kept as they come, learned from beside the stream, and judged on fresh ones.

All that is decided follows from the ticks, never from the time that learning takes: what was begun at one tick is taken
over, or not, at another one, which waits for it if it must. So a replay makes of the same samples the same numbers.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.wearer.linear_estimate import LinearEstimate
from face_inference.wearer.prior import Prior, WearerJacobian
from face_inference.wearer.worn import LEAST_OBSERVATIONS, WORN_HZ, ObservationDensity, learn_worn
from face_model.saved_arrays import Arrays, SavedArrays, part_of

MOST_OBSERVATIONS = 1500
"""Five minutes: older ones are forgotten."""

FRESH_OBSERVATIONS = 100
"""Twenty seconds, on which a round is judged; then the next one begins."""

MOST_SURPRISE = 20.0
"""A single observation counts for or against a round with this at most, nats: some are outliers by hundreds."""

STILL_RAD = 0.012
"""Skin that turns by less does not move: brows turn their boards by 0.03 to 0.07, noise by 0.001."""

STILL_OBSERVATIONS = 15
"""After three seconds without a motion no more is kept: a still face would teach that nothing turns anything."""

_LONGEST = 1 << 40
_ONE_AT_A_TIME = threading.Lock()
"""A round needs 80 MB for a fifth of a second: several wearers take turns."""


class _Round(NamedTuple):
    """What a round found, and all that judging it needs, so that the frame that judges need not wait for it."""

    wearer: WearerJacobian
    estimate: LinearEstimate
    flags: bytes
    before: ObservationDensity
    after: ObservationDensity


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
        self.known = labelled if known is None else replace(known, evidence=labelled.evidence)
        self.kept = self.rejected = 0
        self.gain = 0.0
        self.renew()

    def renew(self) -> None:
        """Begin with new observations, of another neutral; what is known stays."""
        self._ticks = self._count = 0
        self._begun = -1
        self._round: Future[_Round | None] | None = None
        self._anchor = np.full(self._prior.observations, np.inf)
        self._still = 0

    def forget(self) -> None:
        """Go back to what labels tell."""
        self.start(self.labelled)

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
        """Whether wear can add to what is known: labels whose evidence was not kept would be lost by it."""
        return self.labelled.source == "population" or self.labelled.evidence is not None

    @property
    def learned(self) -> WearerJacobian | None:
        """What is known with what wear added; None while that is nothing."""
        return None if self.known is self.labelled else self.known

    @property
    def worn_s(self) -> float:
        """Time in which the face moved since the beginning, s."""
        return self._count / WORN_HZ

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
        if self._begun < 0 and self._count >= LEAST_OBSERVATIONS and self.can_learn:
            self._begin()
        return changed

    # Saving and restoring.

    def saved_state(self) -> Arrays:
        """As arrays, for `from_saved`; without what is known, which is kept beside it."""
        rows = self._rows(min(self._count, self._room), 0)
        whole = (self._ticks, self._count, self._begun, self._still, self.kept, self.rejected)
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
        counts = saved.array("counts", (6,), "i8")
        learning.gain = saved.number("gain")
        learning._anchor = saved.array("anchor", (prior.observations,), finite=False)
        size = prior.observations
        values = saved.array("values", (None, size), "f2", most_rows=learning._room)
        masks = saved.array("masks", (len(values), learning._masks.shape[1]), "u1")
        saved.end()
        ticks, count, begun, still, kept, rejected = counts.tolist()
        waits = begun == -1 or LEAST_OBSERVATIONS <= begun <= count < begun + FRESH_OBSERVATIONS
        if not (counts >= -1).all() or counts.max() > _LONGEST or not waits or np.isnan(learning._anchor).any():
            raise saved.refuse("counts of observations and rounds", counts.tolist())
        if len(values) != min(count, learning._room) or (begun >= 0 and not learning.can_learn):
            raise saved.refuse(f"as many observations as of {count} are kept", len(values))
        learning._ticks, learning._count, learning._still = ticks, count, still
        learning.kept, learning.rejected = kept, rejected
        rows = learning._rows(len(values), 0)
        learning._values[rows], learning._masks[rows] = values, masks
        if begun >= 0:
            learning._begin(begun)
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
        fresh = self._count - self._begun
        rows = self._rows(fresh + min(self._begun, MOST_OBSERVATIONS), fresh)
        learner = ThreadPoolExecutor(1, thread_name_prefix="learn_worn")
        arguments = self._prior, self._channels, self.known, self._values[rows], self._masks[rows]
        self._round = learner.submit(_learn, *arguments)
        learner.shutdown(wait=False)

    def _judge(self) -> LinearEstimate | None:
        """Take the round over if it makes fresh observations more likely."""
        assert self._round is not None
        found = self._round.result()
        fresh = self._rows(self._count - self._begun, 0)
        self._begun, self._round = -1, None
        if found is None:
            return None
        values = self._values[fresh].astype(np.float64)[_are(self._masks[fresh], found.flags)]
        self.gain = _more_likely(found.after, found.before, values)
        if self.gain <= 0.0:
            self.rejected += 1
            return None
        self.kept += 1
        self.known = found.wearer
        return found.estimate


def _learn(
    prior: Prior,
    channels: Channels,
    known: WearerJacobian,
    values: NDArray[np.float16],
    masks: NDArray[np.uint8],
) -> _Round | None:
    """One round, from the observations of the commonest pattern of sensors; None if there are too few of them."""
    patterns, counts = np.unique(masks, axis=0, return_counts=True)
    flags = patterns[int(np.argmax(counts))]
    seen = np.unpackbits(flags, count=channels.sensors)[channels.sensor_of[channels.skin_block("rotation")]] > 0
    with _ONE_AT_A_TIME:
        try:
            found = learn_worn(prior, known, values[_are(masks, flags.tobytes())].astype(np.float64), seen)
            if found is known:
                return None
            estimate = LinearEstimate(prior, found)
            estimate.gain(seen)
            densities = [ObservationDensity(prior, wearer, seen) for wearer in (known, found)]
        except np.linalg.LinAlgError:  # of observations that no face makes
            return None
    return _Round(found, estimate, flags.tobytes(), *densities)


def _are(masks: NDArray[np.uint8], flags: bytes) -> NDArray[np.bool_]:
    return np.asarray((masks == np.frombuffer(flags, dtype=np.uint8)).all(axis=1))


def _more_likely(first: ObservationDensity, second: ObservationDensity, values: NDArray[np.float64]) -> float:
    """By how much observations (N, D) are more likely under the first, nats for each; 0 for hardly any."""
    if len(values) < FRESH_OBSERVATIONS // 2:
        return 0.0
    return float(np.clip(first(values) - second(values), -MOST_SURPRISE, MOST_SURPRISE).mean())

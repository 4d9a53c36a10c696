"""One face from the sensors and what else sees or hears it, at each sample, without waiting for anybody.

With sensors' weights i, and for each other source k what it says of now c_k, its usual distance from the sensors o_k,
its share W_k now and its usual share V_k,

    fused = i + sum over k of  V_k o_k + W_k (c_k - i - o_k).

While a source is seen, W_k is about V_k and the face lies between i and c_k, each by its precision. Where it is lost,
W_k eases to nought and i + V_k o_k remains: the sensors' face, with the share of their usual distance that was taken
for theirs, so that nothing jumps; it fades over a minute. Every share eases: none changes by more than all of itself in
`ease_s`. Where the pictures begin to make the face, or the samples again, the first face is the last one, and what lies
between both eases away in `ease_s` too.

Latency: a face of the sensors is answered at once, with its own stamp. What a picture shows is older; it is carried on
by what the sensors felt since (`witness`), never waited for. Only where the sensors are silent or stale does a picture
make a face, with its stamp.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_fusion.deviation import LEAST_VARIANCE, MOST_VARIANCE, confidence_of, variance_of
from face_fusion.faces import Floats, FusedFace, Picture, SensorFace, State
from face_fusion.track import Track
from face_fusion.witness import Witness, WitnessParams
from face_model import arkit

SILENT_S = 0.15
"""Sensors whose newest sample is older have no say in how the face moves now."""
UNWANTED_S = 0.09
"""A face that nobody wants is made when the last one is so old: shares ease in steps of up to a tenth of a second."""
UNWANTED_PICTURE_S = 0.03
BACK_S = 1.0
"""A stamp that goes back by more is of a clock that was set, or of a replay that began anew."""
_HIDDEN_VARIANCE = 0.25**2
"""What sensors say of a shape that they cannot tell is at best its usual value, whatever its confidence."""
_STALE_VARIANCE = 0.6**2
_FADE_S = 0.5
_MISSED = 0.7
_LONGEST_STEP_S = 0.1
_MEASURED = 0.2
_SURE = 0.995


@dataclass(frozen=True)
class FuserParams:
    """How it fuses.

    Attributes:
        ease_s: in which a share goes from nothing to all, s.
    """

    ease_s: float = 0.4


class Fuser:
    """Fed with faces and pictures as they arrive.

    Args:
        witnesses: what is assumed of each source beside the sensors, by its name.
        params: how it fuses.

    Attributes:
        witnesses: the sources, in order.
        restarts: how often time went back.
        refused: faces of the sensors that were older than one before, or not finite.
    """

    def __init__(self, witnesses: Mapping[str, WitnessParams], params: FuserParams = FuserParams()) -> None:
        self.params = params
        self.witnesses: dict[str, Witness] = {name: Witness(each) for name, each in witnesses.items()}
        self.restarts = self.refused = 0
        self._sensors = Track()
        self._newest: SensorFace | None = None
        self._sensed = np.full(arkit.COUNT, MOST_VARIANCE)
        self._observable = np.zeros(arkit.COUNT, dtype=bool)
        self._shares = np.zeros((len(witnesses), arkit.COUNT))
        self._now_s = -math.inf
        self._last: Floats | None = None
        self._of_sample = True
        self._step, self._stepped_s = np.zeros(arkit.COUNT), -math.inf

    @property
    def sensors_s(self) -> float:
        """Stamp of the newest face of the sensors, s; minus infinity before the first."""
        return self._newest.time_s if self._newest is not None else -math.inf

    @property
    def sensors_live(self) -> bool:
        """Whether the sensors move the face now."""
        face = self._newest
        return face is not None and face.state is not State.STALE and self._now_s - face.time_s <= SILENT_S

    def restart(self) -> None:
        """Time went back: sources are heard anew; what was learned of them stays."""
        self.restarts += 1
        self._sensors.clear()
        self._newest, self._now_s, self._last = None, -math.inf, None
        self._shares[:] = 0.0
        for witness in self.witnesses.values():
            witness.restart()

    def sense(self, face: SensorFace, clock_s: float = -math.inf, wanted: bool = True) -> FusedFace | None:
        """A face of the sensors; None where it is refused, or stale while another source makes the face.

        Args:
            face: newer than the one before.
            clock_s: time on the clock of the stamps, where it is known: stale faces repeat theirs.
            wanted: where nobody wants the answer, a face is made only as often as shares and what is learned of the
                sources need it, and is None in between.
        """
        usable = np.isfinite(face.weights).all() and math.isfinite(face.time_s)
        if not usable or np.shape(face.weights) != (arkit.COUNT,) or np.shape(face.confidence) != (arkit.COUNT,):
            self.refused += 1
            return None
        newest = self._newest
        if newest is not None and face.time_s < newest.time_s - BACK_S:
            self.restart()
            newest = None
        if newest is not None and face.time_s < newest.time_s:
            self.refused += 1
            return None
        again = newest is not None and face.time_s == newest.time_s
        stale = face.state is State.STALE or again
        if not stale:
            if newest is not None and face.time_s - newest.time_s > SILENT_S:
                self._sensors.clear()
            self._sensors.add(face.time_s, face.weights)
        self._newest = face
        self._sensed = variance_of(np.nan_to_num(np.asarray(face.confidence, dtype=np.float64)))
        usual = face.state in (State.TRACKING, State.DEGRADED)
        self._observable = np.asarray(face.observable, dtype=bool) & usual
        if stale and self._any_seen(max(face.time_s, clock_s, self._now_s)):
            return None
        if not wanted and not stale and face.time_s - self._now_s < UNWANTED_S:
            return None
        return self._face(max(face.time_s, self._now_s) if stale else face.time_s, of_sample=True)

    def see(self, name: str, picture: Picture, wanted: bool = True) -> FusedFace | None:
        """A picture of a source; a face where the sensors do not make one.

        Where the answer is not `wanted`, as in `sense`, and the sensors are live, 30 pictures a second are enough.

        Raises:
            KeyError: no such source.
        """
        witness = self.witnesses[name]
        if not wanted and self.sensors_live and 0.0 < picture.time_s - witness.newest_s < UNWANTED_PICTURE_S:
            return None
        if picture.time_s < witness.newest_s - BACK_S:
            witness.restart()
        if not self.sensors_live and picture.time_s < self._now_s - BACK_S:
            self.restart()
        if not witness.add(picture, self._sensors, self._claimed_by_sensors(), self._observable):
            return None
        sensors = self._newest
        silent_s = picture.time_s - sensors.time_s if sensors is not None else math.inf
        if sensors is not None and sensors.state is not State.STALE and silent_s <= SILENT_S + witness.lag_s:
            return None  # the sensors' next face is on its way
        if picture.time_s <= self._now_s:
            return None
        return self._face(picture.time_s, of_sample=False)

    def _any_seen(self, now_s: float) -> bool:
        return any(
            each.condition == "seen" and now_s - each.newest_s <= each.params.patience_s
            for each in self.witnesses.values()
        )

    def _claimed_by_sensors(self) -> Floats:
        """(52,) variance of the sensors' error as it counts against others."""
        return np.where(self._observable, self._sensed, np.maximum(self._sensed, _HIDDEN_VARIANCE))

    def _face(self, now_s: float, of_sample: bool) -> FusedFace:
        passed_s = min(max(now_s - self._now_s, 0.0), _LONGEST_STEP_S) if math.isfinite(self._now_s) else 0.0
        self._now_s = now_s
        felt, counted, told = self._felt(now_s)
        heard = [witness.says(now_s, self._sensors) for witness in self.witnesses.values()]
        for witness in self.witnesses.values():
            if witness.condition == "seen":
                counted = counted * witness.chronic + _MISSED * witness.missed
        shares = self._eased(counted, heard, passed_s)
        fused, offsets, variance = felt.copy(), np.zeros(arkit.COUNT), np.square(1.0 - shares.sum(axis=0)) * told
        measured = self._observable.copy()
        for share, witness, (weights, spread, there) in zip(shares, self.witnesses.values(), heard, strict=True):
            apart = witness.offset_at(now_s)
            usual = 1.0 / witness.usual
            offsets += usual / (usual + 1.0 / counted) * apart
            fused += share * (weights - felt - apart)
            variance += np.square(share) * spread
            measured |= share > _MEASURED
            if there.any():
                witness.used(spread, there, passed_s)
        sure = np.clip(confidence_of(np.maximum(variance, 1e-8)), 0.0, _SURE)
        alone = shares.sum(axis=0) == 0.0
        if self._newest is not None:
            own = np.clip(np.nan_to_num(np.asarray(self._newest.confidence, dtype=np.float64)), 0.0, 1.0)
            sure = np.where(alone, own, sure)
        offsets += self._bridge(now_s, np.maximum(fused + offsets, 0.0), of_sample)
        self._last = np.maximum(fused + offsets, 0.0)
        return FusedFace(now_s, self._last.copy(), sure, self._state(shares), measured, shares.copy(), offsets)

    def _bridge(self, now_s: float, weights: Floats, of_sample: bool) -> Floats:
        """(52,) what leads from the last face to this one where another makes it now; it eases away."""
        if self._last is None:
            self._stepped_s = -math.inf
        elif of_sample is not self._of_sample:
            self._step, self._stepped_s = self._last - weights, now_s
        self._of_sample = of_sample
        return self._step * max(0.0, 1.0 - (now_s - self._stepped_s) / self.params.ease_s)

    def _felt(self, now_s: float) -> tuple[Floats, Floats, Floats]:
        """The sensors' weights, their variance against others, and the variance that is told."""
        face = self._newest
        if face is None:
            return np.zeros(arkit.COUNT), np.full(arkit.COUNT, MOST_VARIANCE), np.full(arkit.COUNT, MOST_VARIANCE)
        counted = self._claimed_by_sensors()
        silent_s = max(0.0, now_s - face.time_s - SILENT_S)
        old = 1.0 if face.state in (State.STALE, State.CALIBRATING) else min(1.0, silent_s / _FADE_S)
        more = _STALE_VARIANCE * old
        weights = np.clip(np.asarray(face.weights, dtype=np.float64), 0.0, 2.0)
        return weights, np.minimum(counted + more, MOST_VARIANCE), np.minimum(self._sensed + more, MOST_VARIANCE)

    def _eased(
        self, counted: Floats, heard: Sequence[tuple[Floats, Floats, Floats]], passed_s: float
    ) -> NDArray[np.float64]:
        """(sources, 52) shares by precision, not further from the last than time allows."""
        if not heard:
            return self._shares
        precision = np.stack([there / np.maximum(spread, LEAST_VARIANCE) for _, spread, there in heard])
        asked = precision / (precision.sum(axis=0) + 1.0 / counted)
        # One that nobody saw yet has all at once where there is nothing to ease from.
        step = passed_s / self.params.ease_s if self._newest is not None else 1.0
        self._shares = self._shares + np.clip(asked - self._shares, -step, step)
        total = self._shares.sum(axis=0)
        self._shares = np.where(total > 1.0, self._shares / np.maximum(total, 1e-12), self._shares)
        return self._shares

    def _state(self, shares: Floats) -> State:
        face = self._newest
        seen = any(witness.condition == "seen" for witness in self.witnesses.values())
        if face is not None and self.sensors_live and face.state is not State.CALIBRATING:
            return face.state
        if seen and shares.sum(axis=0).max() > _MEASURED:
            return State.DEGRADED
        return face.state if face is not None and self.sensors_live else State.STALE

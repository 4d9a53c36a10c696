"""Frames in, faces out: calibration, missing sensors, rates, gaps, stale input. Knows no ROS and reads no clock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.alignment.capture import AlignmentCapture
from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.alignment.solve import turned_rad
from face_inference.alignment.turned import turning
from face_inference.calibrations import Calibrations
from face_inference.captures import Captures
from face_inference.continuity import Coming, Continuity
from face_inference.engines.protocol import Engine, EngineOutput
from face_inference.errors import InferenceError
from face_inference.face_estimate import FaceEstimate, InputLayout, TrackerCounters
from face_inference.fading import faded
from face_inference.features import FeatureExtractor, State
from face_inference.followed_head import FollowedHead
from face_inference.model_folder import ModelDescription
from face_inference.mounts import NominalMounts
from face_inference.neutral import Neutral
from face_inference.neutral_calibration import NeutralCalibration
from face_inference.sample_check import SampleCheck
from face_inference.sensor_match import SensorMatch
from face_inference.ticks import TickResampler
from face_inference.tracker_params import TrackerParams
from face_inference.tracker_state import restore_tracker, saved_tracker
from face_inference.uncertainty import honest
from face_inference.wearer.knowledge import WearerKnowledge
from face_inference.wearer.prior import WearerJacobian
from face_inference.wearer.routine_capture import RoutineCapture
from face_inference.wearer.wear_learning import WearLearning
from face_model import arkit
from face_model.face_state import FaceState
from face_model.imu_sample import STATUS_ORIENTATION_HOST, ImuSample
from face_model.saved_arrays import Arrays

Float32Array = NDArray[np.float32]

_NUMBERS = 1 << 32
_MOST_MISSED = 4096
_MOST_ANEW = 4000
"""Samples that may be passed over before and after a boot."""
_TAKEN_OFF_S = 300.0
"""Sensors of a hub that was off for longer may have been glued on anew; a guess."""


class FaceTracker:
    """One wearer's face from one stream of samples.

    Every time a caller passes (`now_s`) is of one monotonic clock; sample times are of the hub's.

    `update` does it all. Who steps an engine for several faces at once calls its parts: `accept` a sample, then as
    long as `next_tick` fills this face's inputs, step the engine and `take_output`; then `estimate` is the face.

    Attributes:
        params: times.
        counters: what happened so far.
        face: row of this face in the engine.
        changes: counts whatever decides faces to come and does not follow from the samples: what was set or asked for.
            Each is worth a saved state.
        breaks: counts samples that were not the next: who records samples may have received those between.
        missed: first and last number of each run of samples that did not come, the newest of them; whoever keeps
            saved states may empty it.
        worn_s: when the newest sample came, after which sensors may have been taken off; None: not known. Whoever
            restores a state may know it.
    """

    def __init__(
        self, description: ModelDescription, engine: Engine, params: TrackerParams | None = None, face: int = 0
    ) -> None:
        """Start with automatic calibration.

        Args:
            description: of the model.
            engine: that runs it.
            params: times.
            face: row of this face in the engine.
        """
        self.params = params or TrackerParams()
        self.counters = TrackerCounters()
        self.face = face
        self._description = description
        self._engine = engine
        self._only_this = None if engine.faces == 1 else np.arange(engine.faces) == face
        self._extractor = FeatureExtractor(description.mounts, rate_hz=description.rate_hz)
        self._knowledge = WearerKnowledge(description.prior, self._extractor.channels, description.rate_hz)
        self._sensors = SensorMatch(description)
        self._check = SampleCheck(len(description.mounts.names))
        self._ticks = TickResampler(self._extractor.channels, description.rate_hz, description.rate_hz)
        self._calibrations = Calibrations(description.mounts)
        self._calibrations.begin_automatic(self.params.calibration)
        self._captures = Captures()
        self._wearer_aligned = False
        self._last: FaceEstimate | None = None
        self._sequence, self._state = 0, FaceState.CALIBRATING
        self._continuity = Continuity(self.params.max_gap_s)
        self._ahead = 1
        self._due: deque[Float32Array] = deque()
        self._received_s: float | None = None
        self.worn_s: float | None = None
        self._head = FollowedHead()
        self._away: NDArray[np.int64] = np.zeros(len(description.mounts.names), np.int64)
        self.changes = self.breaks = 0
        self.missed: deque[tuple[int, int]] = deque(maxlen=_MOST_MISSED)

    # Set-up.

    @property
    def mounts(self) -> NominalMounts:
        """Sensors of the model."""
        return self._description.mounts

    @property
    def layout(self) -> InputLayout | None:
        """Of the incoming sensors; None before `set_layout`."""
        return self._sensors.layout

    @property
    def missing_sensors(self) -> tuple[str, ...]:
        """Sensors the model knows and the input layout lacks."""
        return self._sensors.missing

    @property
    def unusable_sensors(self) -> tuple[str, ...]:
        """Sensors of the model whose newest sample cannot be used: missing, faulty, or not in the input layout."""
        return tuple(name for name, away in zip(self.mounts.names, self._away, strict=True) if away)

    @property
    def neutral(self) -> Neutral | None:
        """The neutral in use."""
        return self._extractor.state.neutral

    @neutral.setter
    def neutral(self, neutral: Neutral) -> None:
        self._use(neutral)
        self.changes += 1

    @property
    def wearer(self) -> WearerJacobian:
        """What is known of the wearer; its `source` says from where. A new neutral does not change it, wear may."""
        return self._knowledge.known

    @wearer.setter
    def wearer(self, wearer: WearerJacobian) -> None:
        self.use_wearer(wearer)
        self._wearer_aligned = self.alignment is not None  # learned with the mountings in use

    @property
    def wear(self) -> WearLearning:
        """What is learned of the wearer while worn; for reading. It learns where `learn_while_worn` says so."""
        return self._knowledge.wear

    def use_wearer(
        self,
        labelled: WearerJacobian,
        worn: WearerJacobian | None = None,
        alignment: SensorAlignment | None = None,
    ) -> None:
        """Somebody wears the sensors of whom labels tell this; `worn`: with what wear added to it before.

        `alignment`: how their sensors were mounted then; gravity says whether they still are. Where they are not, or
        nothing is said, what is known of the mountings stays.
        """
        if alignment is not None:
            self._use_if_it_holds(alignment)
        self._wearer_aligned = alignment is not None
        self._knowledge.start(labelled, worn)
        self._reset_network()
        self.changes += 1

    @property
    def alignment(self) -> SensorAlignment | None:
        """How the sensors are mounted, as a nod and a shake told; None: as the layout has them."""
        return self._calibrations.alignment

    def turn_of(self, neutral: Neutral) -> NDArray[np.floating]:
        """(S,) rad about the vertical, by which a neutral's mountings differ from those in use; 0: there are none."""
        before = self.neutral
        if before is None:
            return np.zeros(len(self.mounts.names))
        both = before.calibrated & neutral.calibrated
        return np.where(both, turned_rad(before.mount, neutral.mount), 0.0)

    def align(self, alignment: SensorAlignment | None, neutral: Neutral) -> None:
        """Use these mountings and the neutral that was learned with them; what is known of the wearer turns along."""
        turn = self.turn_of(neutral)
        self._calibrations.know(alignment)
        self._use(neutral)
        # What was learned with other boards that were aligned needs no turning: it is in the head's own axes.
        self._turn_knowledge(np.zeros_like(turn) if self._wearer_aligned else turn)
        self._wearer_aligned = alignment is not None

    def forget_alignment(self) -> None:
        """The layout's mountings hold again, at once: the neutral is turned back to them."""
        neutral = self.neutral
        if neutral is None:
            self._calibrations.know(None)
            self.changes += 1
            return
        turn = self._remounted(neutral, None)
        self._turn_knowledge(turn if self._wearer_aligned else np.zeros_like(turn))
        self._wearer_aligned = False

    @property
    def learn_while_worn(self) -> bool:
        """Whether unlabelled wear adds to what is known; at first not. What it added stays when it ends."""
        return self.wear.enabled

    @learn_while_worn.setter
    def learn_while_worn(self, learn: bool) -> None:
        if learn != self.wear.enabled:
            self.wear.enabled = learn
            self.changes += 1

    def forget_worn(self) -> None:
        """Go back to what labels tell, smoothly, and learn from wear anew."""
        self._knowledge.forget_worn()
        self.changes += 1

    @property
    def heading_deviation_rad(self) -> NDArray[np.floating]:
        """(K,) standard deviation of each skin sensor's heading against the skull, as far as head and face tell it.

        Where it is large, as after a heading that leapt or with a gyroscope that fails, confidence is lowered.
        """
        return self._extractor.heading_deviation_rad

    @property
    def mounting_turn_rad(self) -> NDArray[np.floating]:
        """(K,) by which each skin sensor's board is turned about the vertical, as found since the neutral."""
        return self._extractor.mounting_turn_rad

    @property
    def calibration_hint(self) -> str:
        """What the wearer should do for the automatic calibration to end."""
        return self._calibrations.hint

    @property
    def newest_sequence(self) -> int | None:
        """Number of the newest sample; None before the first."""
        newest = self._continuity.newest
        return None if newest is None else newest[0]

    def silence_s(self, now_s: float) -> float | None:
        """Time since the last sample, s; None before the first."""
        return None if self._received_s is None else now_s - self._received_s

    def set_layout(self, layout: InputLayout) -> None:
        """Match incoming sensors to the model's by name; a layout that differs starts calibration anew.

        Raises:
            LayoutMismatchError: the model's reference sensor is not among them, a name stands twice, or rate or number
                of sensors is out of bounds. Nothing has changed then.
        """
        before = self.layout
        if not self._sensors.follow(layout):
            return
        if before is not None and before.names != layout.names:
            self._calibrations.know(None)  # another layout may name other boards
        self._ticks = TickResampler(self._extractor.channels, self._description.rate_hz, layout.rate_hz)
        self._extractor = FeatureExtractor(self._description.mounts, rate_hz=layout.rate_hz)
        self._continuity.newest = None
        self._check.reset()
        self._start_anew()
        self.changes += 1

    def start_calibration(self, duration_s: float | None = None) -> NeutralCalibration:
        """Learn the neutral anew from the next samples; the old one stays until this one is complete and good.

        The caller may keep the returned object and look at its `result`.
        """
        params = self.params.calibration
        if duration_s is not None:
            params = replace(params, duration_s=duration_s)
        self.changes += 1
        return self._calibrations.begin_requested(params)

    def start_routine(self) -> RoutineCapture:
        """Collect the guided routine from the next sample on; `wearer` stays until it is set to what was learned.

        The caller keeps the returned object and looks at its `moment`, and at its `result` once it is complete. A new
        neutral, or a restart of the hub, ends it without one.

        Raises:
            InferenceError: no neutral was set.
        """
        if not self._extractor.ready:
            raise InferenceError(
                f"expected a neutral before the routine, found none yet; {self.calibration_hint}, then try again"
            )
        return self._captures.begin_routine(self._extractor.channels)

    def start_alignment(self) -> AlignmentCapture:
        """Collect the nod and the shake from the next sample on; nothing changes until `align` is called.

        The caller keeps the returned object and looks at its `moment`, and at its `result` once it is complete. A
        restart of the hub ends it without one; a new neutral does not, as it brings one of its own.
        """
        return self._captures.begin_alignment(self.mounts)

    def use_params(self, params: TrackerParams) -> None:
        """Use these times from now on; an automatic calibration that runs goes on with them, `max_gap_s` stays."""
        self.params = params
        self.changes += 1
        self._calibrations.use_params(params.calibration)

    # Running.

    def update(self, sample: ImuSample, now_s: float) -> FaceEstimate | None:
        """The face at this sample; None if the sample cannot be used (counted in `counters.refused`).

        Without `set_layout` the sensors must be the model's, in its order, at its rate.
        """
        if not self.accept(sample, now_s):
            return None
        while self.next_tick():
            self.take_output(self._engine.step(self._only_this))
        return self._last

    @property
    def head_rate(self) -> NDArray[np.float64] | None:
        """(3,) rad/s, angular velocity of the skull in `face_head` axes at the newest sample; None: it had none."""
        return self._head.rate(self._extractor)

    def accept(self, sample: ImuSample, now_s: float) -> bool:
        """Take a sample in; False if it cannot be used (counted in `counters.refused`)."""
        if not self._sensors.fits(sample) or not self._follow_sequence(sample, now_s):
            self.counters.refused += 1
            return False
        self._received_s = self.worn_s = now_s
        self.counters.samples += 1
        orientation, rates, forces, claimed = self._sensors.in_model_order(sample)
        status = self._sensors.status_in_model_order(sample)
        valid = self._check.usable(sample.hub_time_s, orientation, rates, status, claimed)
        if valid is not claimed:
            self.counters.masked += int(np.count_nonzero(claimed & ~valid))
        skull = self.mounts.reference
        self._head.follow(self._extractor, orientation[skull], rates[skull], valid[skull])
        self._captures.add_motion(sample.hub_time_s, orientation, rates, valid)
        if self._calibrations.collecting:
            self._calibrate(sample.hub_time_s, orientation, rates, valid)
        self._due.clear()
        if not self._extractor.ready:
            self._conclude(sample.sequence, FaceState.CALIBRATING, _zeros(), _zeros())
            return True
        self._follow_absence(valid)
        features = self._extractor.step(orientation, rates, forces, valid)
        if not self._extractor.fits:
            self._start_anew()  # other sensors, or on another face
            self._conclude(sample.sequence, FaceState.CALIBRATING, _zeros(), _zeros())
            return True
        self._captures.add_features(sample.hub_time_s, features)
        self._sequence, self._state = sample.sequence, self._state_at(features, valid)
        self._due.extend(self._ticks.push(sample.hub_time_s, features, self._ahead))
        if not self._due:  # between two ticks: the newest face is still the last one
            last = self._last
            weights, confidence = (_zeros(), _zeros()) if last is None else (last.weights, last.confidence)
            self._conclude(self._sequence, self._state, weights, confidence)
        return True

    def next_tick(self) -> bool:
        """Fill this face's row of the engine's inputs with the accepted sample's next tick; False if none is left.

        Lost samples are filled and other rates resampled, so that a sample may have any number of ticks.
        """
        if not self._due:
            return False
        self._knowledge.fill(self._due.popleft(), self._engine.inputs[self.face])
        return True

    def take_output(self, output: EngineOutput) -> None:
        """What the engine made of the tick that `next_tick` filled in."""
        self.counters.steps += 1
        if self._due:
            return
        weights, confidence = output.weights[self.face], output.confidence[self.face]
        # Whatever is not finite, in either, makes this sum so: much cheaper than looking at every value.
        if math.isfinite(float(np.dot(weights, confidence))):
            confidence = honest(confidence)
            if self._extractor.heading_trust < 1.0:
                confidence *= np.float32(self._extractor.heading_trust)
            self._conclude(self._sequence, self._state, weights.copy(), confidence)
            return
        self.counters.not_finite += 1
        self._reset_network()
        held = _zeros() if self._last is None else self._last.weights
        self._conclude(self._sequence, FaceState.DEGRADED, held, _zeros())

    @property
    def estimate(self) -> FaceEstimate | None:
        """The face at the newest sample; None before the first, and after a restart."""
        return self._last

    def face_without_input(self, now_s: float) -> FaceEstimate | None:
        """The face when no sample came: None while input is fresh or there never was any.

        Confidence falls to zero within `fade_s` from `stale_after_s` on; weights hold until `neutral_after_s` and then
        fall to neutral within `fade_s`.
        """
        if self._last is None or self._received_s is None:
            return None
        aged = self.aged(self._last, now_s - self._received_s)
        return None if aged is self._last else aged

    def aged(self, estimate: FaceEstimate, age_s: float) -> FaceEstimate:
        """A face whose sample is so old, s: itself up to `stale_after_s`, then STALE and fading, as without input.

        For callers who know how old a sample is that just came: after a stall of this process, or of the way to it,
        old samples come at full rate.
        """
        return faded(estimate, age_s, self.params)

    # Saving and restoring.

    def saved_state(self) -> Arrays:
        """All that decides the faces to come, as arrays, for `restore_state`; to be called between two samples.

        A calibration of the neutral that is under way is among it, also one that was asked for. A routine is not: it
        changes nothing before `wearer` is set.
        """
        return saved_tracker(self)

    def restore_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what `saved_state` gave, of this tracker or of another one of the same model.

        What was under way here is told that it ended: a calibration that was asked for, a routine.

        Raises:
            SnapshotError: damaged, or of another model; nothing has changed then.
            EngineError: the device failed.
        """
        restore_tracker(self, arrays)

    # Details.

    def _state_at(self, features: Float32Array, valid: NDArray[np.bool_]) -> FaceState:
        seen = features[self._extractor.channels.valid] > 0.5
        if seen.all():
            return FaceState.TRACKING
        self.counters.masked += int(np.count_nonzero(valid & ~seen))
        return FaceState.DEGRADED

    def _follow_absence(self, valid: NDArray[np.bool_]) -> None:
        """A unit that was away for long may have begun with another heading; so may all, if the skull's was."""
        if not self._away.any() and valid.all():
            return
        long = self._away > self.params.max_gap_s * self._rate_hz
        if (back := long & valid).any():
            self._extractor.headings_began_anew(back, perhaps=True)
        self._away = np.where(valid, 0, self._away + 1)

    def _follow_sequence(self, sample: ImuSample, now_s: float) -> bool:
        """Count losses, act on gaps and restarts; False for a sample that comes late or twice."""
        before = self._continuity.newest
        coming, ahead = self._continuity.follow(sample.sequence, sample.hub_time_s, self._rate_hz)
        if coming is Coming.NEXT and ahead == 1:
            self._ahead = 1
            return True
        if coming is Coming.LATE:
            return False
        self.breaks += 1
        if before is not None:
            self._tell_missed(before[0], sample.sequence, ahead)
        if coming is Coming.RESTART:
            self._check.reset()
            self._come_back(now_s)
            self._ahead = 1
            return True
        self.counters.lost += ahead - 1
        if coming is Coming.GAP:
            self._reset_network()
            began_anew = before is not None and (sample.sequence - before[0]) % _NUMBERS > _NUMBERS // 2
            if began_anew and (sample.status & STATUS_ORIENTATION_HOST).any():
                # Whoever numbers samples has fused these orientations, too, and was restarted.
                self._find_headings()
        self._ahead = ahead if coming is Coming.NEXT else 1
        return True

    def _tell_missed(self, before: int, sequence: int, ahead: int) -> None:
        """Samples between two that a recorder may have, whose numbers began anew with a boot of the hub."""
        distance = (sequence - before) % _NUMBERS
        if distance > _NUMBERS // 2:
            self.missed.append(((before + 1) % _NUMBERS, (before + _MOST_ANEW) % _NUMBERS))
            if 0 < sequence <= _MOST_ANEW:
                self.missed.append((0, sequence - 1))
        elif distance == ahead > 1:
            self.missed.append(((before + 1) % _NUMBERS, (sequence - 1) % _NUMBERS))

    def _calibrate(self, time_s: float, orientation: Any, rates: Any, valid: NDArray[np.bool_]) -> None:
        for result in self._calibrations.add(time_s, orientation, rates, valid):
            assert result.neutral is not None
            self._calibrations.know(result.alignment)
            self._use(result.neutral)
        if self._calibrations.drop_complete():
            self.changes += 1  # somebody may have ended it

    def _use_if_it_holds(self, alignment: SensorAlignment) -> None:
        neutral = self.neutral
        if neutral is None:  # the calibration under way will see
            self._calibrations.know(alignment)
            return
        moved = alignment.moved(neutral.up, neutral.calibrated, self.mounts.reference)
        holding = alignment.without(moved)
        if holding is None or moved[self.mounts.reference]:
            return
        self._remounted(neutral, holding)

    def _remounted(self, neutral: Neutral, alignment: SensorAlignment | None) -> NDArray[np.floating]:
        """Use other mountings without new still seconds; (S,) rad by which they turned."""
        mounts = self.mounts if alignment is None else alignment.mounts(self.mounts)
        other = neutral.mounted(
            mounts.orientation, mounts.reference, None if alignment is None else alignment.turn_deviation_rad
        )
        turn = self.turn_of(other)
        self._calibrations.know(alignment)
        self._extractor.remount(other)
        self._begin_anew()
        return turn

    def _turn_knowledge(self, turn_rad: NDArray[np.floating]) -> None:
        """What is known of the wearer, as mountings turned (S,) that it was learned with."""
        self._knowledge.turn(turning(turn_rad, self.mounts.skin))
        self.changes += 1

    def _use(self, neutral: Neutral) -> None:
        self._extractor.state = State(neutral)
        self._head.new_front = False
        self._begin_anew()

    def _begin_anew(self) -> None:
        """With a new neutral, or with other mountings."""
        self.wear.renew()
        self._calibrations.automatic = None
        self._captures.end_routine("the neutral was learned anew during the routine; start it again")
        self._reset_network()

    @property
    def _rate_hz(self) -> float:
        """Of the incoming samples."""
        layout = self._sensors.layout
        return self._description.rate_hz if layout is None else layout.rate_hz

    def _conclude(self, sequence: int, state: FaceState, weights: Float32Array, confidence: Float32Array) -> None:
        self._last = FaceEstimate(sequence, state, weights, confidence, self._head.orientation)

    def _start_anew(self) -> None:
        """Forget neutral and past; the automatic calibration starts over, what was asked for ends.

        What is known of the wearer stays: a restart puts no sensor elsewhere.
        """
        self._extractor.state = State(None)
        self._head.new_front = False
        self.wear.renew()
        self._calibrations.begin_automatic(self.params.calibration)
        self._give_up("the hub or its layout changed meanwhile; start it again")
        self._last = None
        self._reset_network()

    def _come_back(self, now_s: float) -> None:
        """The hub was restarted: with other headings, but every sensor sits where it sat, so that the neutral stays.

        Not after a long time without samples: the sensors may be on somebody else.
        """
        taken_off = self.worn_s is not None and now_s - self.worn_s > _TAKEN_OFF_S
        if taken_off or not self._extractor.ready:
            self._start_anew()
            return
        self.wear.renew()
        self._give_up("the hub was restarted meanwhile; start it again")
        self._last = None
        self._reset_network()
        self._find_headings()

    def _find_headings(self) -> None:
        """Orientations have other headings from this sample on."""
        self._extractor.headings_began_anew(np.ones(len(self.mounts.names), np.bool_))
        self._head.new_front = self._extractor.ready
        self.counters.returns += 1

    def _give_up(self, reason: str) -> None:
        """End what was asked for and is under way."""
        self._calibrations.abort_requested(reason)
        self._captures.end(reason)

    def _reset_network(self) -> None:
        self._engine.reset(self.face)
        self._ticks.reset()
        self.counters.resets += 1


def _zeros() -> NDArray[np.float32]:
    return np.zeros(arkit.COUNT, dtype=np.float32)

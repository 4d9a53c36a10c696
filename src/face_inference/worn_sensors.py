"""The sensors on one face: their neutral, how they are mounted, and what is known of whoever wears them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from face_inference.absence import Absence
from face_inference.alignment.capture import AlignmentCapture
from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.alignment.solve import turned_rad
from face_inference.alignment.turned import turning
from face_inference.calibrations import Calibrations
from face_inference.captures import Captures
from face_inference.errors import InferenceError
from face_inference.face_estimate import TrackerCounters
from face_inference.features import FeatureExtractor, State
from face_inference.followed_head import FollowedHead
from face_inference.model_folder import ModelDescription
from face_inference.neutral import Neutral
from face_inference.neutral_calibration import CalibrationParams, NeutralCalibration
from face_inference.sample_intake import Measured
from face_inference.wearer.knowledge import WearerKnowledge
from face_inference.wearer.prior import WearerJacobian
from face_inference.wearer.routine_capture import RoutineCapture
from face_model.saved_arrays import Arrays, SavedArrays, part_of

Float32Array = NDArray[np.float32]
FloatArray = NDArray[np.floating]

_TAKEN_OFF_S = 300.0
"""Sensors of a hub that was off for longer may have been glued on anew; a guess."""


class WornSensors:
    """Of one wearer; makes features of what the sensors measured, as soon as there is a neutral.

    Args:
        description: of the model.
        calibration: times of neutrals.
        counters: where what happens is counted.
        forget_past: called when features to come do not go on from those before.

    Attributes:
        extractor: of the features.
        head: that the sensors are on.
        absence: of the model's sensors, counted once there is a neutral.
        calibrations: of the neutral that are under way, and the mountings.
        captures: of what the wearer is asked to do.
        knowledge: of the wearer.
    """

    def __init__(
        self,
        description: ModelDescription,
        calibration: CalibrationParams,
        counters: TrackerCounters,
        forget_past: Callable[[], None],
    ) -> None:
        self._description = description
        self._mounts = description.mounts
        self._counters = counters
        self._forget_past = forget_past
        self._calibration = calibration
        self.extractor = FeatureExtractor(description.mounts, rate_hz=description.rate_hz)
        self.head = FollowedHead()
        self.absence = Absence(len(description.mounts.names))
        self.calibrations = Calibrations(description.mounts)
        self.calibrations.begin_automatic(calibration)
        self.captures = Captures()
        self.knowledge = WearerKnowledge(description.prior, self.extractor.channels, description.rate_hz)
        self._wearer_aligned = False

    @property
    def absent(self) -> tuple[str, ...]:
        """Names of sensors that could not be used in the newest sample."""
        return tuple(name for name, away in zip(self._mounts.names, self.absence.samples, strict=True) if away)

    # What is known.

    @property
    def neutral(self) -> Neutral | None:
        """In use."""
        return self.extractor.state.neutral

    @property
    def alignment(self) -> SensorAlignment | None:
        """How the sensors are mounted, as a nod and a shake told; None: as the layout has them."""
        return self.calibrations.alignment

    def use_neutral(self, neutral: Neutral) -> None:
        """From the next sample on."""
        self.extractor.state = State(neutral)
        self.head.new_front = False
        self._begin_with_other_neutral()

    def use_calibration(self, calibration: CalibrationParams) -> None:
        """Learn neutrals with these times, also the one that is under way without being asked for."""
        self._calibration = calibration
        self.calibrations.use_params(calibration)

    @property
    def head_rate(self) -> NDArray[np.float64] | None:
        """See `FollowedHead.rate`."""
        return self.head.rate(self.extractor)

    def use_wearer(
        self, labelled: WearerJacobian, worn: WearerJacobian | None, alignment: SensorAlignment | None
    ) -> None:
        """See `FaceTracker.use_wearer`."""
        if alignment is not None:
            self._use_as_far_as_it_holds(alignment)
        self._wearer_aligned = alignment is not None
        self.knowledge.start(labelled, worn)
        self._forget_past()

    def wearer_learned_here(self) -> None:
        """The wearer in use was learned with the mountings in use."""
        self._wearer_aligned = self.alignment is not None

    # Mountings.

    def turn_of(self, neutral: Neutral) -> FloatArray:
        """(S,) rad about the vertical, by which a neutral's mountings differ from those in use; 0: there are none."""
        before = self.neutral
        if before is None:
            return np.zeros(len(self._mounts.names))
        both = before.calibrated & neutral.calibrated
        return np.where(both, turned_rad(before.mount, neutral.mount), 0.0)

    def align(self, alignment: SensorAlignment | None, neutral: Neutral) -> None:
        """Use these mountings and the neutral that was learned with them; what is known of the wearer turns along."""
        turn = self.turn_of(neutral)
        self.calibrations.know(alignment)
        self.use_neutral(neutral)
        # What was learned with other boards that were aligned needs no turning: it is in the head's own axes.
        self._turn_knowledge(np.zeros_like(turn) if self._wearer_aligned else turn)
        self._wearer_aligned = alignment is not None

    def forget_alignment(self) -> None:
        """The layout's mountings hold again, at once: the neutral is turned back to them."""
        neutral = self.neutral
        if neutral is None:
            self.calibrations.know(None)
            return
        turn = self._remount(neutral, None)
        self._turn_knowledge(turn if self._wearer_aligned else np.zeros_like(turn))
        self._wearer_aligned = False

    def _use_as_far_as_it_holds(self, alignment: SensorAlignment) -> None:
        """Mountings of another time, of the sensors that gravity finds as they were then."""
        neutral, reference = self.neutral, self._mounts.reference
        if neutral is None:  # the calibration under way will see
            self.calibrations.know(alignment)
            return
        moved = alignment.moved(neutral.up, neutral.calibrated, reference)
        holding = alignment.without(moved)
        if holding is not None and not moved[reference]:
            self._remount(neutral, holding)

    def _remount(self, neutral: Neutral, alignment: SensorAlignment | None) -> FloatArray:
        """Use other mountings without new still seconds; (S,) rad by which they turned."""
        mounts = self._mounts if alignment is None else alignment.mounts(self._mounts)
        other = neutral.mounted(
            mounts.orientation, mounts.reference, None if alignment is None else alignment.turn_deviation_rad
        )
        turn = self.turn_of(other)
        self.calibrations.know(alignment)
        self.extractor.remount(other)
        self._begin_with_other_neutral()
        return turn

    def _turn_knowledge(self, turn_rad: FloatArray) -> None:
        """What is known of the wearer, as mountings turned (S,) that it was learned with."""
        self.knowledge.turn(turning(turn_rad, self._mounts.skin))

    def _begin_with_other_neutral(self) -> None:
        self.knowledge.wear.renew()
        self.calibrations.automatic = None
        self.captures.end_routine("the neutral was learned anew during the routine; start it again")
        self._forget_past()

    # What the wearer is asked to do.

    def begin_calibration(self, duration_s: float | None) -> NeutralCalibration:
        """See `FaceTracker.start_calibration`."""
        params = self._calibration if duration_s is None else replace(self._calibration, duration_s=duration_s)
        return self.calibrations.begin_requested(params)

    def begin_routine(self) -> RoutineCapture:
        """See `FaceTracker.start_routine`."""
        if not self.extractor.ready:
            raise InferenceError(
                f"expected a neutral before the routine, found none yet; {self.calibrations.hint}, then try again"
            )
        return self.captures.begin_routine(self.extractor.channels)

    def begin_alignment(self) -> AlignmentCapture:
        """See `FaceTracker.start_alignment`."""
        return self.captures.begin_alignment(self._mounts)

    def give_up(self, reason: str) -> None:
        """End what was asked for and is under way."""
        self.calibrations.abort_requested(reason)
        self.captures.end(reason)

    # Samples.

    def follow_motion(self, time_s: float, measured: Measured) -> None:
        """A sample's head, and what is collected of it with or without a neutral; hub time, s."""
        skull, valid = self._mounts.reference, measured.valid
        orientation, rates = measured.orientation, measured.angular_velocity
        self.head.follow(self.extractor, orientation[skull], rates[skull], bool(valid[skull]))
        self.captures.add_motion(time_s, orientation, rates, valid)

    def calibrate(self, time_s: float, measured: Measured) -> bool:
        """Go on with calibrations that are under way; whether one ended that somebody asked for."""
        if not self.calibrations.collecting:
            return False
        orientation, rates = measured.orientation, measured.angular_velocity
        for result in self.calibrations.add(time_s, orientation, rates, measured.valid):
            assert result.neutral is not None
            self.calibrations.know(result.alignment)
            self.use_neutral(result.neutral)
        return self.calibrations.drop_complete()

    def features(self, time_s: float, measured: Measured, long: float) -> Float32Array | None:
        """Features (F,) of a sample; None while there is no neutral, or none any more: the sensors sit elsewhere.

        Args:
            time_s: of the hub.
            measured: of the sample.
            long: so many samples a unit may be away and go on with its heading.
        """
        extractor = self.extractor
        if not extractor.ready:
            return None
        back = self.absence.follow(measured.valid, long)
        if back is not None:
            extractor.headings_began_anew(back, perhaps=True)
        features = extractor.step(*measured)
        if not extractor.fits:
            self.start_anew()  # other sensors, or on another face
            return None
        self.captures.add_features(time_s, features)
        return features

    def sees_all(self, features: Float32Array, measured: Measured) -> bool:
        """Whether the features of a sample are of all sensors; what was not believed of them is counted."""
        seen = features[self.extractor.channels.valid] > 0.5
        if seen.all():
            return True
        self._counters.masked += int(np.count_nonzero(measured.valid & ~seen))
        return False

    # Other samples than before.

    def start_anew(self) -> None:
        """Forget the neutral; the automatic calibration starts over, what was asked for ends.

        What is known of the wearer stays: a restart puts no sensor elsewhere.
        """
        self.extractor.state = State(None)
        self.head.new_front = False
        self.knowledge.wear.renew()
        self.calibrations.begin_automatic(self._calibration)
        self.give_up("the hub or its layout changed meanwhile; start it again")
        self._forget_past()

    def start_with_layout(self, rate_hz: float, *, other_sensors: bool) -> None:
        """Start anew with samples at another rate, or of `other_sensors`, which may be other boards."""
        if other_sensors:
            self.calibrations.know(None)
        self.extractor = FeatureExtractor(self._mounts, rate_hz=rate_hz)
        self.start_anew()

    def come_back(self, off_s: float | None) -> None:
        """The hub was restarted: with other headings, but every sensor sits where it sat, so that the neutral stays.

        Not after a long time: the sensors may be on somebody else.

        Args:
            off_s: for how long no sample came, s; None: not known.
        """
        if (off_s is not None and off_s > _TAKEN_OFF_S) or not self.extractor.ready:
            self.start_anew()
            return
        self.knowledge.wear.renew()
        self.give_up("the hub was restarted meanwhile; start it again")
        self._forget_past()
        self.find_headings()

    def find_headings(self) -> None:
        """Orientations have other headings from the next sample on."""
        self.extractor.headings_began_anew(np.ones(len(self._mounts.names), np.bool_))
        self.head.new_front = self.extractor.ready
        self._counters.returns += 1

    # Saving and restoring.

    def saved_state(self) -> Arrays:
        """All that decides the features to come, as arrays, for `restored`."""
        arrays = part_of("features", self.extractor.saved_state())
        arrays |= self.knowledge.saved_state()
        arrays["head"] = self.head.orientation
        if self.head.new_front:
            arrays["new_front"] = np.array(True)
        if self.absence.samples.any():
            arrays["away"] = self.absence.samples
        if self.alignment is not None:
            arrays |= part_of("alignment", self.alignment.saved_state())
        if self._wearer_aligned:
            arrays["wearer_aligned"] = np.array(True)
        return arrays | self.calibrations.saved_state()

    def restored(
        self, saved: SavedArrays, rate_hz: float, calibration: CalibrationParams, forget_past: Callable[[], None]
    ) -> WornSensors:
        """Others of the same model that go on from parts of `saved` that `saved_state` made.

        Raises:
            SnapshotError: they are damaged, or of other sensors.
        """
        description, count = self._description, len(self._mounts.names)
        other = WornSensors(description, calibration, self._counters, forget_past)
        other.extractor = FeatureExtractor(self._mounts, rate_hz=rate_hz)
        other.extractor.restore_state(saved.part("features"))
        channels = other.extractor.channels
        other.knowledge = WearerKnowledge.from_saved(saved, description.prior, channels, description.rate_hz)
        other.head.orientation = saved.array("head", (4,), most=2.0)
        other.head.new_front = "new_front" in saved and saved.flag("new_front")
        if "away" in saved:
            other.absence.samples = saved.array("away", (count,), "i8")
        other._wearer_aligned = "wearer_aligned" in saved and saved.flag("wearer_aligned")
        alignment = None
        if saved.has_part("alignment"):
            alignment = SensorAlignment.from_saved(saved.part("alignment"), count)
        other.calibrations = Calibrations.from_saved(saved, self._mounts, alignment)
        if (other.calibrations.automatic is None) is not other.extractor.ready:
            raise saved.refuse("a neutral, or a calibration that learns it", "both, or neither")
        return other

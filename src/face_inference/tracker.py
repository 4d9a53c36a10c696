"""Frames in, faces out: calibration, missing sensors, rates, gaps, stale input. Knows no ROS and reads no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.alignment.capture import AlignmentCapture
from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.continuity import Coming
from face_inference.engines.protocol import Engine, EngineOutput
from face_inference.face_estimate import FaceEstimate, InputLayout, TrackerCounters
from face_inference.fading import faded
from face_inference.model_folder import ModelDescription
from face_inference.mounts import NominalMounts
from face_inference.network_steps import NetworkSteps
from face_inference.neutral import Neutral
from face_inference.neutral_calibration import NeutralCalibration
from face_inference.sample_intake import ORDINARY, Arrival, SampleIntake
from face_inference.tracker_params import TrackerParams
from face_inference.tracker_state import TrackerParts, restored_parts, saved_parts
from face_inference.wearer.prior import WearerJacobian
from face_inference.wearer.routine_capture import RoutineCapture
from face_inference.wearer.wear_learning import WearLearning
from face_inference.worn_sensors import WornSensors
from face_model import arkit
from face_model.face_state import FaceState
from face_model.imu_sample import ImuSample
from face_model.saved_arrays import Arrays

Float32Array = NDArray[np.float32]


class FaceTracker:
    """One wearer's face from one stream of samples.

    Every time a caller passes (`now_s`) is of one monotonic clock; sample times are of the hub's.

    `update` does it all. Who steps an engine for several faces at once calls its parts: `accept` a sample, then as
    long as `next_tick` fills this face's inputs, step the engine and `take_output`; then `estimate` is the face.

    Attributes:
        params: times.
        counters: what happened so far.
        face: row of this face in the engine.
        mounts: sensors of the model.
        changes: counts whatever decides faces to come and does not follow from the samples: what was set or asked for.
            Each is worth a saved state.
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
        self.changes = 0
        self.worn_s: float | None = None
        self.mounts: NominalMounts = description.mounts
        self._intake = SampleIntake(description, self.params.max_gap_s, self.counters)
        self._steps = NetworkSteps(engine, face, description, description.rate_hz, self.counters)
        self._worn = WornSensors(description, self.params.calibration, self.counters, self._steps.reset)
        self._sequence, self._state = 0, FaceState.CALIBRATING
        self._last: FaceEstimate | None = None
        self._received_s: float | None = None

    # Set-up.

    @property
    def layout(self) -> InputLayout | None:
        """Of the incoming sensors; None before `set_layout`."""
        return self._intake.layout

    @property
    def missing_sensors(self) -> tuple[str, ...]:
        """Sensors the model knows and the input layout lacks."""
        return self._intake.missing_sensors

    @property
    def unusable_sensors(self) -> tuple[str, ...]:
        """Sensors of the model whose newest sample cannot be used: missing, faulty, or not in the input layout."""
        return self._worn.absent

    @property
    def breaks(self) -> int:
        """How many samples were not the next: who records samples may have received those between."""
        return self._intake.breaks

    @property
    def missed(self) -> deque[tuple[int, int]]:
        """First and last number of each run of samples that did not come, the newest of them.

        Whoever keeps saved states may empty it.
        """
        return self._intake.missed

    @property
    def neutral(self) -> Neutral | None:
        """The neutral in use."""
        return self._worn.neutral

    @neutral.setter
    def neutral(self, neutral: Neutral) -> None:
        self._worn.use_neutral(neutral)
        self.changes += 1

    @property
    def wearer(self) -> WearerJacobian:
        """What is known of the wearer; its `source` says from where. A new neutral does not change it, wear may."""
        return self._worn.knowledge.known

    @wearer.setter
    def wearer(self, wearer: WearerJacobian) -> None:
        self.use_wearer(wearer)
        self._worn.wearer_learned_here()

    @property
    def wear(self) -> WearLearning:
        """What is learned of the wearer while worn; for reading. It learns where `learn_while_worn` says so."""
        return self._worn.knowledge.wear

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
        self._worn.use_wearer(labelled, worn, alignment)
        self.changes += 1

    @property
    def alignment(self) -> SensorAlignment | None:
        """How the sensors are mounted, as a nod and a shake told; None: as the layout has them."""
        return self._worn.alignment

    def turn_of(self, neutral: Neutral) -> NDArray[np.floating]:
        """(S,) rad about the vertical, by which a neutral's mountings differ from those in use; 0: there are none."""
        return self._worn.turn_of(neutral)

    def align(self, alignment: SensorAlignment | None, neutral: Neutral) -> None:
        """Use these mountings and the neutral that was learned with them; what is known of the wearer turns along."""
        self._worn.align(alignment, neutral)
        self.changes += 1

    def forget_alignment(self) -> None:
        """The layout's mountings hold again, at once: the neutral is turned back to them."""
        self._worn.forget_alignment()
        self.changes += 1

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
        self._worn.knowledge.forget_worn()
        self.changes += 1

    @property
    def heading_deviation_rad(self) -> NDArray[np.floating]:
        """(K,) standard deviation of each skin sensor's heading against the skull, as far as head and face tell it.

        Where it is large, as after a heading that leapt or with a gyroscope that fails, confidence is lowered.
        """
        return self._worn.extractor.heading_deviation_rad

    @property
    def mounting_turn_rad(self) -> NDArray[np.floating]:
        """(K,) by which each skin sensor's board is turned about the vertical, as found since the neutral."""
        return self._worn.extractor.mounting_turn_rad

    @property
    def calibration_hint(self) -> str:
        """What the wearer should do for the automatic calibration to end."""
        return self._worn.calibrations.hint

    @property
    def newest_sequence(self) -> int | None:
        """Number of the newest sample; None before the first."""
        return self._intake.newest_sequence

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
        if not self._intake.use_layout(layout):
            return
        self._steps.follow_rate(layout.rate_hz)
        other_sensors = before is not None and before.names != layout.names
        self._worn.start_with_layout(layout.rate_hz, other_sensors=other_sensors)
        self._last = None
        self.changes += 1

    def start_calibration(self, duration_s: float | None = None) -> NeutralCalibration:
        """Learn the neutral anew from the next samples; the old one stays until this one is complete and good.

        The caller may keep the returned object and look at its `result`.
        """
        self.changes += 1
        return self._worn.begin_calibration(duration_s)

    def start_routine(self) -> RoutineCapture:
        """Collect the guided routine from the next sample on; `wearer` stays until it is set to what was learned.

        The caller keeps the returned object and looks at its `moment`, and at its `result` once it is complete. A new
        neutral, or a restart of the hub, ends it without one.

        Raises:
            InferenceError: no neutral was set.
        """
        return self._worn.begin_routine()

    def start_alignment(self) -> AlignmentCapture:
        """Collect the nod and the shake from the next sample on; nothing changes until `align` is called.

        The caller keeps the returned object and looks at its `moment`, and at its `result` once it is complete. A
        restart of the hub ends it without one; a new neutral does not, as it brings one of its own.
        """
        return self._worn.begin_alignment()

    def use_params(self, params: TrackerParams) -> None:
        """Use these times from now on; an automatic calibration that runs goes on with them, `max_gap_s` stays."""
        self.params = params
        self.changes += 1
        self._worn.use_calibration(params.calibration)

    # Running.

    def update(self, sample: ImuSample, now_s: float) -> FaceEstimate | None:
        """The face at this sample; None if the sample cannot be used (counted in `counters.refused`).

        Without `set_layout` the sensors must be the model's, in its order, at its rate.
        """
        if not self.accept(sample, now_s):
            return None
        while self.next_tick():
            self.take_output(self._steps.step())
        return self._last

    @property
    def head_rate(self) -> NDArray[np.float64] | None:
        """(3,) rad/s, angular velocity of the skull in `face_head` axes at the newest sample; None: it had none."""
        return self._worn.head_rate

    def accept(self, sample: ImuSample, now_s: float) -> bool:
        """Take a sample in; False if it cannot be used (counted in `counters.refused`)."""
        arrival = self._intake.follow(sample)
        if arrival is None:
            return False
        if arrival is not ORDINARY:
            self._go_on_after(arrival, now_s)
        self._received_s = self.worn_s = now_s
        worn, measured = self._worn, self._intake.measured(sample)
        worn.follow_motion(sample.hub_time_s, measured)
        if worn.calibrate(sample.hub_time_s, measured):
            self.changes += 1  # somebody may have ended it
        self._steps.drop_due()
        features = worn.features(sample.hub_time_s, measured, self.params.max_gap_s * self._intake.rate_hz)
        if features is None:
            self._conclude(sample.sequence, FaceState.CALIBRATING, _zeros(), _zeros())
            return True
        whole = worn.sees_all(features, measured)
        self._sequence, self._state = sample.sequence, FaceState.TRACKING if whole else FaceState.DEGRADED
        self._steps.push(sample.hub_time_s, features, arrival.ahead)
        if not self._steps.due:  # between two ticks: the newest face is still the last one
            self._conclude(self._sequence, self._state, *self._held())
        return True

    def next_tick(self) -> bool:
        """Fill this face's row of the engine's inputs with the accepted sample's next tick; False if none is left.

        Lost samples are filled and other rates resampled, so that a sample may have any number of ticks.
        """
        return self._steps.fill(self._worn.knowledge)

    def take_output(self, output: EngineOutput) -> None:
        """What the engine made of the tick that `next_tick` filled in."""
        self.counters.steps += 1
        if self._steps.due:
            return
        result = self._steps.result(output, self._worn.extractor.heading_trust)
        if result is not None:
            self._conclude(self._sequence, self._state, *result)
        else:
            self._conclude(self._sequence, FaceState.DEGRADED, self._held()[0], _zeros())

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
        return saved_parts(self._parts)

    def restore_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what `saved_state` gave, of this tracker or of another one of the same model.

        What was under way here is told that it ended: a calibration that was asked for, a routine.

        Raises:
            SnapshotError: damaged, or of another model; nothing has changed then.
            EngineError: the device failed.
        """
        restored, engine = restored_parts(self._parts, arrays)
        # From here on only the device can fail.
        restored.steps.load(engine)
        self._worn.give_up("the state of another moment was restored; start it again")
        self.params, self._intake, self._worn, self._steps, self._last = restored
        self._received_s = self.worn_s = None
        self.changes += 1

    # Details.

    @property
    def _parts(self) -> TrackerParts:
        return TrackerParts(self.params, self._intake, self._worn, self._steps, self._last)

    def _go_on_after(self, arrival: Arrival, now_s: float) -> None:
        """With a sample that is not the one after the last: act on gaps and restarts."""
        if arrival.coming is Coming.RESTART:
            self._last = None
            self._worn.come_back(None if self.worn_s is None else now_s - self.worn_s)
        elif arrival.coming is Coming.GAP:
            self._steps.reset()
            if arrival.fused_anew:
                self._worn.find_headings()

    def _held(self) -> tuple[Float32Array, Float32Array]:
        """Weights and confidence of the last face; of a neutral one before the first."""
        return (_zeros(), _zeros()) if self._last is None else (self._last.weights, self._last.confidence)

    def _conclude(self, sequence: int, state: FaceState, weights: Float32Array, confidence: Float32Array) -> None:
        self._last = FaceEstimate(sequence, state, weights, confidence, self._worn.head.orientation)


def _zeros() -> NDArray[np.float32]:
    return np.zeros(arkit.COUNT, dtype=np.float32)

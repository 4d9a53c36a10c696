"""All that decides a tracker's faces to come, as arrays, and back: checked as a whole before anything changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray

from face_inference.engines.protocol import EngineState
from face_inference.face_estimate import FaceEstimate
from face_inference.network_steps import NetworkSteps
from face_inference.sample_intake import SampleIntake
from face_inference.tracker_params import TrackerParams
from face_inference.worn_sensors import WornSensors
from face_model.saved_arrays import Arrays, SavedArrays, part_of


class TrackerParts(NamedTuple):
    """What a tracker is made of.

    Attributes:
        params: times.
        intake: of samples.
        worn: the sensors, and who wears them.
        steps: of the network.
        last: the newest face; None where there is none.
    """

    params: TrackerParams
    intake: SampleIntake
    worn: WornSensors
    steps: NetworkSteps
    last: FaceEstimate | None


def saved_parts(parts: TrackerParts) -> Arrays:
    """As arrays, for `restored_parts`."""
    arrays = part_of("params", parts.params.saved_state())
    arrays |= parts.worn.saved_state() | parts.intake.saved_state() | parts.steps.saved_state()
    if parts.last is not None:
        arrays |= part_of("last", parts.last.saved_state())
    return arrays


def restored_parts(parts: TrackerParts, arrays: Mapping[str, NDArray[Any]]) -> tuple[TrackerParts, EngineState]:
    """Others of the same model from what `saved_parts` gave, and what their network is to go on from.

    Nothing of `parts` changes, nor does the engine.

    Raises:
        SnapshotError: damaged, or of another model.
    """
    saved = SavedArrays(arrays, "tracker")
    params = TrackerParams.from_saved(saved.part("params"))
    intake = parts.intake.restored(saved, params.max_gap_s)
    steps, engine = parts.steps.restored(saved, intake.rate_hz, None if intake.newest is None else intake.newest[1])
    worn = parts.worn.restored(saved, intake.rate_hz, params.calibration, steps.reset)
    last = FaceEstimate.from_saved(saved.part("last")) if saved.has_part("last") else None
    saved.end()
    return TrackerParts(params, intake, worn, steps, last), engine

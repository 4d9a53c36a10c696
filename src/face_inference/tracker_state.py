"""All that decides a tracker's faces to come, as arrays, and back: checked as a whole before anything changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.calibrations import Calibrations
from face_inference.continuity import Continuity
from face_inference.engines.protocol import EngineState
from face_inference.errors import LayoutMismatchError
from face_inference.face_estimate import FaceEstimate, InputLayout
from face_inference.features import FeatureExtractor
from face_inference.followed_head import FollowedHead
from face_inference.sample_check import SampleCheck
from face_inference.sensor_match import SensorMatch
from face_inference.ticks import TickResampler
from face_inference.tracker_params import TrackerParams
from face_inference.wearer.knowledge import WearerKnowledge
from face_model.saved_arrays import Arrays, SavedArrays, part_of

if TYPE_CHECKING:
    from face_inference.tracker import FaceTracker


def saved_tracker(tracker: FaceTracker) -> Arrays:
    """See `FaceTracker.saved_state`."""
    engine = tracker._engine.save_state(tracker.face)
    arrays = part_of("params", tracker.params.saved_state())
    arrays |= part_of("features", tracker._extractor.saved_state())
    arrays |= tracker._knowledge.saved_state()
    arrays |= part_of("check", tracker._check.saved_state())
    arrays |= part_of("ticks", tracker._ticks.saved_state())
    arrays |= part_of("rings", {str(i): ring for i, ring in enumerate(engine.rings)})
    arrays |= {"engine_ticks": np.array(engine.ticks), "head": tracker._head.orientation}
    if tracker._head.new_front:
        arrays["new_front"] = np.array(True)
    if tracker._away.any():
        arrays["away"] = tracker._away
    layout, newest, last = tracker._sensors.layout, tracker._continuity.newest, tracker._last
    if layout is not None:
        arrays |= part_of("layout", layout.saved_state())
    if tracker.alignment is not None:
        arrays |= part_of("alignment", tracker.alignment.saved_state())
    if tracker._wearer_aligned:
        arrays["wearer_aligned"] = np.array(True)
    if newest is not None:
        arrays |= {"sequence": np.array(newest[0]), "hub_time_s": np.array(newest[1])}
    if last is not None:
        arrays |= part_of("last", last.saved_state())
    return arrays | tracker._calibrations.saved_state()


def restore_tracker(tracker: FaceTracker, arrays: Mapping[str, NDArray[Any]]) -> None:
    """See `FaceTracker.restore_state`.

    Raises:
        SnapshotError: damaged, or of another model; nothing has changed then.
        EngineError: the device failed.
    """
    saved, description = SavedArrays(arrays, "tracker"), tracker._description
    params = TrackerParams.from_saved(saved.part("params"))
    sensors, rate_hz = SensorMatch(description), description.rate_hz
    if saved.has_part("layout"):
        layout = InputLayout.from_saved(saved.part("layout"))
        try:
            sensors.follow(layout)
        except LayoutMismatchError as error:
            raise saved.refuse("a layout that can be used", error) from error
        rate_hz = layout.rate_hz
    extractor = FeatureExtractor(description.mounts, rate_hz=rate_hz)
    extractor.restore_state(saved.part("features"))
    channels, count = extractor.channels, extractor.channels.sensors
    knowledge = WearerKnowledge.from_saved(saved, description.prior, channels, description.rate_hz)
    check = SampleCheck(count)
    check.restore_state(saved.part("check"))
    continuity = Continuity(params.max_gap_s)
    if "sequence" in saved:
        continuity.newest = saved.whole("sequence", 0, (1 << 32) - 1), saved.number("hub_time_s", 0.0)
    ticks = TickResampler(channels, description.rate_hz, rate_hz)
    ticks.restore_state(saved.part("ticks"), None if continuity.newest is None else continuity.newest[1])
    engine = _engine_state(tracker, saved)
    head = FollowedHead()
    head.orientation = saved.array("head", (4,), most=2.0)
    head.new_front = "new_front" in saved and saved.flag("new_front")
    away = saved.array("away", (count,), "i8") if "away" in saved else np.zeros(count, np.int64)
    last = FaceEstimate.from_saved(saved.part("last")) if saved.has_part("last") else None
    wearer_aligned = "wearer_aligned" in saved and saved.flag("wearer_aligned")
    alignment = None
    if saved.has_part("alignment"):
        alignment = SensorAlignment.from_saved(saved.part("alignment"), count)
    calibrations = Calibrations.from_saved(saved, description.mounts, alignment)
    if (calibrations.automatic is None) is not extractor.ready:
        raise saved.refuse("a neutral, or a calibration that learns it", "both, or neither")
    saved.end()
    # From here on only the device can fail.
    tracker._engine.restore_state(engine, tracker.face)
    tracker._give_up("the state of another moment was restored; start it again")
    tracker.params, tracker._sensors, tracker._extractor, tracker._check = params, sensors, extractor, check
    tracker._ticks, tracker._continuity, tracker._last, tracker._head = ticks, continuity, last, head
    tracker._away, tracker._calibrations, tracker._wearer_aligned = away, calibrations, wearer_aligned
    tracker._knowledge = knowledge
    tracker._received_s = tracker.worn_s = None
    tracker._due.clear()
    tracker.changes += 1


def _engine_state(tracker: FaceTracker, saved: SavedArrays) -> EngineState:
    """What the engine is to go on from; raises `SnapshotError`."""
    own = tracker._engine.save_state(tracker.face)
    period = max((ring.length for ring in tracker._description.rings), default=1 << 20)
    ticks = saved.whole("engine_ticks", 0, 2 * period - 1)
    rings = saved.part("rings")
    found = tuple(rings.array(str(i), ring.shape, "f4") for i, ring in enumerate(own.rings))
    rings.end()
    return EngineState(ticks, found)

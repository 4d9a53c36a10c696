"""All that a hub of topics remembers, as arrays, and back: checked before anything changes."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from face_model.layout import SensorLayout
from face_model.saved_arrays import Arrays, SavedArrays, part_of, text_array
from imu_driver.assembler import AssemblerParams, FrameAssembler
from imu_driver.hub import ConnectionState
from imu_driver.hubs.imu_topics.orientation_fill import OrientationFill
from imu_driver.hubs.imu_topics.topic import Topic

if TYPE_CHECKING:
    from imu_driver.hubs.imu_topics.session import TopicsHub

_COUNTS: Final = ("_samples", "_lost", "_connections", "_watchdog")
_TIMES: Final = ("_review_s", "_heard_s", "_next_open_s", "_last_s", "_read_s", "_lead_s")
_PARAMS: Final = ("wait_s", "predict_s", "gap_s", "alive_s")
"""Of the assembler, which `TopicsHub` changes by how fast the topics are."""
_MOST_TEXT: Final = 1 << 22


def saved_hub(hub: TopicsHub) -> Arrays:
    """See `ReplayableHub.saved_state`."""
    saved = {
        "state": hub.state.name,
        "problem": hub.problem,
        "streaming": hub.streaming,
        "fused": hub._fused,
        "met": hub.identity is not None,
        "sequence": hub._sequence,
        "shifts": {str(i): shift_s for i, shift_s in hub._shifts.items()},
        "counts": [getattr(hub, name) for name in _COUNTS],
        "times": [getattr(hub, name) for name in _TIMES],
        "params": [getattr(hub._assembler.params, name) for name in _PARAMS],
        "rejects": dict(hub._rejects.counts),
        "topics": [topic.saved() for topic in hub._topics],
    }
    arrays: Arrays = {"session": text_array(json.dumps(saved))}
    arrays |= part_of("assembler", hub._assembler.saved_state())
    return arrays | part_of("fill", hub._fill.saved_state())


def restore_hub(hub: TopicsHub, arrays: Arrays) -> None:
    """Continue from `saved_hub`; raises `SnapshotError`."""
    saved = SavedArrays(arrays, "imu_topics")
    text = saved.text("session", _MOST_TEXT)
    count = len(hub._layout.sensors)
    try:
        values = json.loads(text)
        state, problem = ConnectionState[values["state"]], str(values["problem"])
        topics = _topics(hub._layout, hub._by_arrival, values["topics"])
        counts = [int(n) for n in values["counts"]]
        times_s = [_number(t) for t in values["times"]]
        params_s = [_number(t) for t in values["params"]]
        shifts = {int(i): _number(shift_s) for i, shift_s in values["shifts"].items()}
        sequence = None if values["sequence"] is None else int(values["sequence"])
        rejects = Counter({str(reason): int(n) for reason, n in values["rejects"].items()})
        streaming, fused, met = (bool(values[name]) for name in ("streaming", "fused", "met"))
        if (len(counts), len(times_s), len(params_s)) != (len(_COUNTS), len(_TIMES), len(_PARAMS)):
            raise ValueError(f"{len(counts)} counts, {len(times_s)} times, {len(params_s)} parameters")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise saved.refuse("the state of topics", repr(error)[:200]) from error
    params = AssemblerParams(**dict(zip(_PARAMS, params_s, strict=True)))
    assembler = FrameAssembler(count, hub._rate_hz, params=params)
    assembler.restore_state(saved.part("assembler"))
    fill = OrientationFill(count, hub._rate_hz)
    fill.restore_state(saved.part("fill"))
    saved.end()
    hub.state, hub.problem, hub.streaming, hub._fused = state, problem, streaming, fused
    hub._topics, hub._shifts, hub._sequence = topics, shifts, sequence
    hub._assembler, hub._fill, hub._rejects.counts = assembler, fill, rejects
    for name, n in zip(_COUNTS, counts, strict=True):
        setattr(hub, name, n)
    for name, time_s in zip(_TIMES, times_s, strict=True):
        setattr(hub, name, time_s)
    if met:
        hub._identify()


def _topics(layout: SensorLayout, by_arrival: bool, told: list[dict[str, Any]]) -> list[Topic]:
    if len(told) != len(layout.sensors):
        raise ValueError(f"{len(told)} topics for {len(layout.sensors)} sensors")
    return [Topic.from_saved(i, by_arrival, one) for i, one in enumerate(told)]


def _number(value: Any) -> float:
    if type(value) not in (float, int) or math.isnan(value):
        raise TypeError(f"{value!r:.80} where a number is expected")
    return float(value)

"""All that a hub of trackers remembers, as arrays, and back: checked before anything changes."""

from __future__ import annotations

import json
from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from face_model.saved_arrays import Arrays, SavedArrays, part_of, text_array
from imu_driver.assembler import FrameAssembler
from imu_driver.hub import ConnectionState
from imu_driver.hubs.slimevr.trackers import Tracker

if TYPE_CHECKING:
    from imu_driver.hubs.slimevr.session import SlimeVrHub

_NUMBERS: Final = (
    "_connections", "_intake.reboots", "_watchdog", "_samples", "_intake.old", "_intake.lost", "_talk.token",
)  # fmt: skip
"""Where each stands that is saved as a number, in the order of old."""


def saved_hub(hub: SlimeVrHub) -> Arrays:
    """See `ReplayableHub.saved_state`."""
    saved = {
        "trackers": [tracker.saved() for tracker in hub.trackers.values()],
        "state": hub.state.name,
        "problem": hub.problem,
        "streaming": hub.streaming,
        "numbers": [attrgetter(place)(hub) for place in _NUMBERS],
        "times": [hub._framed_s, hub._retry_s, hub._next_open_s],
        "rejects": dict(hub._rejects.counts),
    }
    return {"session": text_array(json.dumps(saved))} | part_of("assembler", hub._readings.assembler.saved_state())


def restore_hub(hub: SlimeVrHub, arrays: Arrays) -> None:
    """Continue from `saved_hub`; raises `SnapshotError`."""
    saved = SavedArrays(arrays, "slimevr")
    text = saved.text("session", 1 << 20)
    assembler = FrameAssembler(len(hub._layout.sensors), hub._rate_hz)
    assembler.restore_state(saved.part("assembler"))
    saved.end()
    try:
        values = json.loads(text)
        trackers = [Tracker.from_saved(one) for one in values["trackers"]]
        state, problem = ConnectionState[values["state"]], str(values["problem"])
        numbers = [int(n) for n in values["numbers"]]
        framed_s, retry_s, next_open_s = (float(t) for t in values["times"])
        rejects = Counter({str(reason): int(count) for reason, count in values["rejects"].items()})
        streaming = bool(values["streaming"])
        if len(numbers) != len(_NUMBERS):
            raise ValueError(f"{len(numbers)} numbers")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise saved.refuse("the state of trackers", repr(error)[:200]) from error
    hub._roster.trackers = {tracker.peer: tracker for tracker in trackers}
    hub.state, hub.problem, hub.streaming, hub._rejects.counts = state, problem, streaming, rejects
    for place, number in zip(_NUMBERS, numbers, strict=True):
        of, _, attribute = place.rpartition(".")
        setattr(attrgetter(of)(hub) if of else hub, attribute, number)
    hub._framed_s, hub._retry_s, hub._next_open_s = framed_s, retry_s, next_open_s
    hub._readings.assembler = assembler
    if state is not ConnectionState.DISCONNECTED:
        hub._line.open()
    hub._update(hub._framed_s)

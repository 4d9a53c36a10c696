"""All that a session remembers, as arrays, and back: whatever comes from outside is checked before anything changes."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from face_model.errors import SnapshotError
from face_model.saved_arrays import Arrays, SavedArrays, part_of, text_array
from imu_driver.clock import ClockMapper, ClockState
from imu_driver.hub import ConnectionState
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.held_samples import Held, HeldSamples
from imu_driver.hubs.imusic_v1.hub_in_use import HubInUse
from imu_driver.hubs.imusic_v1.numbering import SampleNumbers
from imu_driver.hubs.imusic_v1.pinger import MAX_WAITING
from imu_driver.hubs.imusic_v1.progress import Stage
from imu_driver.hubs.imusic_v1.sequence import SequenceCheck

if TYPE_CHECKING:
    from imu_driver.hubs.imusic_v1.session import HubSession

_MOST_TEXT: Final = 1 << 20
_MOST_HELD: Final = 10_000
_MOST_POINTS: Final = 100_000


# Plain values of a session and its parts, for whose types those of a new session stand: where each is, by the name by
# which it was saved at first, when all of them were the session's own.
_OF_SESSION: Final = {
    "problem": "_progress.problem",
    "streaming": "_attachment.streaming",
    "_started": "_attachment.started",
    "_resuming": "_attachment.resuming",
    "_count_lost": "_flow.count_lost",
    "_met": "_choice.met",
    "_looked_s": "_looked_s",
    "_pings_before": "_attachment.pings_before",
    "_patient_until_s": "_attachment.patient_until_s",
    "_retry_s": "_retry_s",
    "_next_open_s": "_next_open_s",
    "_next_hello_s": "_attachment.next_hello_s",
    "_stage_since_s": "_progress.since_s",
    "_heard_s": "_watch.heard_s",
    "_sampled_s": "_flow.sampled_s",
    "_other_versions": "_watch.other_versions",
    "_bytes_before": "_watch.bytes_before",
    "_now_s": "_line.now_s",
    "_missed": "_flow.waiting.missed",
    "_last_host_s": "_flow.waiting.last_host_s",
    "_orientation_problem": "_hub.orientation_problem",
}
_OF_PARSER: Final = ("packets", "bytes", "_skipping")
_OF_PINGER: Final = ("sent", "_token", "_last_s")
_OF_NUMBERS: Final = ("_from_any", "_first", "_offset", "_newest", "newest_us")
_OF_CHECK: Final = ("_from_any", "_most_lost", "_first_below", "_patience", "_refused")
_OF_CLOCK: Final = tuple(
    f.name for f in fields(ClockState) if f.name not in ("buckets", "pings", "doubt_since_s")
)  # fmt: skip


def session_state(session: HubSession) -> Arrays:
    """See `ReplayableHub.saved_state`."""
    parser, pinger, clock = session.parser, session._attachment.pinger, session.clock_map
    numbers, waiting = session._flow.numbers, session._flow.waiting
    check, state = numbers._check, clock.state
    values: dict[str, Any] = {
        "session": {name: attrgetter(place)(session) for name, place in _OF_SESSION.items()},
        "state": session.state.value,
        "stage": session._progress.stage.value,
        "counters": asdict(session.counters),
        "parser": _values(parser, _OF_PARSER),
        "rejects": list(parser.rejects.values()),
        "found_version": parser.found_version,
        "pinger": _values(pinger, _OF_PINGER),
        "pings_sent": [[token, sent_s] for token, sent_s in pinger._sent.items()],
        "request": session._attachment.requests.next_id,
        "numbers": _values(numbers, _OF_NUMBERS),
        "candidate": numbers._candidate,
        "check": _values(check, _OF_CHECK),
        "newest": check._newest,
        "clock": _values(state, _OF_CLOCK),
        "doubt_since_s": state.doubt_since_s,
        "stood": clock._stood,
        "held": [[p.encode(h.sample).hex(), h.lost, h.arrival_s, h.number] for h in waiting.held],
        "hello": None if session.hello is None else p.encode(session.hello).hex(),
    }
    arrays: Arrays = {
        "values": text_array(json.dumps(values)),
        "pending": np.frombuffer(bytes(parser._pending), dtype=np.uint8),
        "buckets": np.array(state.buckets, dtype=np.float64).reshape(-1, 2),
        "pings": np.array(state.pings, dtype=np.float64).reshape(-1, 3),
    }
    if session._hub.converter is not None:
        arrays |= part_of("converter", session._hub.converter.saved_state())
    return arrays


def restore_session(session: HubSession, arrays: Arrays) -> None:
    """Continue from `session_state`.

    Raises:
        SnapshotError: damaged, or of another layout; nothing has changed then.
    """
    saved = SavedArrays(arrays, "hub")
    try:
        _restore(session, saved)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, SnapshotError):
            raise
        raise saved.refuse("the state of a hub", repr(error)[:200]) from error


def _restore(session: HubSession, saved: SavedArrays) -> None:
    values = json.loads(saved.text("values", _MOST_TEXT))
    # Made anew from what was saved, and put in place only at the end.
    plain = _checked_dict({name: attrgetter(place)(session) for name, place in _OF_SESSION.items()}, values["session"])
    state, stage = ConnectionState(values["state"]), Stage(values["stage"])
    counters = type(session.counters)(**_checked_dict(asdict(session.counters), values["counters"]))
    parser = p.StreamParser()
    _set(parser, _checked(parser, _OF_PARSER, values["parser"]))
    parser.rejects = dict(zip(p.REASONS, (_whole(n) for n in values["rejects"]), strict=True))
    parser.found_version = _maybe(values["found_version"], int)
    parser._pending = bytearray(saved.array("pending", (None,), "u1", most_rows=p.MAX_FRAME).tobytes())
    clock = ClockMapper(session.clock_map.params)
    _set(clock.state, _checked(clock.state, _OF_CLOCK, values["clock"]))
    clock.state.doubt_since_s = _maybe(values["doubt_since_s"], float)
    clock.state.buckets = deque(map(tuple, saved.array("buckets", (None, 2), most_rows=_MOST_POINTS).tolist()))
    clock.state.pings = deque(map(tuple, saved.array("pings", (None, 3), most_rows=_MOST_POINTS).tolist()))
    begin_s, end_s = (_number(v) for v in values["stood"])
    clock._stood = begin_s, end_s
    pinger = session._attachment.pinger.anew(session.clock_map)
    _set(pinger, _checked(pinger, _OF_PINGER, values["pinger"]))
    pinger._sent = {_whole(token): _number(sent_s) for token, sent_s in values["pings_sent"][:MAX_WAITING]}
    numbers, check = SampleNumbers(), SequenceCheck()
    _set(numbers, _checked(numbers, _OF_NUMBERS, values["numbers"]))
    if values["candidate"] is not None:
        newest, newest_us = values["candidate"]
        numbers._candidate = _whole(newest), _whole(newest_us)
    _set(check, _checked(check, _OF_CHECK, values["check"]))
    check._newest = _maybe(values["newest"], int)
    numbers._check = check
    waiting = HeldSamples()
    waiting.held = [
        Held(_packet(sample, p.Sample), _whole(lost), _number(arrival_s), _whole(number))
        for sample, lost, arrival_s, number in values["held"][:_MOST_HELD]
    ]
    next_id = _whole(values["request"])
    if not 1 <= next_id <= 0xFFFF:
        raise ValueError(f"request {next_id}")
    hello = None if values["hello"] is None else _packet(values["hello"], p.Hello)
    layout = session._hub.layout
    hub = HubInUse(layout)
    if hello is not None:
        converter = saved.part("converter") if saved.has_part("converter") else None
        hub = HubInUse.restored(layout, hello, session._attachment.rate_for(hello), converter)
        if converter is not None and any(len(h.sample.status) != len(hello.sensors) for h in waiting.held):
            raise ValueError("samples of another hub")
    saved.end()
    session._attachment.requests.abandon("the state of another moment was restored")
    session._attachment.requests.next_id = next_id
    flow, progress = session._flow, session._progress
    for part, becomes in (
        (session.counters, counters),
        (session.parser, parser),
        (flow.clock_map, clock),
        (flow.numbers, numbers),
        (flow.waiting, waiting),
        (session._attachment.pinger, pinger),
        (session._hub, hub),
    ):
        vars(part).update(vars(becomes))
    progress.state, progress.stage = state, stage
    for name, place in _OF_SESSION.items():
        of, _, attribute = place.rpartition(".")
        setattr(attrgetter(of)(session) if of else session, attribute, plain[name])


def _packet(text: str, kind: type[Any]) -> Any:
    packet = p.decode(bytes.fromhex(text))
    if not isinstance(packet, kind):
        raise ValueError(f"{type(packet).__name__} in place of {kind.__name__}")
    return packet


def _values(of: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(of, name) for name in names}


def _set(of: object, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(of, name, value)


def _checked(of: object, names: tuple[str, ...], found: Mapping[str, Any]) -> dict[str, Any]:
    return _checked_dict(_values(of, names), found)


def _checked_dict(own: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """What was found, which must have the names and types of our own."""
    if own.keys() != found.keys():
        raise ValueError(f"values {sorted(found)[:50]}")
    return {name: _of_type(found[name], type(value)) for name, value in own.items()}


def _of_type(value: Any, kind: type[Any]) -> Any:
    if kind is float:
        return _number(value)
    if type(value) is not kind:
        raise TypeError(f"{value!r:.80} where {kind.__name__} is expected")
    return value


def _number(value: Any) -> float:
    if type(value) not in (float, int) or math.isnan(value):
        raise TypeError(f"{value!r:.80} where a number is expected")
    return float(value)


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) >= 1 << 64:
        raise TypeError(f"{value!r:.80} where a whole number is expected")
    return value


def _maybe(value: Any, kind: type[Any]) -> Any:
    return None if value is None else _of_type(value, kind)

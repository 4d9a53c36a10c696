"""Looks at a whole take: what it holds, what is missing, how its faces were made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from face_model.imu_sample import STATUS_FAULT, STATUS_MISSING, STATUS_VALID
from face_model.settings import read_mapping
from face_recording.bag_reader import (
    BYTES,
    DRIVER_SNAPSHOT,
    FACE_SNAPSHOT,
    FACES,
    FRAMES,
    LAYOUT,
    REFERENCE,
    Bag,
)
from face_recording.repair import is_unfinished
from face_recording.takes.clock_findings import clock_finding, stamps_finding
from face_recording.takes.errors import TakeError
from face_recording.takes.listing import PAIRING_FILE, goes_on
from face_recording.takes.loss_findings import loss_finding, skipped_finding, twice_finding
from face_recording.takes.reading import full_name, length_of, opened
from face_recording.takes.recorded_track import RecordedTrack, read_track
from face_recording.takes.reference_findings import reference_finding
from face_recording.takes.take import CALIBRATING, NS, STALE, STATES
from face_recording.takes.verdict import Finding, Grade, Verdict


def check(folder: Path, namespace: str | None = None) -> Verdict:
    """Look at a whole take.

    Args:
        folder: of the take.
        namespace: whose; None: everybody's.

    Raises:
        NoTakeError: it is none.
        TakeError: nobody has this namespace.
        BagError: it is damaged in the middle.
    """
    with opened(folder) as bag:
        places = bag.namespaces if namespace is None else (namespace.strip("/"),)
        if namespace is not None and places[0] not in bag.namespaces:
            told = ", ".join(f"/{name}" for name in bag.namespaces) or "none"
            raise TakeError(f"expected the namespace /{places[0]} in {folder}, found {told}")
        try:
            return Verdict(folder, tuple(_findings(folder, bag, places)))
        except AttributeError as error:  # its definitions are others than ours
            text = f"its messages have other fields than this version's ({error}); it was recorded with another"
            return Verdict(folder, (Finding("content", Grade.BAD, text),))


def _findings(folder: Path, bag: Bag, places: Sequence[str]) -> Iterator[Finding]:
    yield _whole(folder, bag)
    if not places:
        yield Finding("content", Grade.BAD, "no topic of a wearer is in it")
    for place in places:
        who = f"/{place} " if len(bag.namespaces) > 1 else ""
        for found in _of_wearer(bag, place):
            yield Finding(f"{who}{found.about}", found.grade, found.text)


def _whole(folder: Path, bag: Bag) -> Finding:
    if folder.is_dir() and goes_on(folder):
        return Finding("file", Grade.REMARK, "it is being recorded")
    if bag.cut or (folder.is_dir() and is_unfinished(folder)):
        what = "; ".join(bag.cut) or "its metadata are missing"
        return Finding("file", Grade.REMARK, f"its recorder was killed ({what}); mend it: imusic takes check --mend")
    return Finding("file", Grade.GOOD, f"whole, {length_of(bag).words}")


def _of_wearer(bag: Bag, place: str) -> Iterator[Finding]:
    tracks = {
        FACES: read_track(bag, place, FACES, "sequence"),
        FRAMES: read_track(bag, place, FRAMES, "sequence"),
        BYTES: read_track(bag, place, BYTES, "number", keep=False),
    }
    faces, frames = tracks[FACES], tracks[FRAMES]
    origin_ns = int(next((track.came_ns[0] for track in (faces, frames) if len(track)), 0))
    yield _replays(bag, place, tracks)
    for relative, track in tracks.items():
        if len(track):
            if relative == FACES:
                yield skipped_finding(track)
                yield twice_finding(track)
            else:
                yield loss_finding(relative, track)
            if relative != BYTES:
                yield stamps_finding(relative, track, origin_ns)
    if len(faces):
        yield from _states(bag, place, faces)
        yield _latency(faces)
    if len(frames) > 10:
        yield clock_finding(frames, origin_ns)
        yield _sensors(bag, place, frames)
    pairing = _paired(bag.path, place)
    if full_name(place, REFERENCE) in bag.topics and len(faces) > 10:
        yield reference_finding(bag, place, faces, pairing is not None)
    if pairing is not None:
        yield pairing


def _replays(bag: Bag, place: str, tracks: dict[str, RecordedTrack]) -> Finding:
    """From what it can be replayed."""
    snapshots = {name: full_name(place, name) in bag.topics for name in (DRIVER_SNAPSHOT, FACE_SNAPSHOT)}
    there = {name: len(track) > 0 for name, track in tracks.items()}
    if not any(there.values()):
        return Finding("content", Grade.BAD, "neither faces nor frames nor hub bytes: nothing was published")
    if not there[FACES]:
        return Finding("content", Grade.BAD, "no faces: inference did not run; a replay can make them")
    ways = []
    if there[BYTES] and all(snapshots.values()):
        ways.append("hub bytes")
    if there[FRAMES] and snapshots[FACE_SNAPSHOT] and full_name(place, LAYOUT) in bag.topics:
        ways.append("frames")
    ways.append("weights")
    exact = len(ways) > 1
    text = f"can be replayed from {' or '.join(ways)}" + ("" if exact else ": no snapshots with their input")
    return Finding("content", Grade.GOOD if exact else Grade.REMARK, text)


def _states(bag: Bag, place: str, faces: RecordedTrack) -> Iterator[Finding]:
    states = np.array([int(message.state) for message in faces.messages])
    shares = [f"{name} {100.0 * share:.0f} %" for s, name in enumerate(STATES) if (share := np.mean(states == s)) > 0.0]
    stale = float(np.mean(states == STALE))
    grade = Grade.BAD if stale > 0.1 else Grade.REMARK if stale > 0.0 or np.mean(states == 2) > 0.05 else Grade.GOOD
    yield Finding("states", grade, ", ".join(shares))
    known = np.flatnonzero(states != CALIBRATING)
    snapshots = full_name(place, FACE_SNAPSHOT) in bag.topics
    if not len(known):
        yield Finding(
            "neutral", Grade.BAD, "never known: the face was being calibrated throughout, all weights are neutral"
        )
    else:
        since = (faces.stamps_ns[known[0]] - faces.stamps_ns[0]) / NS
        text = "known from the beginning" if known[0] == 0 else f"known from {since:.1f} s on"
        kept = known[0] > 0 or snapshots
        yield Finding("neutral", Grade.GOOD if kept else Grade.REMARK, text + ("" if kept else ", but not in the take"))


def _latency(faces: RecordedTrack) -> Finding:
    # Without input the last sample's face is told again and again, ever older: its first is how late it was.
    first = np.concatenate(([True], np.diff(faces.stamps_ns) != 0))
    ages = np.array([float(message.age) for message in faces.messages])[first[: len(faces)]]
    ages = ages[np.isfinite(ages)]
    if not len(ages):
        return Finding("latency", Grade.REMARK, "unknown")
    middle, most = float(np.median(ages)), float(np.quantile(ages, 0.99))
    grade = Grade.REMARK if most > 0.05 or ages.min() < 0.0 else Grade.GOOD
    return Finding("latency", grade, f"{1e3 * middle:.1f} ms from sample to weights, 99 % below {1e3 * most:.1f} ms")


def _sensors(bag: Bag, place: str, frames: RecordedTrack) -> Finding:
    sizes = {len(message.status) for message in frames.messages}
    if len(sizes) != 1:
        return Finding("sensors", Grade.REMARK, "another layout came in the middle")
    status = np.stack([message.status for message in frames.messages])
    sound = ((status & STATUS_VALID) > 0) & ((status & (STATUS_MISSING | STATUS_FAULT)) == 0)
    share = sound.mean(axis=0)
    names = [f"sensor {i}" for i in range(len(share))]
    latched = bag.newest(full_name(place, LAYOUT), bag.end_ns) if full_name(place, LAYOUT) in bag.topics else None
    if latched is not None and len(layout := bag.decoded(latched).sensors) == len(names):
        names = [str(sensor.name) for sensor in layout]
    weak = [f"{name} {100.0 * s:.0f} %" for name, s in zip(names, share, strict=True) if s < 0.99]
    if weak:
        return Finding("sensors", Grade.REMARK, f"valid less than always: {', '.join(weak)}")
    return Finding("sensors", Grade.GOOD, f"all {len(names)} valid")


def _paired(folder: Path, place: str) -> Finding | None:
    """What `imusic takes pair` found for this wearer; None where it was not asked."""
    path = folder / PAIRING_FILE
    if not path.is_file():
        return None
    try:
        content = read_mapping(path, "a pairing", TakeError)
    except TakeError as error:
        return Finding("pairing", Grade.REMARK, f"{error}; write it again: imusic takes pair")
    if content.get("namespace") != place:
        return None
    quality, worst = content.get("quality"), content.get("worst_deviation_s")
    if quality not in ("good", "fair", "poor") or not isinstance(worst, int | float):
        return Finding("pairing", Grade.REMARK, f"{path.name} is not understood; write it again: imusic takes pair")
    text = f"{quality}: {content.get('source', '')} is on the sensors' clock, plus or minus {2e3 * worst:.0f} ms"
    if quality == "poor":
        return Finding("pairing", Grade.REMARK, f"{text}: not to be learned from")
    return Finding("pairing", Grade.GOOD, text)

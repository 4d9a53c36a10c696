"""How good a take is: what it holds, what is missing, and a verdict in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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
from face_recording.takes.errors import TakeError
from face_recording.takes.listing import PAIRING_FILE, goes_on
from face_recording.takes.reading import full_name, length_of, opened, stamp_ns
from face_recording.takes.take import CALIBRATING, GAP_S, NS, STALE, STATES

SEEN_LOSS: Final = 0.001
"""Share of messages from which on a loss is worth a word; from ten times that on a take is bad."""
SEEN_SKIPS: Final = 0.02
"""Share of samples without a face from which on that is worth a warning."""
LEAST_CORRELATION: Final = 0.5
MOST_LAG_S: Final = 2.0
FINE_LAG_S: Final = 0.008
"""A reference whose stamps are off by less needs nothing: half a picture of a camera."""
_GRID_HZ: Final = 250.0
_STEP_S: Final = 0.02
"""From which on stamps that leave the line of the hub's clock do so because a clock was set."""


class Grade(Enum):
    """Of one finding."""

    GOOD = "good"
    REMARK = "remark"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: what.
        grade: how good.
        text: what was found, in words.
    """

    about: str
    grade: Grade
    text: str


@dataclass(frozen=True)
class Verdict:
    """All findings of a take.

    Attributes:
        folder: of the take.
        findings: in the order in which they were looked at.
    """

    folder: Path
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether nothing is bad."""
        return all(finding.grade is not Grade.BAD for finding in self.findings)

    @property
    def words(self) -> str:
        """The verdict in a sentence."""
        bad = [finding.about for finding in self.findings if finding.grade is Grade.BAD]
        remarks = [finding.about for finding in self.findings if finding.grade is Grade.REMARK]
        if bad:
            return f"Not as it should be: {', '.join(dict.fromkeys(bad))}."
        warnings = [finding.about for finding in self.findings if finding.grade is Grade.WARNING]
        if warnings:
            return f"To be used with care: look at {', '.join(dict.fromkeys(warnings + remarks))}."
        if remarks:
            return f"Good to use; look at {', '.join(dict.fromkeys(remarks))}."
        return "Good: whole, without loss."

    def to_json(self) -> str:
        """One JSON object."""
        findings = [{"about": f.about, "grade": f.grade.value, "text": f.text} for f in self.findings]
        told = {"take": str(self.folder), "usable": self.usable, "verdict": self.words, "findings": findings}
        return json.dumps(told, indent=2)


@dataclass(frozen=True)
class _Track:
    """Of one topic's messages: when each came, its stamp, its number."""

    came_ns: NDArray[np.int64]
    stamps_ns: NDArray[np.int64]
    numbers: NDArray[np.int64]
    messages: Sequence[Any]

    def __len__(self) -> int:
        return len(self.came_ns)


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
        FACES: _track(bag, place, FACES, "sequence"),
        FRAMES: _track(bag, place, FRAMES, "sequence"),
        BYTES: _track(bag, place, BYTES, "number", keep=False),
    }
    faces, frames = tracks[FACES], tracks[FRAMES]
    origin_ns = int(next((track.came_ns[0] for track in (faces, frames) if len(track)), 0))
    yield _replays(bag, place, tracks)
    for relative, track in tracks.items():
        if len(track):
            yield from (_skipped(track), _twice(track)) if relative == FACES else (_loss(relative, track),)
            if relative != BYTES:
                yield _stamps(relative, track, origin_ns)
    if len(faces):
        yield from _states(bag, place, faces)
        yield _latency(faces)
    if len(frames) > 10:
        yield _clock(frames, origin_ns)
        yield _sensors(bag, place, frames)
    pairing = _paired(bag.path, place)
    if full_name(place, REFERENCE) in bag.topics and len(faces) > 10:
        yield _reference(bag, place, faces, pairing is not None)
    if pairing is not None:
        yield pairing


def _track(bag: Bag, place: str, relative: str, number: str, keep: bool = True) -> _Track:
    came, stamps, numbers, messages = [], [], [], []
    topic = full_name(place, relative)
    for raw in bag.messages((topic,)) if topic in bag.topics else ():
        message = bag.decoded(raw)
        came.append(raw.time_ns)
        stamps.append(stamp_ns(message.header))
        numbers.append(int(getattr(message, number)))
        if keep:
            messages.append(message)
    return _Track(np.array(came, np.int64), np.array(stamps, np.int64), np.array(numbers, np.int64), messages)


def _replays(bag: Bag, place: str, tracks: dict[str, _Track]) -> Finding:
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


def _loss(relative: str, track: _Track) -> Finding:
    step = np.diff(track.numbers)
    # Smaller numbers: counted anew, as when the hub boots. The same one: recorded twice.
    lost = int((step[step > 1] - 1).sum())
    anew, twice = int((step < 0).sum()), int((step == 0).sum())
    share = lost / max(1, lost + len(track))
    grade = Grade.BAD if share > 10.0 * SEEN_LOSS else Grade.REMARK if share > 0.0 or anew or twice else Grade.GOOD
    text = f"{len(track)} of {relative}, " + (f"{lost} lost ({100.0 * share:.2g} %)" if lost else "none lost")
    text += f"; counted anew {_times(anew)}" if anew else ""
    text += f"; {twice} recorded twice" if twice else ""
    return Finding("loss", grade, text)


def _skipped(faces: _Track) -> Finding:
    """Numbers of samples that no face has: they are no loss of the recording."""
    step = np.diff(faces.numbers)
    skipped = int((step[step > 1] - 1).sum())
    about, count = "samples without a face", len(np.unique(faces.numbers))
    if not skipped:
        return Finding(about, Grade.GOOD, f"none between {len(faces)} faces")
    share = skipped / (skipped + count)
    text = f"{skipped} of {skipped + count} ({100.0 * share:.2g} %): inference had no time for them, or never got them"
    return Finding(about, Grade.WARNING if share > SEEN_SKIPS else Grade.REMARK, text)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _twice(faces: _Track) -> Finding:
    step = np.diff(faces.numbers)
    # A stale face repeats the sample before it.
    stale = np.array([int(message.state) == STALE for message in faces.messages], dtype=bool)[1:]
    anew, twice = int((step < 0).sum()), int(((step == 0) & ~stale).sum())
    told = [f"counted anew {_times(anew)}"] * bool(anew) + [f"{twice} recorded twice"] * bool(twice)
    return Finding("faces", Grade.REMARK if told else Grade.GOOD, "; ".join([f"{len(faces)} faces", *told]))


def _stamps(relative: str, track: _Track, origin_ns: int) -> Finding:
    step = np.diff(track.stamps_ns)
    # A stale face has the stamp of the sample before it: that is no fault of a clock.
    stale = np.array([int(getattr(message, "state", 0)) == STALE for message in track.messages])[1:]
    back, gaps = int(((step < 0) | ((step == 0) & ~stale)).sum()), step[step > GAP_S * NS]
    if back:
        text = f"{relative}: {back} stamps are not later than the ones before them"
        if step.min() < -_STEP_S * NS:
            worst = int(np.argmin(step))
            text += (
                f", by up to {-step[worst] / NS:.2f} s: the computer's clock was set; {_cut(track, worst, origin_ns)}"
            )
        return Finding("stamps", Grade.BAD, text)
    if len(gaps):
        at = (track.stamps_ns[int(np.argmax(step))] - track.stamps_ns[0]) / NS
        many = "a gap" if len(gaps) == 1 else f"{len(gaps)} gaps, the longest"
        text = f"{relative}: {many} of {gaps.max() / NS:.2f} s at {at:.1f} s"
        return Finding("gaps", Grade.REMARK, text)
    return Finding(
        "stamps", Grade.GOOD, f"{relative}: stamps rise, every {np.median(step) / 1e6 if len(step) else 0:.2f} ms"
    )


def _states(bag: Bag, place: str, faces: _Track) -> Iterator[Finding]:
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


def _latency(faces: _Track) -> Finding:
    # Without input the last sample's face is told again and again, ever older: its first is how late it was.
    first = np.concatenate(([True], np.diff(faces.stamps_ns) != 0))
    ages = np.array([float(message.age) for message in faces.messages])[first[: len(faces)]]
    ages = ages[np.isfinite(ages)]
    if not len(ages):
        return Finding("latency", Grade.REMARK, "unknown")
    middle, most = float(np.median(ages)), float(np.quantile(ages, 0.99))
    grade = Grade.REMARK if most > 0.05 or ages.min() < 0.0 else Grade.GOOD
    return Finding("latency", grade, f"{1e3 * middle:.1f} ms from sample to weights, 99 % below {1e3 * most:.1f} ms")


def _clock(frames: _Track, origin_ns: int) -> Finding:
    """How well the hub's clock was followed: against a straight line from hub time to stamps."""
    hub_s = np.array([int(message.hub_time_us) for message in frames.messages], dtype=np.float64) * 1e-6
    host_s = (frames.stamps_ns - frames.stamps_ns[0]) / NS
    run = hub_s - hub_s[0]
    step = np.diff(run)
    if (step <= 0.0).any():
        worst = int(np.argmin(step))
        text = f"the hub's clock goes back {_times(int((step <= 0.0).sum()))}, by up to {-step[worst]:.2f} s"
        why = "the hub booted" if frames.numbers[worst + 1] <= frames.numbers[worst] else "its clock was set"
        return Finding(
            "clock", Grade.WARNING, f"{text}: {why}, or samples are in it twice; {_cut(frames, worst, origin_ns)}"
        )
    jump = np.abs(np.diff(host_s - run))
    if jump.max() > _STEP_S:
        worst = int(np.argmax(jump))
        text = f"a step of {jump[worst]:.2f} s between hub time and stamps: the computer's clock was set, or the hub's"
        return Finding("clock", Grade.WARNING, f"{text}; {_cut(frames, worst, origin_ns)}")
    slope, offset = np.polyfit(run, host_s, 1)
    rest = np.abs(host_s - (slope * run + offset)).max()
    text = f"hub runs {1e6 * (slope - 1.0):+.0f} ppm, stamps within {1e3 * float(rest):.2f} ms of its line"
    return Finding("clock", Grade.GOOD, text)


def _cut(track: _Track, row: int, origin_ns: int) -> str:
    """What to do about a step of a clock after this row; `imusic takes trim` counts from the first face."""
    before_s, after_s = ((int(track.came_ns[i]) - origin_ns) / NS for i in (row, row + 1))
    return f"use the parts apart: imusic takes trim --end {max(before_s, 0.0):.2f}, or --start {max(after_s, 0.0):.2f}"


def _sensors(bag: Bag, place: str, frames: _Track) -> Finding:
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


def _reference(bag: Bag, place: str, faces: _Track, paired: bool) -> Finding:
    """How far the stamps of a reference are from the faces', by the lag at which both agree best."""
    came = [bag.decoded(raw) for raw in bag.messages((full_name(place, REFERENCE),))]
    seen = [message for message in came if message.face_seen]
    if len(seen) < 30:
        return Finding("reference", Grade.REMARK, f"{len(seen)} of {len(came)} pictures show a face: too few to align")
    times = np.array([stamp_ns(message.header) for message in seen], dtype=np.int64)
    # Until the neutral is known there are no weights, and their first step would count for all.
    known = np.flatnonzero([int(message.state) != CALIBRATING for message in faces.messages])
    since = faces.stamps_ns[known[0]] if len(known) else faces.stamps_ns[-1]
    begin, end = max(times[0], since), min(times[-1], faces.stamps_ns[-1])
    if end - begin < 2 * NS or (np.diff(times) <= 0).any():
        return Finding("reference", Grade.REMARK, "too short, or its stamps go back: cannot be aligned")
    shapes = np.flatnonzero(
        np.array([m.seen for m in seen]).all(axis=0) & np.array([m.observable for m in faces.messages]).any(axis=0)
    )
    grid = np.arange(0.0, (end - begin) / NS, 1.0 / _GRID_HZ)
    ours = _on_grid(faces.stamps_ns, np.array([m.weights for m in faces.messages]), begin, grid, shapes)
    theirs = _on_grid(times, np.array([m.weights for m in seen]), begin, grid, shapes)
    lag_s, r = best_lag(ours, theirs)
    who = f"{seen[0].source}: {len(seen)} of {len(came)} pictures with a face"
    if r < LEAST_CORRELATION:
        return Finding("reference", Grade.REMARK, f"{who}; hardly like the weights (r {r:.2f}): not aligned")
    text = f"{who}; {1e3 * lag_s:+.0f} ms after the weights, r {r:.2f}"
    off = abs(lag_s) > FINE_LAG_S and not paired
    return Finding(
        "reference", Grade.REMARK if off else Grade.GOOD, text + ("; align it: imusic takes pair" if off else "")
    )


def _on_grid(
    stamps: NDArray[np.int64],
    weights: NDArray[np.floating],
    begin: int,
    grid: NDArray[np.float64],
    shapes: NDArray[Any],
) -> NDArray[np.float64]:
    since = (stamps - begin) / NS
    return np.stack([np.interp(grid, since, np.nan_to_num(weights[:, k])) for k in shapes], axis=1).reshape(
        len(grid), -1
    )


def best_lag(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[float, float]:
    """By how much the second (T, K) is later than the first, s, and their correlation there; at `_GRID_HZ`."""
    if not ours.shape[1]:
        return 0.0, 0.0
    # Changes, not levels, tell the time; both are smoothed to what a camera sees.
    width = np.ones(8) / 8.0
    first, second = (
        np.stack([np.convolve(np.diff(c), width, mode="same") for c in table.T], axis=1) for table in (ours, theirs)
    )
    count = len(first)
    most = min(round(MOST_LAG_S * _GRID_HZ), count // 2)
    size = 1 << int(2 * count).bit_length()
    product = (np.fft.rfft(second, size, axis=0) * np.conj(np.fft.rfft(first, size, axis=0))).sum(axis=1)
    lags = np.arange(-most, most + 1)
    common = np.fft.irfft(product, size)[lags]
    # By the power of what overlaps at each lag: else the peak is drawn towards zero.
    power = [np.concatenate([[0.0], np.cumsum((table**2).sum(axis=1))]) for table in (first, second)]
    ours_power = power[0][count - np.maximum(lags, 0)] - power[0][np.maximum(-lags, 0)]
    theirs_power = power[1][count + np.minimum(lags, 0)] - power[1][np.maximum(lags, 0)]
    r = common / np.sqrt(np.maximum(ours_power * theirs_power, 1e-30))
    best = int(np.argmax(r))
    fine = 0.0
    if 0 < best < len(r) - 1 and (bend := r[best - 1] - 2.0 * r[best] + r[best + 1]) < 0.0:
        fine = 0.5 * (r[best - 1] - r[best + 1]) / bend
    return float(lags[best] + fine) / _GRID_HZ, float(r[best])

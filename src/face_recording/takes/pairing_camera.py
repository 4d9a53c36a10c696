"""What a camera saw beside a take: on the take's own topic, or in the CSV that a phone recorded by itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_model.livelink import read_livelink
from face_recording.bag_reader import REFERENCE, Bag
from face_recording.takes.errors import TakeError
from face_recording.takes.reading import full_name, stamp_ns


@dataclass(frozen=True)
class Camera:
    """What the camera saw, on its own clock.

    Attributes:
        source: kind and name.
        clock: which clock that is, in words.
        time_s: (P,) increasing.
        weights: (P, 52).
        seen: (P, 52) bool.
        stamps_s: (P,) when the take says that each picture was taken, s since the take's first frame; None: it does
        not.
        pictures: how many there were, with those without a face.
        file: of a CSV; None where the take itself holds it.
    """

    source: str
    clock: str
    time_s: NDArray[np.float64]
    weights: NDArray[np.float64]
    seen: NDArray[np.bool_]
    stamps_s: NDArray[np.float64] | None
    pictures: int
    file: Path | None = None


def camera_of_topic(bag: Bag, place: str, begins_ns: int) -> Camera:
    """What the most frequent source of `face/reference` saw; `begins_ns`: ROS time of second 0.

    Raises:
        TakeError: there is no picture with a face, or hardly any.
    """
    topic = full_name(place, REFERENCE)
    messages = [bag.decoded(message) for message in bag.messages((topic,))]
    sources = Counter(str(message.source) for message in messages)
    if not sources:
        raise TakeError(
            f"expected pictures on {topic} in {bag.path}, found none; record with a reference (imusic capture "
            "--reference livelink), or give the CSV that the phone recorded"
        )
    source = sources.most_common(1)[0][0]
    of_source = [message for message in messages if message.source == source]
    faces = [message for message in of_source if message.face_seen]
    if len(faces) < 2:
        raise TakeError(
            f"expected pictures with a face on {topic}, found {len(faces)} of {len(of_source)}; record it again, the "
            "whole face in view"
        )
    stamps = np.array([1e-9 * (stamp_ns(message.header) - begins_ns) for message in faces])
    own = np.array([float(message.source_time) for message in faces])
    clock, times = "of the source", own
    # A source's clock that was set, or that counts from midnight anew, is no clock for a whole take.
    if not np.isfinite(own).all() or np.ptp(stamps - own - np.median(stamps - own)) > 2.0:
        clock, times = "stamps of the take", stamps
    kept = _rising(times)
    return Camera(
        source,
        clock,
        times[kept],
        np.array([message.weights for message in faces], dtype=np.float64)[kept],
        np.array([message.seen for message in faces], dtype=np.bool_)[kept],
        stamps[kept],
        len(of_source),
    )


def camera_of_csv(path: Path, fps: float | None) -> Camera:
    """What stands in a Live Link Face CSV; `fps` where its timecodes do not tell.

    Raises:
        LiveLinkError: it cannot be used.
    """
    take = read_livelink(path, fps=fps)
    times = np.arange(len(take.weights)) / take.rate_hz
    clock = "seconds since the CSV's first row"
    return Camera(f"livelink CSV {path.name}", clock, times, take.weights, take.seen, None, len(take.weights), path)


def _rising(times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(P,) those that are later than all before them."""
    newest = np.maximum.accumulate(times)
    rising: NDArray[np.bool_] = np.concatenate([[True], times[1:] > newest[:-1]])
    return rising

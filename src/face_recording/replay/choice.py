"""What of a recording is played: whose topics, from which of them on, which part. Refused before anything starts."""

from __future__ import annotations

from dataclasses import dataclass

from face_recording.bag_reader import BYTES, FACES, FRAMES, Bag
from face_recording.replay.errors import ReplayError
from face_recording.replay.events import Level
from face_recording.replay.part import Part, played_part

AUTO = "auto"
"""Samples where there are any, else weights."""


@dataclass(frozen=True)
class Choice:
    """What is played.

    Attributes:
        namespace: of the wearer in the recording, without a slash at either end.
        level: what is played of it.
        part: from where to where.
    """

    namespace: str
    level: Level
    part: Part


def choice_of(
    bag: Bag,
    recorded: str | None,
    level: str,
    start_s: float = 0.0,
    duration_s: float = 0.0,
    check: bool = False,
    *,
    dashes: str = "",
) -> Choice:
    """What is played of a recording.

    Args:
        bag: that is played.
        recorded: namespace of the wearer in it; None: the only one.
        level: value of a `Level`, or `AUTO`.
        start_s: where to begin, s after the first face.
        duration_s: how much, s; 0: to the end.
        check: whether faces are compared with the recorded ones.
        dashes: what stands before the name of an option where people gave it.

    Raises:
        NamespaceError: the recording does not have one such wearer.
        ReplayError: it begins after the end, or there is nothing to compare.
        BagError: the recording is damaged.
    """
    needs = {Level.FRAMES.value: (FRAMES,), Level.BYTES.value: (BYTES,), Level.WEIGHTS.value: (FACES,)}
    namespace = bag.namespace(recorded, needs.get(level, (FRAMES, FACES)))
    topics = bag.of_wearer(namespace)
    chosen = Level(level) if level != AUTO else Level.FRAMES if FRAMES in topics else Level.WEIGHTS
    if check and chosen is Level.WEIGHTS:
        raise ReplayError(
            f"{dashes}check: expected faces that are computed again, found weights as they were published; replay from "
            "frames or bytes"
        )
    if check and FACES not in topics:
        raise ReplayError(
            f"{dashes}check: expected recorded faces in {bag.path.name}, found none; leave {dashes}check out"
        )
    return Choice(namespace, chosen, played_part(bag, namespace, start_s, duration_s, option=f"{dashes}start"))

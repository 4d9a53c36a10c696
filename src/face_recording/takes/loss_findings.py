"""What the numbers of recorded messages tell: what is lost, was skipped, is in it twice."""

from __future__ import annotations

from typing import Final

import numpy as np

from face_recording.takes.recorded_track import RecordedTrack
from face_recording.takes.take import STALE
from face_recording.takes.verdict import Finding, Grade

SEEN_LOSS: Final = 0.001
"""Share of messages from which on a loss is worth a word; from ten times that on a take is bad."""
SEEN_SKIPS: Final = 0.02
"""Share of samples without a face from which on that is worth a warning."""


def loss_finding(relative: str, track: RecordedTrack) -> Finding:
    """Of a topic whose numbers leave nothing out: each that is not there was lost."""
    step = np.diff(track.numbers)
    # Smaller numbers: counted anew, as when the hub boots. The same one: recorded twice.
    lost = int((step[step > 1] - 1).sum())
    anew, twice = int((step < 0).sum()), int((step == 0).sum())
    share = lost / max(1, lost + len(track))
    grade = Grade.BAD if share > 10.0 * SEEN_LOSS else Grade.REMARK if share > 0.0 or anew or twice else Grade.GOOD
    text = f"{len(track)} of {relative}, " + (f"{lost} lost ({100.0 * share:.2g} %)" if lost else "none lost")
    text += f"; counted anew {times_in_words(anew)}" if anew else ""
    text += f"; {twice} recorded twice" if twice else ""
    return Finding("loss", grade, text)


def skipped_finding(faces: RecordedTrack) -> Finding:
    """Numbers of samples that no face has: they are no loss of the recording."""
    step = np.diff(faces.numbers)
    skipped = int((step[step > 1] - 1).sum())
    about, count = "samples without a face", len(np.unique(faces.numbers))
    if not skipped:
        return Finding(about, Grade.GOOD, f"none between {len(faces)} faces")
    share = skipped / (skipped + count)
    text = f"{skipped} of {skipped + count} ({100.0 * share:.2g} %): inference had no time for them, or never got them"
    return Finding(about, Grade.WARNING if share > SEEN_SKIPS else Grade.REMARK, text)


def twice_finding(faces: RecordedTrack) -> Finding:
    """Of faces: how many there are, and whether some are in it twice."""
    step = np.diff(faces.numbers)
    # A stale face repeats the sample before it.
    stale = np.array([int(message.state) == STALE for message in faces.messages], dtype=bool)[1:]
    anew, twice = int((step < 0).sum()), int(((step == 0) & ~stale).sum())
    told = [f"counted anew {times_in_words(anew)}"] * bool(anew) + [f"{twice} recorded twice"] * bool(twice)
    return Finding("faces", Grade.REMARK if told else Grade.GOOD, "; ".join([f"{len(faces)} faces", *told]))


def times_in_words(number: int) -> str:
    """How often something happened."""
    return "once" if number == 1 else f"{number} times"

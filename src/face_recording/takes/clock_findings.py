"""What stamps and hub times tell: gaps, clocks that were set, how well the hub's clock was followed."""

from __future__ import annotations

from typing import Final

import numpy as np

from face_recording.takes.loss_findings import times_in_words
from face_recording.takes.recorded_track import RecordedTrack
from face_recording.takes.take import GAP_S, NS, STALE
from face_recording.takes.verdict import Finding, Grade

_STEP_S: Final = 0.02
"""From which on stamps that leave the line of the hub's clock do so because a clock was set."""


def stamps_finding(relative: str, track: RecordedTrack, origin_ns: int) -> Finding:
    """Whether stamps rise, and how long nothing came; `origin_ns`: when the take's first face came."""
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


def clock_finding(frames: RecordedTrack, origin_ns: int) -> Finding:
    """How well the hub's clock was followed: against a straight line from hub time to stamps."""
    hub_s = np.array([int(message.hub_time_us) for message in frames.messages], dtype=np.float64) * 1e-6
    host_s = (frames.stamps_ns - frames.stamps_ns[0]) / NS
    run = hub_s - hub_s[0]
    step = np.diff(run)
    if (step <= 0.0).any():
        worst = int(np.argmin(step))
        text = f"the hub's clock goes back {times_in_words(int((step <= 0.0).sum()))}, by up to {-step[worst]:.2f} s"
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


def _cut(track: RecordedTrack, row: int, origin_ns: int) -> str:
    """What to do about a step of a clock after this row; `imusic takes trim` counts from the first face."""
    before_s, after_s = ((int(track.came_ns[i]) - origin_ns) / NS for i in (row, row + 1))
    return f"use the parts apart: imusic takes trim --end {max(before_s, 0.0):.2f}, or --start {max(after_s, 0.0):.2f}"

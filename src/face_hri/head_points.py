"""Where REP-155's frames of a face are in `face_head`."""

from __future__ import annotations

from typing import Final

SELLION_M: Final = (0.103, 0.0, 0.026)
"""The deepest point of the bridge of the nose on the shipped head, a mean one: heads differ by a centimetre."""

AHEAD: Final = (0.0, 0.0, 0.0, 1.0)
"""A face's frame has the head's axes: x out of the face, z up."""

OPTICAL: Final = (-0.5, 0.5, -0.5, 0.5)
"""Axes of an optical frame (z ahead, x to the right, y down) to those of a face. IMUs do not see the eyes: the gaze is
where the head points, as REP-155 asks where nothing better is known."""


def face_frame(face: str) -> str:
    """Frame of a face."""
    return f"face_{face}"


def gaze_frame(face: str) -> str:
    """Frame of its gaze."""
    return f"gaze_{face}"


def person_frame(person: str) -> str:
    """Frame of a person."""
    return f"person_{person}"

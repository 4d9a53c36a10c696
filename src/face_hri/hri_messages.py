"""What is said in hri_msgs, where that is installed; nothing else of this package needs it."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from geometry_msgs.msg import TransformStamped
from imusic.msg import FaceBlendshapes
from std_msgs.msg import Header

from face_affect.action_units import ActionUnits
from face_affect.expressions import Expressions
from face_hri import head_points
from imusic_ros.transforms import transform

CURE = (
    "install it (in a distribution: sudo apt install ros-$ROS_DISTRO-hri-msgs; else as "
    "docs/hri.md says) and start again; everything else works without it"
)

FOLLOWING = (FaceBlendshapes.STATE_TRACKING, FaceBlendshapes.STATE_DEGRADED)
"""States in which weights follow the face."""


@dataclass(frozen=True)
class HriTypes:
    """Message types of hri_msgs."""

    ids: Any
    match: Any
    units: Any
    expression: Any


def hri_types() -> HriTypes:
    """Types of the installed hri_msgs.

    Raises:
        ImportError: it is not installed, or too old.
    """
    module = importlib.import_module("hri_msgs.msg")
    try:
        return HriTypes(module.IdsList, module.IdsMatch, module.FacialActionUnits, module.Expression)
    except AttributeError as error:
        raise ImportError(f"expected hri_msgs 2.0 or newer, found one of which {error}") from error


def ids_message(kind: Any, stamp: Any, ids: Iterable[str], owner: str = "") -> Any:
    """`hri_msgs/IdsList` of identifiers, sorted; `owner` is told as the frame."""
    return kind(header=Header(stamp=stamp, frame_id=owner), ids=sorted(ids))


def match_message(types: HriTypes, face: str, person: str, confidence: float) -> Any:
    """`hri_msgs/IdsMatch`: the face is the person's, or, with 0, is not any more."""
    kind = types.match
    return kind(id1=face, id1_type=kind.FACE, id2=person, id2_type=kind.PERSON, confidence=confidence)


def units_message(kind: Any, header: Header, units: ActionUnits) -> Any:
    """`hri_msgs/FacialActionUnits` of one face; what sensors cannot see is 0 with confidence 0.

    The weights of hidden shapes follow from what else the face does, or from nothing. A reader that does not look at
    confidences would take them for eyes that look down.
    """
    seen = units.confidence > 0.0
    return kind(
        header=header,
        intensity=(units.intensity * seen).astype("f4"),
        confidence=units.confidence.astype("f4"),
    )


def expression_message(kind: Any, header: Header, shown: Expressions) -> Any:
    """`hri_msgs/Expression` of one face; the confidence is that of the word."""
    word, probability = shown.hri
    return kind(
        header=header,
        expression=word,
        valence=float(shown.valence),
        arousal=float(shown.arousal),
        confidence=min(1.0, max(0.0, probability)),
    )


def frames_message(header: Header, face: str, person: str) -> list[TransformStamped]:
    """Frames of a face and its gaze, and of the person where one is given, at the header's time.

    They hang on the header's frame, `face_head`, which is on `/tf` where the user named its parent.
    """
    on_face = Header(stamp=header.stamp, frame_id=head_points.face_frame(face))
    here = (0.0, 0.0, 0.0)
    frames = [
        transform(header, head_points.face_frame(face), head_points.SELLION_M, head_points.AHEAD),
        transform(on_face, head_points.gaze_frame(face), here, head_points.OPTICAL),
    ]
    if person:
        frames.append(transform(on_face, head_points.person_frame(person), here, head_points.AHEAD))
    return frames

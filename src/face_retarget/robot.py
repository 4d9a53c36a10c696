"""A robot head as its YAML file says it: joints, and which weights of a face move each of them.

`config/robots/demo_head.yaml` explains every key. Angles are rad, or degrees where the file says `unit: deg`; they are
rad from here on. A prismatic joint's numbers are metres, under `unit: rad`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

from face_model import arkit
from face_model.settings import SettingsKind
from face_model.share import expanded
from face_retarget.errors import RetargetError

Turn = Literal["yaw", "pitch", "roll"]
Point = tuple[float, float]

TURNS: Final[tuple[Turn, ...]] = ("yaw", "pitch", "roll")
"""About z up, y to the left and x ahead (REP-103): positive is to the left, down, and to the right shoulder."""
MOST_JOINTS: Final = 100


@dataclass(frozen=True)
class Term:
    """What one weight, or one turn of the head, adds to a joint's angle.

    Exactly one of `weight` and `head`, and exactly one of `gain` and `points`, is set.

    Attributes:
        weight: name of a blendshape, or of several, whose mean counts; read as 0 to 1.
        head: a turn of the wearer's head, rad.
        gain: angle at weight 1, or for each rad of the head's turn.
        points: (input, angle) in growing order of input, joined by straight lines, level beyond both ends.
    """

    weight: str | tuple[str, ...] | None = None
    head: Turn | None = None
    gain: float | None = None
    points: tuple[Point, ...] | None = None

    def __post_init__(self) -> None:
        if (self.weight is None) == (self.head is None):
            raise ValueError("expected exactly one of `weight` and `head`, found both or none")
        if (self.gain is None) == (self.points is None):
            raise ValueError("expected exactly one of `gain` and `points`, found both or none")
        if self.weight is not None and not self.names:
            raise ValueError("weight: expected the name of a blendshape, or several, found an empty list")
        unknown = [name for name in self.names if name not in arkit.INDEX]
        if unknown:
            raise ValueError(f"weight: expected names of ARKit blendshapes as eyeBlinkLeft, found {unknown[0]!r}")
        if self.points is not None:
            inputs = [x for x, _ in self.points]
            if len(inputs) < 2 or any(a >= b for a, b in pairwise(inputs)):
                raise ValueError(f"points: expected two or more in growing order of their first number, found {inputs}")

    @property
    def names(self) -> tuple[str, ...]:
        """Blendshapes of `weight`, none for a turn of the head."""
        return (self.weight,) if isinstance(self.weight, str) else tuple(self.weight or ())


@dataclass(frozen=True)
class Joint:
    """One joint.

    Attributes:
        name: as in the robot's URDF.
        limits: least and greatest angle.
        max_speed: per second.
        max_acceleration: per second squared.
        neutral: where it is on a relaxed face.
        dead_band: a wish that differs from the last followed one by less moves nothing.
        smoothing_s: time constant of a low-pass on the wish; 0: none.
        moved_by: what is added to the neutral.
    """

    name: str
    limits: tuple[float, float]
    max_speed: float
    max_acceleration: float
    neutral: float = 0.0
    dead_band: float = 0.0
    smoothing_s: float = 0.0
    moved_by: tuple[Term, ...] = ()

    def __post_init__(self) -> None:
        low, high = self.limits
        if not self.name:
            raise ValueError("name: expected the name of a joint, found none")
        if not low < high:
            raise ValueError(f"joint {self.name}: expected limits [least, greatest], found {[low, high]}")
        if not low <= self.neutral <= high:
            raise ValueError(f"joint {self.name}: expected a neutral within {[low, high]}, found {self.neutral}")
        if not (self.max_speed > 0.0 and self.max_acceleration > 0.0):
            raise ValueError(f"joint {self.name}: expected max_speed and max_acceleration above 0")
        if self.dead_band < 0.0 or self.smoothing_s < 0.0:
            raise ValueError(f"joint {self.name}: expected dead_band and smoothing_s of 0 or more")


@dataclass(frozen=True)
class Trust:
    """Which weights are followed.

    Attributes:
        follow: confidence at which a weight that was not followed is.
        leave: confidence below which it is followed no longer; not above `follow`.
        hidden: whether weights that IMUs cannot see, and that are therefore guessed, move joints.
    """

    follow: float = 0.4
    leave: float = 0.3
    hidden: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.leave <= self.follow <= 1.0:
            raise ValueError(f"expected 0 <= leave <= follow <= 1, found leave {self.leave}, follow {self.follow}")


@dataclass(frozen=True)
class Lost:
    """What happens with a weight that is not followed any more, and with all of them when the face has gone.

    Attributes:
        hold_s: so long it stays as it was.
        ease_s: in this time it then goes to neutral.
    """

    hold_s: float = 1.0
    ease_s: float = 2.0

    def __post_init__(self) -> None:
        if self.hold_s < 0.0 or self.ease_s < 0.0:
            raise ValueError(f"expected hold_s and ease_s of 0 or more, found {self.hold_s} and {self.ease_s}")


@dataclass(frozen=True)
class RobotSettings:
    """The content of a robot's file; see `Joint`, `Trust`, `Lost`.

    Attributes:
        name: of the robot.
        joints: at least one.
        urdf: name of a file beside this one, or a path; empty: none.
        unit: of all angles in the file.
        trust: which weights are followed.
        lost: what becomes of those that are not.
        mirror: whether the robot moves its left where the wearer moves the right, as a mirror does.
        recentre_yaw_s: time constant with which the head's yaw goes back to ahead, because the heading that IMUs know
            drifts; 0: never.
    """

    name: str
    joints: tuple[Joint, ...]
    urdf: str = ""
    unit: Literal["rad", "deg"] = "rad"
    trust: Trust = Trust()
    lost: Lost = Lost()
    mirror: bool = False
    recentre_yaw_s: float = 60.0

    def __post_init__(self) -> None:
        names = [joint.name for joint in self.joints]
        if not 0 < len(names) <= MOST_JOINTS:
            raise ValueError(f"joints: expected 1 to {MOST_JOINTS}, found {len(names)}")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"joints: expected each name once, found {twice[0]} several times")
        if self.recentre_yaw_s < 0.0:
            raise ValueError(f"recentre_yaw_s: expected 0 or more, found {self.recentre_yaw_s}")

    @property
    def rad(self) -> float:
        """What numbers of the file are multiplied with."""
        return math.pi / 180.0 if self.unit == "deg" else 1.0


ROBOTS: Final = SettingsKind("robot head", RobotSettings, RetargetError, folder="robots")


def load_robot(name_or_path: str | Path) -> tuple[RobotSettings, str]:
    """A robot's settings and the text of its URDF, empty where it has none.

    Raises:
        RetargetError: no such file, or what stands in it cannot be.
    """
    path = ROBOTS.find(name_or_path)
    settings = ROBOTS.load(path)
    if not settings.urdf:
        return settings, ""
    urdf = expanded(settings.urdf)
    place = urdf if urdf.is_absolute() else path.parent / urdf
    try:
        return settings, place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RetargetError(f"{path}: urdf: expected a URDF file at {place}, found: {error}; correct it") from error

"""What a data set is made of, read from YAML: unknown keys, wrong types and impossible values are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from face_dataset.shards.manifest import Split
from face_model.settings import SettingsKind
from imu_sim.chips.fusion import FusionMode
from imu_sim.errors import RecipeError

Share = Annotated[float, Field(gt=0.0)]
Shares = Annotated[dict[str, Share], Field(min_length=1)]
"""Choices and how often each is drawn; the shares need not add up to one."""
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


@dataclass(frozen=True)
class Recorded:
    """Recorded facial motion.

    Attributes:
        files: Live Link Face CSV files, looked for in the folder given to the build; every wearer plays each.
        required: refuse to build without them; else absent files are left out.
        rest_s: neutral rest before and after the take, s: hardly any recording holds a relaxed face to calibrate from.
        people: whose face a file shows, by file name; else as `face_model.livelink.person_of` reads the name.
        fps: frames per second, for files whose timecodes do not tell them.
    """

    files: Annotated[tuple[str, ...], Field(min_length=1)]
    required: bool = False
    rest_s: Annotated[float, Field(ge=0.0, le=60.0)] = 3.0
    people: dict[str, Annotated[str, Field(min_length=1)]] = field(default_factory=dict)
    fps: Annotated[float | None, Field(ge=5.0, le=240.0)] = None

    def __post_init__(self) -> None:
        unknown = sorted(set(self.people) - set(self.files))
        if unknown:
            raise ValueError(f"expected `people` to name files of `files`, found {', '.join(unknown)}")


@dataclass(frozen=True)
class Generated:
    """Performances made up by `imu_sim.generator`, each by a person of its own.

    Attributes:
        seconds: shortest and longest performance, s; each is drawn uniformly between.
    """

    seconds: tuple[float, float] = (60.0, 90.0)

    def __post_init__(self) -> None:
        if not 1.0 <= self.seconds[0] <= self.seconds[1] <= 3600.0:
            raise ValueError(f"expected 1 <= shortest <= longest <= 3600 seconds, found {list(self.seconds)}")


@dataclass(frozen=True)
class Variation:
    """How the same motion differs from wearer to wearer.

    Attributes:
        mirror_share: probability that left and right are exchanged.
        stretch: time is stretched by a factor drawn uniformly from 1 / stretch to stretch.
    """

    mirror_share: Probability = 0.0
    stretch: Annotated[float, Field(ge=1.0, le=2.0)] = 1.0


@dataclass(frozen=True)
class Takes:
    """One group of takes; exactly one of `recorded` and `generated` is given.

    Attributes:
        split: what they are for; a person may be in one split only.
        wearers: how many wearers play each motion, all different people with boards glued on anew.
        recorded: motion that was recorded.
        generated: motion that is made up.
        variation: of the motion between wearers.
        routine: whether each wearer, in a take of its own, also does the guided routine (`face_model.routine`).
        faces: families for this group only, instead of the recipe's.
        licence: of the motion, for the manifest and for models trained on it.
    """

    split: Split
    wearers: Annotated[int, Field(ge=1)]
    recorded: Recorded | None = None
    generated: Generated | None = None
    variation: Variation = field(default_factory=Variation)
    routine: bool = False
    faces: Shares | None = None
    licence: str = ""

    def __post_init__(self) -> None:
        if (self.recorded is None) == (self.generated is None):
            raise ValueError("expected exactly one of `recorded` and `generated`")


@dataclass(frozen=True)
class Gluing:
    """Errors of attachment.

    Attributes:
        placement_m: largest distance of a board from its place, m.
        mounting_deg: root mean square of the angle by which a board is crooked, deg.
    """

    placement_m: Annotated[float, Field(ge=0.0, le=0.05)] = 0.005
    mounting_deg: Annotated[float, Field(ge=0.0, le=90.0)] = 10.0


@dataclass(frozen=True)
class Hub:
    """What the hub sends.

    Attributes:
        rate_hz: samples per second of its own clock.
        skew_ppm: standard deviation of its clock's rate error, parts per million.
        jitter_s: largest root mean square age of the values in a frame, s; each take draws its own between 0 and this.
        loss: largest share of frames lost on the way; each take draws its own between 0 and this.
        fusion: how orientation is computed, and how often: `6d`, VQF on gyroscope and accelerometer, whose heading
            drifts; `9d`, with a magnetometer too, in a room with steel and magnets in it.
    """

    rate_hz: Annotated[float, Field(ge=10.0, le=1000.0)] = 100.0
    skew_ppm: Annotated[float, Field(ge=0.0, le=1000.0)] = 20.0
    jitter_s: Annotated[float, Field(ge=0.0, le=0.01)] = 0.0
    loss: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    fusion: Annotated[dict[FusionMode, Share], Field(min_length=1)] = field(default_factory=lambda: {"6d": 1.0})


@dataclass(frozen=True)
class Recipe:
    """A data set. Every random choice of a take follows from `seed` and the take's index alone.

    Attributes:
        name: of the data set.
        takes: groups, by name.
        seed: of all choices.
        faces: families of faces and how often each is drawn: `head`, or a file that `load_family` reads.
        parts: sensor parts and how often each is drawn.
        layouts: sensor layouts and how often each is drawn.
        gluing: errors of attachment.
        hub: what the hub sends.
        shard_mib: size of a file, MiB.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    takes: Annotated[dict[str, Takes], Field(min_length=1)]
    seed: Annotated[int, Field(ge=0)] = 0
    faces: Shares = field(default_factory=lambda: {"head": 1.0})
    parts: Shares = field(default_factory=lambda: {"QMI8658": 1.0})
    layouts: Shares = field(default_factory=lambda: {"face_12": 1.0})
    gluing: Gluing = field(default_factory=Gluing)
    hub: Hub = field(default_factory=Hub)
    shard_mib: Annotated[float, Field(gt=0.0, le=1024.0)] = 64.0

    def to_dict(self) -> dict[str, Any]:
        """As plain values, every default filled in."""
        return {key: _plain(value) for key, value in asdict(self).items()}


_RECIPES = SettingsKind("recipe", Recipe, RecipeError, folder="datasets")


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Read a recipe: the path of a file, or the name of one in the package's `config/datasets`.

    Raises:
        RecipeError: there is no such file, or its content is no recipe.
    """
    return _RECIPES.load(name_or_path)


def recipe_from(content: Any) -> Recipe:
    """A recipe from plain values.

    Raises:
        RecipeError: a key is unknown or missing, or a value is impossible; the message names the first.
    """
    return _RECIPES.checked(content)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value

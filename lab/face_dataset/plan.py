"""From a recipe to the list of its takes: every choice drawn, every input file hashed, before anything is simulated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from face_dataset.input_hashes import code_hash, face_hashes, file_hash, layout_hashes, part_hashes
from face_dataset.recipe import Recipe, Recorded, Takes
from face_dataset.shards.encoding import bytes_per_sample
from face_dataset.shards.manifest import ROUTINE_SOURCE, Split
from face_dataset.shards.writer import grouped
from face_model.layout import SensorLayout, load_layout
from face_model.livelink import LiveLinkReport
from face_model.routine import DURATION_S as ROUTINE_S
from imu_sim.chips.fusion import FusionMode
from imu_sim.errors import RecipeError
from imu_sim.motion import FaceMotion
from imu_sim.recorded_motion import recorded_motion

FIRST_SUBJECT = 1_000_000
"""Wearers of data sets have seeds from here on: smaller ones are left to the simulated hub and to evaluations."""

GENERATED = "generated"
"""Source of takes that are made up."""

Name = TypeVar("Name", bound=str)

_STREAM = 0xDA7A
"""Stream of random numbers for the choices below, apart from those of motion and sensors."""


@dataclass(frozen=True)
class TakePlan:
    """One take before it is simulated: the outcome of every choice.

    Attributes:
        index: position in the data set.
        shard: file it goes to.
        group: of the recipe.
        split: what it is for.
        source: recorded file, `generated` or `routine`.
        person: who moves the face.
        duration_s: length of the motion, rests and stretch included, s.
        family: of faces.
        wearer_seed: of the person drawn from the family, and of how the boards were glued on.
        motion_seed: of a generated performance or a routine, or of the head motion where the recording has none.
        sensor_seed: of the sensors' errors.
        part: sensor part.
        layout: sensor layout.
        fusion: how the hub computes orientation, "6d" or "9d".
        mirrored: whether left and right are exchanged.
        stretch: factor on time.
        skew_ppm: error of the hub's clock.
        jitter_s: root mean square age of the values in a frame, s.
        loss: probability that a frame is lost.
    """

    index: int
    shard: int
    group: str
    split: Split
    source: str
    person: str
    duration_s: float
    family: str
    wearer_seed: int
    motion_seed: int
    sensor_seed: int
    part: str
    layout: str
    fusion: FusionMode
    mirrored: bool
    stretch: float
    skew_ppm: float
    jitter_s: float
    loss: float


@dataclass(frozen=True)
class Plan:
    """All of a data set's takes, and what they depend on.

    Attributes:
        recipe: as read.
        takes: in order of their index.
        inputs: SHA-256 of every file that is read, by name, and of this package's own code as `code`.
        left_out: recorded files that are absent and not required.
    """

    recipe: Recipe
    takes: tuple[TakePlan, ...]
    inputs: Mapping[str, str]
    left_out: tuple[str, ...]

    @property
    def shards(self) -> int:
        """Number of files."""
        return self.takes[-1].shard + 1

    @property
    def duration_s(self) -> float:
        """Length of all takes together, s."""
        return sum(take.duration_s for take in self.takes)

    def size(self, take: TakePlan) -> int:
        """Bytes that a take needs, nearly."""
        return _size(self.recipe, take)

    def identity(self) -> dict[str, Any]:
        """What decides the bytes: two plans of equal identity give the same data set."""
        takes = json.dumps([asdict(take) for take in self.takes], sort_keys=True)
        return {
            "recipe": self.recipe.to_dict(),
            "inputs": dict(self.inputs),
            "takes_sha256": hashlib.sha256(takes.encode()).hexdigest(),
        }


def plan_takes(recipe: Recipe, recorded_dir: Path | None = None) -> Plan:
    """Draw every choice of a recipe.

    Args:
        recipe: what to make.
        recorded_dir: folder of the recorded files.

    Raises:
        RecipeError: a required file is absent, a person is in two splits, or nothing is left to make.
        LiveLinkError: a recorded file cannot be used.
        ImuSimError: there is no such sensor part.
        FaceModelError: there is no such layout or face.
    """
    left_out: list[str] = []
    inputs: dict[str, str] = {}
    takes: list[TakePlan] = []
    for group, content in recipe.takes.items():
        present = _present(content.recorded, recorded_dir, left_out)
        inputs |= {path.name: file_hash(path) for path in present}
        for _ in range(content.wearers):
            for path in present if content.recorded else [None]:
                takes.append(_drawn(recipe, group, content, len(takes), path))
                if content.routine:
                    takes.append(_routine(takes[-1], _drawn(recipe, group, content, len(takes), path)))
    _check(takes, left_out)
    inputs |= layout_hashes(take.layout for take in takes)
    numbers = grouped([_size(recipe, take) for take in takes], round(recipe.shard_mib * 2**20))
    takes = [replace(take, shard=number) for take, number in zip(takes, numbers, strict=True)]
    inputs |= part_hashes(take.part for take in takes) | face_hashes(take.family for take in takes)
    inputs["code"] = code_hash()
    return Plan(recipe, tuple(takes), inputs, tuple(dict.fromkeys(left_out)))


@lru_cache(maxsize=8)
def recorded_take(path: Path, fps: float | None = None) -> tuple[FaceMotion, LiveLinkReport]:
    """A recorded file, read once in each process.

    Raises:
        LiveLinkError: it cannot be used.
    """
    return recorded_motion(path, fps=fps)


def _drawn(recipe: Recipe, group: str, content: Takes, index: int, path: Path | None) -> TakePlan:
    # Every draw is made for every take, so that none depends on what another group needs.
    rng = np.random.default_rng([recipe.seed, index, _STREAM])
    wearer_seed, motion_seed, sensor_seed = (int(n) for n in rng.integers(FIRST_SUBJECT, 2**31, 3))
    family, part, layout = (_choice(rng, s) for s in (content.faces or recipe.faces, recipe.parts, recipe.layouts))
    mirrored = bool(rng.random() < content.variation.mirror_share)
    stretch = float(rng.uniform(1.0 / content.variation.stretch, content.variation.stretch))
    length, skew = float(rng.random()), float(rng.standard_normal())
    loss, jitter = (float(n) for n in rng.random(2))
    if path is not None and content.recorded is not None:
        motion, _ = recorded_take(path, content.recorded.fps)
        source, person = path.name, content.recorded.people.get(path.name, motion.person)
        duration_s = (motion.duration_s + 2.0 * content.recorded.rest_s) * stretch
    else:
        shortest, longest = content.generated.seconds if content.generated else (0.0, 0.0)
        source, person = GENERATED, f"generated_{motion_seed}"
        duration_s = (shortest + length * (longest - shortest)) * stretch
    return TakePlan(
        index=index,
        shard=0,
        group=group,
        split=content.split,
        source=source,
        person=person,
        duration_s=duration_s,
        family=family,
        wearer_seed=wearer_seed,
        motion_seed=motion_seed,
        sensor_seed=sensor_seed,
        part=part,
        layout=layout,
        fusion=_choice(rng, recipe.hub.fusion),
        mirrored=mirrored,
        stretch=stretch,
        skew_ppm=skew * recipe.hub.skew_ppm,
        jitter_s=jitter * recipe.hub.jitter_s,
        loss=loss * recipe.hub.loss,
    )


def _routine(take: TakePlan, drawn: TakePlan) -> TakePlan:
    """The routine of the wearer of `take`: the same person, boards and hub; errors of the sensors as `drawn` anew."""
    return replace(
        take,
        index=drawn.index,
        source=ROUTINE_SOURCE,
        duration_s=ROUTINE_S,
        sensor_seed=drawn.sensor_seed,
        # What was asked of the left must happen on the left, when it was asked.
        mirrored=False,
        stretch=1.0,
        jitter_s=drawn.jitter_s,
        loss=drawn.loss,
    )


def _choice(rng: np.random.Generator, shares: Mapping[Name, float]) -> Name:
    values = np.array(list(shares.values()))
    return list(shares)[int(rng.choice(len(values), p=values / values.sum()))]


def _present(recorded: Recorded | None, folder: Path | None, left_out: list[str]) -> list[Path]:
    if recorded is None:
        return []
    found = {name: folder is not None and (folder / name).is_file() for name in recorded.files}
    absent = [name for name, is_there in found.items() if not is_there]
    if absent and recorded.required:
        raise RecipeError(
            f"expected {', '.join(absent)} in {folder or 'a folder of recorded motion'}, found no such file; "
            "give the folder that holds it with --recorded"
        )
    left_out += absent
    return [folder / name for name, is_there in found.items() if is_there and folder is not None]


def _check(takes: list[TakePlan], left_out: list[str]) -> None:
    if not takes:
        raise RecipeError(
            f"expected something to make, found only recorded motion that is absent: {', '.join(left_out)}; "
            "give the folder that holds it with --recorded"
        )
    seen: dict[str, Split] = {}
    for take in takes:
        if seen.setdefault(take.person, take.split) != take.split:
            raise RecipeError(
                f"expected each person in one split, found {take.person} in {seen[take.person]} and {take.split}; "
                "a model that saw a person's other take has seen the person. Who it is follows from the file's name, "
                "unless the recipe's `people` says it: {file.csv: name}"
            )


def _size(recipe: Recipe, take: TakePlan) -> int:
    sensors = len(_layout(take.layout).sensors)
    return bytes_per_sample(sensors) * (int(take.duration_s * recipe.hub.rate_hz) + 1)


@lru_cache(maxsize=8)
def _layout(name: str) -> SensorLayout:
    return load_layout(name)

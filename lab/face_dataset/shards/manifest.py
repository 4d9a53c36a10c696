"""What a folder of shards holds: one JSON file that says everything about every take."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from face_dataset.shards.encoding import CountScale
from imu_sim.errors import DatasetError

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"

STRICT = ConfigDict(extra="forbid")
"""An unknown key means another version of the format, or damage."""

Split = Literal["train", "validation", "test"]
"""What a take is for; a person is in one split only."""

ROUTINE_SOURCE = "routine"
"""Source of takes in which somebody does the guided routine of `face_model.routine`."""


@dataclass(frozen=True)
class TakeInfo:
    """One take of a data set.

    Attributes:
        index: position in the data set, counted from 0; unique.
        shard: number of the file that holds it.
        samples: length.
        rate_hz: samples per second.
        person: who moved the face; data is split by person.
        name: of the take.
        split: what it is for.
        sensors: names, in the order of the arrays.
        scale: of the counts in the file.
        source: file name of the recorded motion, or what made it up: `generated`, or `routine`.
        family: family of faces it was simulated on; None for a real take, and so for all that follows.
        wearer_seed: of the person drawn from the family; None is the typical face.
        layout: name of the sensor layout.
        part: name of the sensor part.
        details: further choices that were drawn for it, for people to read.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    index: int
    shard: int
    samples: int
    rate_hz: float
    person: str
    name: str
    split: Split
    sensors: tuple[str, ...]
    scale: CountScale
    source: str = ""
    family: str | None = None
    wearer_seed: int | None = None
    layout: str | None = None
    part: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples / self.rate_hz

    @property
    def is_routine(self) -> bool:
        """Whether the wearer does the guided routine, at the times of `face_model.routine.schedule`."""
        return self.source == ROUTINE_SOURCE

    def key(self, signal: str) -> str:
        """Name of one of its arrays in the shard."""
        return f"{self.index:06d}/{signal}"


@dataclass(frozen=True)
class ShardInfo:
    """One file: its name in the folder, size and SHA-256."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Everything about a folder of shards.

    Attributes:
        name: of the data set.
        sha256: of the content: of the shards' hashes in order, so that equal data has an equal hash wherever it lies.
        shards: the files.
        takes: in order of `index`.
        recipe: from which the set was made, as resolved; empty for stored recordings.
        inputs: SHA-256 of each file that the recipe reads, by name.
        versions: of the software that made it; not part of the content hash.
        licences: of the sources, by source.
        format_version: of these files.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: str
    sha256: str
    shards: tuple[ShardInfo, ...]
    takes: tuple[TakeInfo, ...]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    licences: Mapping[str, str] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def to_json(self) -> str:
        """Text of the manifest's file."""
        return json.dumps(asdict(self), indent=1) + "\n"


_MANIFEST = TypeAdapter(Manifest)
_TAKES = TypeAdapter(tuple[TakeInfo, ...])


def content_hash(shards: Sequence[ShardInfo]) -> str:
    """Hash of a whole set."""
    return hashlib.sha256("".join(f"{shard.sha256}\n" for shard in shards).encode()).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder.

    Raises:
        DatasetError: the folder holds none.
        DatasetError: it is no manifest of this version, or contradicts itself.
        DatasetError: a person is in two splits.
    """
    path = folder / MANIFEST_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DatasetError(
            f"expected a data set with a {MANIFEST_FILE} in {folder}, found none; "
            "give a folder made by `imusic dataset build`, or finish the build with the same command"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"expected a manifest in {path}, found: {error}") from error
    try:
        found = json.loads(text)
        if isinstance(found, dict) and found.get("format_version") != FORMAT_VERSION:
            raise DatasetError(
                f"{path}: expected format_version {FORMAT_VERSION}, found {found.get('format_version')!r}; "
                "build the data set anew with this version"
            )
        manifest = _MANIFEST.validate_python(found)
    except (json.JSONDecodeError, ValidationError) as error:
        raise DatasetError(f"expected a manifest in {path}, found: {_first_line(error)}") from error
    beyond = [take.index for take in manifest.takes if not 0 <= take.shard < len(manifest.shards)]
    if beyond or manifest.sha256 != content_hash(manifest.shards):
        raise DatasetError(
            f"{path}: expected takes in {len(manifest.shards)} shards and the hash of these, "
            f"found {f'take {beyond[0]} elsewhere' if beyond else 'another hash'}; build the data set anew"
        )
    check_people(manifest.takes)
    return manifest


def check_people(takes: Iterable[TakeInfo]) -> None:
    """Refuse a person in two splits.

    Raises:
        DatasetError: names the person and the splits.
    """
    seen: dict[str, Split] = {}
    for take in takes:
        if seen.setdefault(take.person, take.split) != take.split:
            raise DatasetError(
                f"expected each person in one split, found {take.person} in {seen[take.person]} and {take.split}; "
                "a model that saw a person's other take has seen the person"
            )


def takes_to_text(takes: Sequence[TakeInfo]) -> str:
    """As stored in the header of a shard."""
    return json.dumps([asdict(take) for take in takes], separators=(",", ":"))


def takes_from_text(text: str) -> tuple[TakeInfo, ...]:
    """What `takes_to_text` wrote.

    Raises:
        DatasetError: it did not.
    """
    try:
        return _TAKES.validate_json(text)
    except ValidationError as error:
        raise DatasetError(f"expected a list of takes, found: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error)

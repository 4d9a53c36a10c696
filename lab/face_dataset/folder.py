"""The folder in which a data set comes into being: what it is to become, what is there, and the manifest at the end."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from face_dataset.plan import Plan
from face_dataset.shards.manifest import MANIFEST_FILE, Manifest, ShardInfo, TakeInfo, check_people, content_hash
from face_dataset.shards.reader import takes_of_shard
from face_dataset.shards.writer import hashed, shard_file, write_manifest, write_whole
from face_model.share import share_dir
from imu_sim.errors import DatasetError

BUILD_FILE = "build.json"
"""What the folder is to hold: recipe, hashes of what it reads, number of takes and shards."""

PARTS_FOLDER = ".parts"
"""Finished takes of unfinished shards."""

_LIBRARIES = ("numpy", "scipy", "vqf", "safetensors")

Progress = Callable[[int, int], None]
"""Called with shards done and shards in all."""


def prepare(folder: Path, plan: Plan) -> None:
    """Make the folder, or see that it is one of the same build.

    Raises:
        DatasetError: it holds something else, or cannot be written.
    """
    wanted = _build_of(plan)
    path = folder / BUILD_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = any(folder.iterdir())
        found = _read_build(folder) if path.is_file() else None
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"expected a folder for the data set at {folder}, found: {error}") from error
    if found is None and others:
        raise DatasetError(
            f"expected {folder} to be empty or to hold this data set, found other files; give another folder"
        )
    if found is None:
        write_whole(path, (json.dumps(wanted, indent=1) + "\n").encode())
    elif found != wanted:
        raise DatasetError(
            f"expected {folder} to hold this data set, found one with another {_difference(found, wanted)}; "
            "give another folder or remove this one"
        )


def shard_is_made(folder: Path, plan: Plan, shard: int) -> bool:
    """Whether a whole shard with the planned takes is there; damaged ones are made anew."""
    return _holds(folder / shard_file(shard), [take.index for take in plan.takes if take.shard == shard])


def part_path(folder: Path, index: int) -> Path:
    """File of a finished take whose shard is not finished."""
    return folder / PARTS_FOLDER / f"take_{index:06d}.safetensors"


def part_is_made(folder: Path, index: int) -> bool:
    """Whether the file of a finished take is there and whole."""
    return _holds(part_path(folder, index), [index])


def need_room(folder: Path, size: int) -> None:
    """Refuse a build that the disk cannot hold.

    Raises:
        DatasetError: says how much is needed and free.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DatasetError(
            f"expected {size / 2**20:.0f} MiB of free disk for {folder}, found {free / 2**20:.0f} MiB; "
            "make room or give another folder"
        )


def missing_shards(folder: Path) -> list[int]:
    """Numbers of shards that are still to be made or copied.

    Raises:
        DatasetError: the folder belongs to no build.
    """
    return [n for n in range(int(_read_build(folder)["shards"])) if not (folder / shard_file(n)).is_file()]


def merge(folder: Path, others: Sequence[Path] = (), on_progress: Progress | None = None) -> Manifest:
    """Gather shards that several machines made, and write the manifest.

    Args:
        folder: where they shall lie; made if absent.
        others: folders of the same build whose shards are copied.
        on_progress: told after each shard.

    Raises:
        DatasetError: the folders are of different builds, or shards are missing.
        DatasetError: a shard is not what the build wants there.
    """
    for other in others:
        _copy_shards(other, folder)
    build, missing = _read_build(folder), missing_shards(folder)
    if missing:
        raise DatasetError(
            f"expected all {build['shards']} shards in {folder}, {len(missing)} are missing, the first is "
            f"{shard_file(missing[0])}; build or copy them first"
        )
    shards: list[ShardInfo] = []
    takes: list[TakeInfo] = []
    for number in range(build["shards"]):
        path = folder / shard_file(number)
        takes += takes_of_shard(path)
        shards.append(hashed(path))
        if on_progress:
            on_progress(number + 1, build["shards"])
    if [take.index for take in takes] != list(range(build["takes"])):
        raise DatasetError(
            f"expected {build['takes']} takes in order in {folder}, found {len(takes)} or another order; "
            "shards of another build lie among them: remove the folder and build anew"
        )
    check_people(takes)
    manifest = Manifest(
        name=build["recipe"]["name"],
        sha256=content_hash(shards),
        shards=tuple(shards),
        takes=tuple(takes),
        recipe=build["recipe"],
        inputs=build["inputs"],
        versions=_versions(),
        licences=_licences(build["recipe"], takes),
    )
    write_manifest(folder, manifest)
    shutil.rmtree(folder / PARTS_FOLDER, ignore_errors=True)
    return manifest


def _copy_shards(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    build = _read_build(source)
    if not (folder / BUILD_FILE).is_file():
        shutil.copyfile(source / BUILD_FILE, folder / BUILD_FILE)
    elif build != _read_build(folder):
        raise DatasetError(
            f"expected {source} to be of the same build as {folder}, found another "
            f"{_difference(build, _read_build(folder))}; merge only what one recipe and one version made"
        )
    for path in sorted(source.glob("shard_*.safetensors")):
        if not (folder / path.name).is_file():
            partial = folder / f".{path.name}"
            shutil.copyfile(path, partial)
            partial.replace(folder / path.name)


def _build_of(plan: Plan) -> dict[str, Any]:
    return plan.identity() | {"takes": len(plan.takes), "shards": plan.shards}


def _read_build(folder: Path) -> dict[str, Any]:
    path = folder / BUILD_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DatasetError(
            f"expected a {BUILD_FILE} in {folder}, found none; give a folder that `imusic dataset build` made"
        ) from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"expected a build's record in {path}, found: {error}; build anew") from error
    if not isinstance(content, dict) or not {"recipe", "inputs", "takes", "shards"} <= set(content):
        raise DatasetError(f"expected a build's record in {path}, found something else; build anew")
    return content


def _difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """In words, what of a build differs first."""
    if found.get("recipe") != wanted["recipe"]:
        keys = [k for k, v in wanted["recipe"].items() if found["recipe"].get(k) != v]
        return f"recipe ({', '.join(keys)})"
    files = [k for k in {**found["inputs"], **wanted["inputs"]} if found["inputs"].get(k) != wanted["inputs"].get(k)]
    if files == ["code"]:
        return "version of the simulator"
    return f"input ({', '.join(sorted(files))})" if files else "list of takes"


def _holds(path: Path, takes: list[int]) -> bool:
    if not path.is_file():
        return False
    try:
        return [take.index for take in takes_of_shard(path)] == takes
    except DatasetError:
        return False


def _licences(recipe: dict[str, Any], takes: Sequence[TakeInfo]) -> dict[str, str]:
    # The licence of a group is of its recorded motion, which its wearers' routines do not contain.
    moved = [take for take in takes if not take.is_routine]
    licences = {take.source: recipe["takes"][take.details["group"]]["licence"] for take in moved}
    return {source: licence for source, licence in licences.items() if licence}


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    package = ElementTree.parse(share_dir() / "package.xml").findtext("version")
    return {"imusic": package or "unknown"} | found


def is_complete(folder: Path) -> bool:
    """Whether the folder has its manifest."""
    return (folder / MANIFEST_FILE).is_file()

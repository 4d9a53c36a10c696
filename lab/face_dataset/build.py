"""Building a data set, in parallel, on one machine or several; what a killed build finished is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors.numpy import load_file

from face_dataset import folder as place
from face_dataset.plan import Plan, TakePlan, plan_takes
from face_dataset.recipe import Recipe
from face_dataset.shards.encoding import SIGNALS
from face_dataset.shards.manifest import Manifest, TakeInfo, read_manifest
from face_dataset.shards.reader import takes_of_shard
from face_dataset.shards.writer import shard_file, write_shard
from face_dataset.take import make_take
from face_dataset.workers import done_by
from imu_sim.errors import DatasetError


@dataclass(frozen=True)
class Done:
    """How far a build is: takes and simulated seconds, of those that this machine makes now."""

    takes: int
    of_takes: int
    seconds: float
    of_seconds: float


Progress = Callable[[Done], None]


@dataclass(frozen=True)
class BuiltDataset:
    """What a build left.

    Attributes:
        plan: what was to be made.
        made: numbers of the shards made now.
        missing: numbers of shards that are not in the folder: another machine's.
        manifest: of the data set, once all shards are there.
    """

    plan: Plan
    made: tuple[int, ...]
    missing: tuple[int, ...]
    manifest: Manifest | None


def build_dataset(
    recipe: Recipe,
    folder: Path,
    recorded_dir: Path | None = None,
    *,
    workers: int = 1,
    index: int = 0,
    count: int = 1,
    on_progress: Progress | None = None,
) -> BuiltDataset:
    """Make a data set, or go on making it, or make one machine's share of it.

    The content is the same for any `workers`, `index` and `count`, and however often the build was interrupted.

    Args:
        recipe: what to make.
        folder: made if absent.
        recorded_dir: folder of the recorded motion that the recipe names.
        workers: processes, of one thread each; 0 computes in this one, for tests and debuggers.
        index: number of this machine, from 0.
        count: number of machines; each makes every `count`-th shard.
        on_progress: told after each take.

    Raises:
        RecipeError: the recipe asks for what is not there.
        DatasetError: the folder holds something else, or the disk is too small.
        ImuSimError: motion or part cannot be used, or a worker was ended.
        FaceModelError: a face, layout or signal cannot be used, or a file cannot be written.
    """
    if not 0 <= index < count:
        raise DatasetError(f"expected an index from 0 to {count - 1} for {count} machines, found {index}")
    plan = plan_takes(recipe, recorded_dir)
    place.prepare(folder, plan)
    todo = tuple(n for n in range(plan.shards) if n % count == index and not place.shard_is_made(folder, plan, n))
    if todo:
        _make_shards(plan, folder, recorded_dir, todo, workers, on_progress)
    missing = tuple(place.missing_shards(folder))
    if missing:
        return BuiltDataset(plan, todo, missing, None)
    if todo or not place.is_complete(folder):
        return BuiltDataset(plan, todo, (), place.merge(folder))
    return BuiltDataset(plan, (), (), read_manifest(folder))


@dataclass(frozen=True)
class _Job:
    recipe: Recipe
    take: TakePlan
    recorded_dir: Path | None
    path: Path


def _make_shards(
    plan: Plan, folder: Path, recorded_dir: Path | None, todo: Sequence[int], workers: int, report: Progress | None
) -> None:
    takes = [take for take in plan.takes if take.shard in set(todo)]
    open_takes = [take for take in takes if not place.part_is_made(folder, take.index)]
    # Finished takes lie beside their shard until it is written.
    place.need_room(folder, round(1.05 * sum(plan.size(take) for take in takes)) + (64 << 20))
    (folder / place.PARTS_FOLDER).mkdir(exist_ok=True)
    left = Counter(dict.fromkeys(todo, 0)) + Counter(take.shard for take in open_takes)
    for shard in todo:
        if not left[shard]:
            _write_shard(plan, folder, shard)
    jobs = [_Job(plan.recipe, take, recorded_dir, place.part_path(folder, take.index)) for take in open_takes]
    seconds, of_seconds = 0.0, sum(take.duration_s for take in open_takes)
    for done, take in enumerate(done_by(_make, jobs, workers), start=1):
        seconds += take.duration_s
        left[take.shard] -= 1
        if not left[take.shard]:
            _write_shard(plan, folder, take.shard)
        if report:
            report(Done(done, len(jobs), seconds, of_seconds))


def _write_shard(plan: Plan, folder: Path, shard: int) -> None:
    """Put the finished takes of a shard into its file."""
    paths = [place.part_path(folder, take.index) for take in plan.takes if take.shard == shard]
    takes: list[tuple[TakeInfo, dict[str, NDArray[Any]]]] = []
    for path in paths:
        (info,) = takes_of_shard(path)
        arrays = load_file(path)
        takes.append((info, {name: arrays[info.key(name)] for name in SIGNALS}))
    write_shard(folder / shard_file(shard), takes)
    for path in paths:
        path.unlink()


def _make(job: _Job) -> TakePlan:
    info, arrays = make_take(job.recipe, job.take, job.recorded_dir)
    write_shard(job.path, [(info, arrays)])
    return job.take

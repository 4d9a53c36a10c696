"""`imusic dataset`: build, merge, look at and check data sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from face_model.outputs import check_output_file, check_output_folder
from imusic_cli.errors import CommandError

if TYPE_CHECKING:
    from face_dataset import BuiltDataset
    from face_dataset.shards import Manifest, ShardedDataset

app = typer.Typer(no_args_is_help=True, help="Make data sets of simulated takes, look at them, check them.")
out = Console(markup=False)
err = Console(stderr=True, markup=False)

Folder = Annotated[Path, typer.Argument(help="Folder of the data set.")]

STOPPED = 130
"""Exit status after Ctrl-C, as shells have it."""


@app.command()
def build(
    recipe: Annotated[str, typer.Argument(help="Recipe: the path of a .yaml file, or a name in config/datasets.")],
    folder: Annotated[Path, typer.Option("--out", help="Folder of the data set; a stopped build goes on there.")],
    recorded: Annotated[
        Path | None, typer.Option(help="Folder of the Live Link Face CSV files that the recipe names.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    index: Annotated[
        int, typer.Option(min=0, help="Number of this machine, from 0, where several share the work.")
    ] = 0,
    count: Annotated[int, typer.Option(min=1, help="Number of machines.")] = 1,
) -> None:
    """Simulate the takes of a recipe into a folder of shards.

    Several machines: each with its own --index, the same --count, then `imusic dataset merge` on the gathered folders.
    """
    with _libraries():
        from face_dataset import Done, build_dataset, load_recipe

    if index >= count:
        raise typer.BadParameter(f"expected a number below --count {count}, found {index}", param_hint="--index")
    if recorded is not None and not recorded.is_dir():
        raise typer.BadParameter(f"expected a folder, found none at {recorded}", param_hint="--recorded")
    read = load_recipe(recipe)
    check_output_folder(folder)
    with _progress() as bar:
        task = bar.add_task("planning", total=None, seconds=True)

        def report(done: Done) -> None:
            bar.update(
                task, total=done.of_seconds, completed=done.seconds, description=f"takes {done.takes}/{done.of_takes}"
            )

        try:
            built = build_dataset(read, folder, recorded, workers=workers, index=index, count=count, on_progress=report)
        except KeyboardInterrupt:
            err.print("stopped; the same command goes on where this one was", highlight=False)
            raise typer.Exit(STOPPED) from None
    _tell(built, folder)


@app.command()
def merge(
    folder: Folder,
    others: Annotated[
        list[Path] | None, typer.Argument(help="Folders of other machines, whose shards are copied.")
    ] = None,
) -> None:
    """Make one data set of what several machines built."""
    with _libraries():
        from face_dataset import merge as gather

    with _progress() as bar:
        task = bar.add_task("merging", total=None)
        manifest = gather(folder, others or (), lambda done, total: bar.update(task, completed=done, total=total))
    _complete(manifest, folder)


@app.command()
def verify(folder: Folder) -> None:
    """Hash every shard again and compare it with the manifest."""
    with _libraries():
        from face_dataset.shards import ShardedDataset

    dataset = ShardedDataset.open(folder)
    with _progress() as bar:
        for path in bar.track(dataset.verify(), total=len(dataset.manifest.shards), description="hashing"):
            bar.console.print(f"{path.name}: as it should be", highlight=False)
    out.print(f"{folder}: every shard is as it was built, {dataset.sha256}", highlight=False, soft_wrap=True)


@app.command()
def inspect(
    folder: Folder,
    take: Annotated[int | None, typer.Option(min=0, help="Index of a take to draw.")] = None,
    picture: Annotated[Path | None, typer.Option("--out", help="PNG of the take; by default take_INDEX.png.")] = None,
) -> None:
    """What a data set holds; with --take or --out, a picture of one take."""
    with _libraries():
        from face_dataset.shards import ShardedDataset
        from face_dataset.take_picture import draw_take

    if picture is not None:
        check_output_file(picture)
    dataset = ShardedDataset.open(folder)
    if take is not None and take >= len(dataset):
        raise typer.BadParameter(f"expected a number below {len(dataset)}, found {take}", param_hint="--take")
    out.print(summary(dataset))
    if take is None and picture is None:
        return
    chosen = dataset[take or 0]
    path = picture or Path(f"take_{chosen.info.index}.png")
    draw_take(chosen, path)
    err.print(f"written: {path}", highlight=False, soft_wrap=True)


def summary(dataset: ShardedDataset) -> Table:
    """Counts of a data set, for each split and together."""
    manifest, takes = dataset.manifest, dataset.manifest.takes
    size = sum(shard.bytes for shard in manifest.shards)
    table = Table(
        "", "takes", "people", "minutes", "faces", "parts", "layouts", "Hz", title=f"data set {manifest.name}"
    )
    for split in (*dict.fromkeys(take.split for take in takes), None):
        some = [take for take in takes if split in (None, take.split)]
        table.add_row(
            split or "all",
            str(len(some)),
            str(len({take.person for take in some})),
            f"{sum(take.duration_s for take in some) / 60.0:.1f}",
            *(_counted(Counter(getattr(t, name) for t in some)) for name in ("family", "part", "layout")),
            _counted(Counter(f"{take.rate_hz:g}" for take in some)),
        )
    sources = Counter(_licensed(take.source or "recorded", manifest.licences.get(take.source)) for take in takes)
    shards = _many(len(manifest.shards), "shard")
    table.caption = f"{shards}, {size / 2**20:.1f} MiB, {manifest.sha256}\nsources: {_counted(sources)}"
    return table


@contextmanager
def _libraries() -> Iterator[None]:
    """What running does not need, data sets do."""
    try:
        yield
    except ImportError as error:
        raise CommandError(
            f"data sets need safetensors and pydantic 2: {error}; install them: pip install safetensors 'pydantic>=2'"
        ) from error


class _SpeedColumn(ProgressColumn):
    """Simulated seconds per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f} s/s" if task.speed and task.fields.get("seconds") else "")


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _SpeedColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=err, transient=True, speed_estimate_period=120.0)


def _licensed(source: str, licence: str | None) -> str:
    return f"{source} ({licence})" if licence else source


def _counted(counts: Counter[str] | Counter[str | None]) -> str:
    """In words; recorded takes have no family or part."""
    if len(counts) == 1:
        return str(next(iter(counts)) or "-")
    return ", ".join(f"{name or 'unknown'} {number}" for name, number in counts.most_common())


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _tell(built: BuiltDataset, folder: Path) -> None:
    for name in built.plan.left_out:
        err.print(f"left out, not found: {name}", highlight=False, soft_wrap=True)
    if built.manifest is not None:
        _complete(built.manifest, folder)
        return
    err.print(
        f"{_many(len(built.made), 'shard')} made in {folder}; {len(built.missing)} are left to the other machines; "
        f"then: imusic dataset merge {folder} OTHER_FOLDERS",
        highlight=False,
        soft_wrap=True,
    )


def _complete(manifest: Manifest, folder: Path) -> None:
    minutes = sum(take.duration_s for take in manifest.takes) / 60.0
    out.print(
        f"{folder}: {_many(len(manifest.takes), 'take')}, {minutes:.1f} minutes, "
        f"{_many(len(manifest.shards), 'shard')}, {manifest.sha256}",
        highlight=False,
        soft_wrap=True,
    )

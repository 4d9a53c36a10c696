"""`imusic export`: build a model's engine ahead, so that nothing is left to be built when capture starts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from face_inference.engines.tensorrt.build import GRAPHS, OnProgress, build_engine
from face_inference.engines.tensorrt.cache import cache_folder, write_engine_file
from face_inference.engines.tensorrt.cuda import find_gpu
from face_inference.engines.tensorrt.library import find_library
from face_inference.engines.tensorrt.opening import ALL, Order
from face_inference.errors import EngineError
from face_inference.model_folder import load_model
from imusic_cli.errors import CommandError

CACHE = "cache"


@dataclass(frozen=True)
class Exported:
    """One engine file.

    Attributes:
        file: where it lies.
        size_bytes: of the engine.
        seconds: that the build took.
        layers: of the network, before they were fused.
        engine: library and its version.
        precision: float16 or float32.
        faces: how many it runs at once.
        target: compute capability or GPU that it is for.
        key: digest of all that makes it the right one.
    """

    file: str
    size_bytes: int
    seconds: float
    layers: int
    engine: str
    precision: str
    faces: int
    target: str
    key: str


def export(
    engine: Annotated[str, typer.Option(help="What is built; tensorrt.")] = "tensorrt",
    precision: Annotated[str, typer.Option(help=f"{' or '.join(GRAPHS)}.")] = "float16",
    faces: Annotated[int, typer.Option(min=1, help="How many faces it runs at once.")] = 1,
    model: Annotated[str, typer.Option("--model", help="Model: a name or the path of a model folder.")] = "imusic",
    out: Annotated[
        str,
        typer.Option(help="cache: where capture looks for it; a folder: for the cache of another machine; or a file."),
    ] = CACHE,
    compute_capability: Annotated[
        list[str] | None,
        typer.Option(
            help="GPU to build for, such as 8.9; repeatable; TensorRT for RTX only. By default the GPU here, "
            "or all from 8.0 on."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")
    ] = False,
) -> None:
    """Build a model's TensorRT engine ahead; TensorRT for RTX does so without a GPU."""
    if engine != "tensorrt":
        raise CommandError(f"--engine: expected tensorrt, found {engine}; all others need no build")
    order = Order(load_model(model), find_library(), faces, precision)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("preparing", total=1.0)
        exported = export_engine(
            order,
            out,
            compute_capability or (),
            lambda share, line: bar.update(task, completed=share, description=line),
        )
    if as_json:
        print(json.dumps({"engines": [asdict(one) for one in exported]}, indent=2))  # noqa: T201
        return
    for one in exported:
        table = Table(
            "figure", Column("value", overflow="fold"), title=f"{order.model.description.title} for {one.engine}"
        )
        for name, value in asdict(one).items():
            table.add_row(name, f"{value:.2f}" if isinstance(value, float) else str(value))
        Console().print(table)


def export_engine(
    order: Order, out: str, compute_capabilities: list[str] | tuple[str, ...], on_progress: OnProgress
) -> list[Exported]:
    """Build and write one engine for each GPU asked for; into a file, one that runs on all of them.

    Raises:
        EngineError: the library does not build it, or it cannot be written.
    """
    folder = cache_folder() if out == CACHE else Path(out).expanduser()
    into_folder = out == CACHE or folder.is_dir()
    asked = tuple(dict.fromkeys(compute_capabilities)) or _of_this_machine(order)
    targets = [(capability,) for capability in asked] if into_folder and asked else [asked]
    return [_export_one(order, folder, into_folder, target, on_progress) for target in targets]


def _export_one(
    order: Order, place: Path, into_folder: bool, capabilities: tuple[str, ...], on_progress: OnProgress
) -> Exported:
    library = order.library
    target = ", ".join(capabilities) or (ALL if library.for_rtx else order.target(find_gpu()))
    key = order.key(target)
    file = place / key.file_name if into_folder else place
    built = build_engine(library, order.model.file(GRAPHS[order.precision]), order.faces, capabilities, on_progress)
    write_engine_file(file, key, built.payload)
    return Exported(
        file=str(file),
        size_bytes=len(built.payload),
        seconds=built.seconds,
        layers=built.layers,
        engine=f"{library.title} {library.version}",
        precision=order.precision,
        faces=order.faces,
        target=target,
        key=key.digest,
    )


def _of_this_machine(order: Order) -> tuple[str, ...]:
    """The compute capability of the GPU here; none: all, or for plain TensorRT, which knows no other, its own."""
    if not order.library.for_rtx:
        return ()
    try:
        target = order.target(find_gpu())
    except EngineError:  # no GPU here: it is built for another machine
        return ()
    return () if target == ALL else (target,)

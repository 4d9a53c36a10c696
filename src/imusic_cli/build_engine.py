"""`imusic build-engine`: options are read here; the work is done in modules imported when they are asked for."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from imusic_cli.errors import UsageError


def build_engine(
    engine: Annotated[str, typer.Option(help="What is built; tensorrt.")] = "tensorrt",
    precision: Annotated[str, typer.Option(help="float16 or float32.")] = "float16",
    faces: Annotated[int, typer.Option(min=1, help="How many faces it runs at once.")] = 1,
    model: Annotated[str, typer.Option("--model", help="Model: a name or the path of a model folder.")] = "imusic",
    out: Annotated[
        str,
        typer.Option(help="cache: where capture looks for it; a folder: for the cache of another machine; or a file."),
    ] = "cache",
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
    from face_inference.engines.tensorrt.library import find_library
    from face_inference.engines.tensorrt.opening import Order
    from face_inference.model_folder import load_model
    from imusic_cli.engine_files import export_engine

    if engine != "tensorrt":
        raise UsageError(f"--engine: expected tensorrt, found {engine}; all others need no build")
    order = Order(load_model(model), find_library(), faces, precision)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True, markup=False), transient=True) as bar:
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
        Console(markup=False).print(table)

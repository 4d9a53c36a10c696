"""`imusic train`: options are read here; the work is done in `shipped`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from face_evaluation.tables import evaluation_table
from face_model.outputs import check_output_folder
from face_training.shipped import train_shipped_model

out = Console(markup=False)
err = Console(stderr=True, markup=False)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]


def train(
    config: Annotated[
        str, typer.Option(help="Training: a name in config/train, or the path of a .yaml file.")
    ] = "imusic",
    recorded: Annotated[
        Path | None, typer.Option(help="Folder of the Live Link Face CSV files that the configuration names.")
    ] = None,
    runs: Annotated[
        Path | None,
        typer.Option(help="Folder for takes, checkpoints and records; a killed run goes on. By default runs/NAME."),
    ] = None,
    models: Annotated[Path | None, typer.Option(help="Folder the model is written to; by default models/.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes for the simulation.")] = 2,
    as_json: Json = False,
) -> None:
    """Simulate takes, train a model on them, write its folder and score it on people it never saw.

    With several processes: torchrun --nproc_per_node N -m imusic_cli train ...
    """
    for folder in (runs, models):
        if folder is not None:
            check_output_folder(folder)
    with _progress() as bar:
        task = bar.add_task("preparing", total=1.0)
        trained = train_shipped_model(
            config,
            recorded,
            runs,
            models,
            workers,
            lambda share, line: bar.update(task, completed=share, description=line),
        )
    if trained is None:  # the first of several processes speaks for all
        return
    if trained.evaluations:
        if as_json:
            print(json.dumps({state: found.to_dict() for state, found in trained.evaluations.items()}))  # noqa: T201
        else:
            for state, found in trained.evaluations.items():
                out.print(evaluation_table(found, f"Played against estimated weights, state of the wearer: {state}"))
    err.print(f"written: {trained.model.path}")


def _progress() -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    # Of several processes that train together, the first shows what is done.
    return Progress(*columns, console=err, transient=True, disable=os.environ.get("RANK", "0") != "0")

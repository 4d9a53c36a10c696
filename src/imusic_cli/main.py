"""The verbs of `imusic`: options are read here, the work is done in modules imported when they are asked for."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from imusic_cli.bench.verb import app as bench
from imusic_cli.dataset import app as dataset
from imusic_cli.errors import CommandError
from imusic_cli.evaluation.verb import evaluate
from imusic_cli.export import export
from imusic_cli.face import app as face
from imusic_cli.study import study
from imusic_cli.wearer import app as wearer_app

app = typer.Typer(
    name="imusic", no_args_is_help=True, add_completion=False, help="Facial expression capture with IMUs, no camera."
)
app.add_typer(bench, name="bench")
app.add_typer(face, name="face")
app.add_typer(dataset, name="dataset")
app.command()(evaluate)
app.command()(export)
app.add_typer(wearer_app, name="wearer")
app.command()(study)

out = Console()
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]
Namespace = Annotated[str, typer.Option(help="ROS namespace of all nodes: one per person.")]
ModelName = Annotated[str, typer.Option("--model", help="Model: a name or the path of a model folder.")]

HubPort = Annotated[str, typer.Option(help="Serial port of the hub, e.g. /dev/ttyUSB0.")]
Baud = Annotated[int | None, typer.Option(help="Baud rate of the serial port.")]
HubUdp = Annotated[str, typer.Option(help="HOST:PORT to listen on for a hub that sends over UDP.")]
LayoutName = Annotated[str, typer.Option(help="Sensor layout: a name or the path of a .yaml file.")]
PagePort = Annotated[int | None, typer.Option(help="TCP port of the page.")]
ShownFace = Annotated[str, typer.Option(help="Face that is shown: head, or a rig file.")]
EngineName = Annotated[str, typer.Option("--engine", help="What runs the model: auto, onnxruntime, tensorrt, ...")]


@app.command()
def demo(
    motion: Annotated[
        str, typer.Option(help="What it plays: performance, say:TEXT, routine, or a Live Link CSV.")
    ] = "",
    model: ModelName = "",
    engine: EngineName = "",
    page_port: Annotated[int | None, typer.Option(help="TCP port of the page; by default the first free one.")] = None,
    wearer: Annotated[int | None, typer.Option(help="Who wears it: 0 the face as built, else a random person.")] = None,
    face: Annotated[str, typer.Option(help="Face that is simulated and shown: head, or a rig file.")] = "",
    namespace: Namespace = "",
) -> None:
    """Watch a simulated face: hub, driver, inference and web page, no hardware needed."""
    from imusic_cli.run import run_graph

    values: dict[str, object] = {"motion": motion, "model": model, "engine": engine, "page_port": page_port}
    raise typer.Exit(run_graph("demo", values | {"wearer": wearer, "face": face}, namespace))


@app.command()
def capture(
    port: HubPort = "",
    baud: Baud = None,
    udp: HubUdp = "",
    layout: LayoutName = "",
    model: ModelName = "",
    engine: EngineName = "",
    person: Annotated[str, typer.Option(help="Who wears the sensors: a profile of `imusic wearer`.")] = "",
    page_port: PagePort = None,
    face: ShownFace = "",
    namespace: Namespace = "",
) -> None:
    """Capture a face from a hub."""
    from imusic_cli.run import run_graph

    values: dict[str, object] = {"port": port, "baud": baud, "udp": udp, "layout": layout, "model": model}
    values |= {"engine": engine, "person": person, "page_port": page_port, "face": face}
    raise typer.Exit(run_graph("capture", values, namespace))


@app.command()
def sensors(
    namespace: Annotated[str, typer.Option(help="The person's ROS namespace, as `imusic faces` is told it.")],
    port: HubPort = "",
    baud: Baud = None,
    udp: HubUdp = "",
    layout: LayoutName = "",
    page_port: PagePort = None,
    face: ShownFace = "",
) -> None:
    """One of several people: driver and page, whose face `imusic faces` computes together with the others'."""
    from imusic_cli.run import run_graph

    values: dict[str, object] = {"port": port, "baud": baud, "udp": udp, "layout": layout}
    raise typer.Exit(run_graph("sensors", values | {"page_port": page_port, "face": face}, namespace))


@app.command()
def faces(
    people: Annotated[str, typer.Argument(help="Namespaces of the people, e.g. alice,bob.")],
    model: ModelName = "",
    engine: EngineName = "",
    namespace: Annotated[str, typer.Option(help="ROS namespace that those of the people are in.")] = "",
) -> None:
    """Compute the faces of several people in one process, each in the namespace of their `imusic sensors`."""
    from imusic_cli.run import run_graph

    raise typer.Exit(run_graph("faces", {"people": people, "model": model, "engine": engine}, namespace))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def simulate(context: typer.Context) -> None:
    """Be a hub on a pseudo-terminal or UDP, with faults on demand; `imusic simulate --help` lists its options."""
    from imu_sim.hub.process import main as simulator

    raise typer.Exit(simulator(context.args))


@app.command()
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
    try:
        from imusic_cli.training import train_shipped_model
    except ImportError as error:
        raise CommandError(f"training needs PyTorch: {error}; install it: pip install torch==2.13.0") from error
    from imusic_cli.report import evaluation_table

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


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what is missing on this machine and what to do. Exit status 1 if something required is missing."""
    from imusic_cli.doctor import REQUIRED, examine

    findings = examine()
    ok = all(f.ok for f in findings if f.importance == REQUIRED)
    if as_json:
        print(json.dumps({"ok": ok, "findings": [asdict(f) for f in findings]}, indent=2))  # noqa: T201
    else:
        table = Table("", "what", "found", "what to do", title="imusic doctor")
        for f in findings:
            sign = (
                "[green]ok[/]" if f.ok else ("[red]missing[/]" if f.importance == REQUIRED else "[yellow]optional[/]")
            )
            table.add_row(sign, f.name, f.found, f.advice)
        out.print(table)
        out.print("[green]Ready.[/]" if ok else "[red]Something required is missing.[/]")
    raise typer.Exit(0 if ok else 1)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    # Of several processes that train together, the first shows what is done.
    return Progress(*columns, console=err, transient=True, disable=os.environ.get("RANK", "0") != "0")


def main() -> int:
    """Run the command line.

    Returns:
        0 where it worked; 1 with one clear message where it did not; 2 for wrong usage.
    """
    from face_inference.errors import InferenceError
    from face_model.errors import FaceModelError
    from imu_sim.errors import ImuSimError
    from imusic_ros.graph import GraphError

    try:
        app(prog_name="imusic")
    except (CommandError, InferenceError, FaceModelError, ImuSimError, GraphError) as error:
        err.print(f"[red]imusic:[/] {error}", highlight=False, soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

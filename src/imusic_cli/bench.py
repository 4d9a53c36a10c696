"""`imusic bench`: measurements of this machine."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from imusic_cli.errors import CommandError

app = typer.Typer(no_args_is_help=True, help="Measure this machine.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]


@app.command()
def latency(
    seconds: Annotated[float, typer.Option(min=1.0, help="Length of the measurement, s.")] = 60.0,
    transport: Annotated[str, typer.Option(help="serial (a pseudo-terminal) or udp.")] = "serial",
    viewer: Annotated[bool, typer.Option(help="Run the viewer too, as in the demo.")] = False,
    as_json: Json = False,
) -> None:
    """Sample to weights through the real processes on a simulated hub: rate, age of the sample, losses."""
    from imusic_cli.latency import measure_latency

    if transport not in {"serial", "udp"}:
        raise CommandError(f"--transport: expected serial or udp, found {transport}")
    result = measure_latency(seconds, transport, "demo" if viewer else "headless")
    _show(asdict(result), "sample to published weights", as_json)


@app.command()
def simulate(
    seconds: Annotated[float, typer.Option(min=5.0, help="Length of the simulated performance, s.")] = 60.0,
    repeats: Annotated[int, typer.Option(min=1, help="How often it is measured; the median counts.")] = 5,
    face: Annotated[str, typer.Option(help="Family of faces: head, or a rig file.")] = "head",
    part: Annotated[
        str, typer.Option(help="Sensor part: a name in config/parts or the path of a .yaml file.")
    ] = "QMI8658",
    layout: Annotated[str, typer.Option(help="Sensor layout: a name or the path of a .yaml file.")] = "face_12",
    as_json: Json = False,
) -> None:
    """Facial motion to a recording of all IMUs: how many times faster than life on one core, and each stage's cost."""
    # Small matrix products are slower in several threads, and the figure is per core. Read when numpy is imported.
    os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    from imusic_cli.throughput import measure_throughput

    result = asdict(measure_throughput(seconds, repeats, face, layout, part))
    stages = {} if as_json else {f"{name}, ms/s": ms for name, ms in result.pop("stages_ms").items()}
    _show(result | stages, "motion to recording, one core", as_json)


def _show(figures: dict[str, Any], title: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures, indent=2))  # noqa: T201
        return
    table = Table("figure", "value", title=title)
    for name, value in figures.items():
        table.add_row(name, f"{value:.2f}" if isinstance(value, float) else str(value))
    Console().print(table)

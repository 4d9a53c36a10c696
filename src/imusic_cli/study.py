"""`imusic study`: what is simulated, beside what was recorded, as one page."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

err = Console(stderr=True)


def study(
    recorded: Annotated[Path, typer.Option(help="Folder of Live Link Face CSV files, <person>_<take>.csv.")],
    out: Annotated[Path, typer.Option(help="Folder for the page, study.html.")] = Path("runs/study"),
    performances: Annotated[int, typer.Option(min=1, help="Generated performances.")] = 20,
    seconds: Annotated[float, typer.Option(min=10.0, help="Length of each, s.")] = 60.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")
    ] = False,
) -> None:
    """Compare generated facial motion with recorded takes; writes one self-contained HTML page."""
    from imu_sim.study.motion import motion_section, study_motion
    from imu_sim.study.report import write_report

    with err.status("statistics"):
        motion = study_motion(recorded, performances, seconds)
        page = out / "study.html"
        write_report(page, "imusic: what is simulated", [motion_section(motion)])
    compared = motion.compared()
    if as_json:
        found = {
            pair: {d.name: None if math.isnan(d.value) else round(d.value, 4) for d in distances}
            for pair, distances in compared.items()
        }
        print(json.dumps({"page": str(page), "motion": found}, indent=2))  # noqa: T201
        return
    table = Table(title="Facial motion")
    table.add_column("figure", no_wrap=True)
    for pair in ("kind", *compared):
        table.add_column(pair)
    for row in zip(*compared.values(), strict=True):
        table.add_row(row[0].name, row[0].kind, *("" if math.isnan(d.value) else f"{d.value:.2f}" for d in row))
    Console().print(table)
    err.print(f"written: {page}", highlight=False, soft_wrap=True)

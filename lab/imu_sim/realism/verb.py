"""`imusic realism`: what is simulated, beside what was recorded, as one page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from imu_sim.realism.comparison import Distance

err = Console(stderr=True, markup=False)


def realism(
    recorded: Annotated[
        Path | None,
        typer.Option(help="Folder of Live Link Face CSV files, <person>_<take>.csv, to compare generated motion with."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the page, realism.html.")] = Path("runs/realism"),
    performances: Annotated[int, typer.Option(min=1, help="Generated performances.")] = 20,
    seconds: Annotated[float, typer.Option(min=10.0, help="Length of each, s.")] = 60.0,
    face: Annotated[str, typer.Option(help="Whose people wear the units: `head`, or a rig file.")] = "head",
    subjects: Annotated[int, typer.Option(min=0, help="People on whom every blendshape is tried; 0: none.")] = 16,
    part: Annotated[str, typer.Option(help="Sensor part: a name in config/parts, or a .yaml file.")] = "QMI8658",
    table: Annotated[
        Path | None, typer.Option(help="Write the observability of all 52 blendshapes to this CSV file, too.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")
    ] = False,
) -> None:
    """Show what is simulated: motion beside recorded takes, and what each unit feels of each blendshape."""
    from face_model.observability import write_table
    from face_model.outputs import check_output_file, check_output_folder
    from imu_sim.realism.html_report import Section, write_report
    from imu_sim.realism.motion_study import compare_motion, motion_section
    from imu_sim.realism.sensor_study import measure_sensors, sensor_sections

    check_output_folder(out)
    if table is not None:
        check_output_file(table)
    sections: list[Section] = []
    found: dict[str, Any] = {"page": str(out / "realism.html")}
    compared: Mapping[str, Sequence[Distance]] = {}
    with err.status("statistics") as status:
        if recorded is not None:
            motion = compare_motion(recorded, performances, seconds)
            compared = motion.compared()
            sections.append(motion_section(motion))
            found["motion"] = {
                pair: {d.name: None if math.isnan(d.value) else round(d.value, 4) for d in distances}
                for pair, distances in compared.items()
            }
        if subjects:
            sensors = measure_sensors(
                face, part, subjects, lambda done: status.update(f"blendshapes on people, {done} of {subjects}")
            )
            sections += sensor_sections(sensors)
            found["observability"] = {v.shape: asdict(v) for v in sensors.visible}
            if table is not None:
                write_table(sensors.visible, table, sensors.note)
        write_report(out / "realism.html", "imusic: what is simulated", sections)
    if as_json:
        print(json.dumps(found, indent=2))  # noqa: T201
        return
    if compared:
        Console(markup=False).print(_distances(compared))
    err.print(f"written: {out / 'realism.html'}", highlight=False, soft_wrap=True)


def _distances(compared: Mapping[str, Sequence[Distance]]) -> Table:
    table = Table("figure", *compared, title="Facial motion: ratios, and distances d")
    for row in zip(*compared.values(), strict=True):
        name = f"{row[0].name}, d" if row[0].kind == "distance" else row[0].name
        table.add_row(name, *("" if math.isnan(d.value) else f"{d.value:.2f}" for d in row))
    return table

"""`imusic face`: look at faces and check rig files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from imusic_cli.errors import CommandError

if TYPE_CHECKING:
    from PIL.Image import Image

    from face_model.rigs.report import RigReport

app = typer.Typer(no_args_is_help=True, help="Look at faces, and bring your own.")
out_console = Console()
err = Console(stderr=True)

Face = Annotated[str, typer.Option(help="`head`, or a rig: .glb, .gltf, .npz, or a folder of .obj files.")]
Person = Annotated[int, typer.Option(min=0, help="0: the typical face; other numbers: random people.")]


@app.command()
def sheet(
    face: Face = "head",
    person: Person = 0,
    out: Annotated[Path, typer.Option(help="PNG; its name gets _shapes, _combinations and _people.")] = Path(
        "face.png"
    ),
) -> None:
    """Contact sheets: every shape from three sides, 20 combinations, 12 people."""
    from face_model.faces import load_family
    from face_viz.sheets import combinations_sheet, people_sheet, shapes_sheet

    family = load_family(face)
    rig = family.person(person) if person else family.typical()
    with err.status("drawing") as status:
        _save(shapes_sheet(rig, status.update), out, "shapes")
        _save(combinations_sheet(rig, progress=status.update), out, "combinations")
        _save(people_sheet(family, progress=status.update), out, "people")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A .glb, .gltf or .npz file, or a folder of .obj files.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say which of the 52 shapes a rig has, how it was understood, and what about it cannot be right."""
    from face_model.rigs.load import load_face
    from face_model.rigs.report import inspect_face

    report = inspect_face(load_face(file.expanduser()))
    if as_json:
        print(json.dumps(asdict(report) | {"usable": report.usable}, indent=2))  # noqa: T201
    else:
        _print_report(report, file)
    raise typer.Exit(0 if report.usable else 1)


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="The .glb file to write.")],
    face: Face = "head",
    person: Person = 0,
) -> None:
    """Write a face as GLB with ARKit morph targets, for Blender, Unreal, Unity and others."""
    from face_model.faces import load_family
    from face_model.rigs.export import write_glb

    if out.suffix.lower() != ".glb":
        raise CommandError(f"expected the name of a .glb file, found {out}")
    family = load_family(face)
    rig = family.person(person) if person else family.typical()
    write_glb(rig, out)
    err.print(f"written: {out}", highlight=False, soft_wrap=True)
    if rig.correctives:
        err.print(f"glTF has no correctives: {len(rig.correctives)} were left out", highlight=False)


def _print_report(report: RigReport, file: Path) -> None:
    parts = ", ".join(f"{name} {count}" for name, count in report.parts.items())
    out_console.print(
        f"[bold]{report.name}[/]: {len(report.present)} of {len(report.present) + len(report.absent)} shapes, "
        f"{report.vertices} vertices ({parts}), {report.triangles} triangles"
    )
    shapes = Table(*("shape", "mm") * 3, box=None, title="how far each shape moves the skin")
    cells = [(name, f"{reach:.1f}") for name, reach in report.reach_mm.items()]
    cells += [(f"[dim]{name}[/]", "[dim]absent[/]") for name in report.absent]
    rows = -(-len(cells) // 3)
    for row in range(rows):
        shapes.add_row(*(text for cell in cells[row::rows] for text in cell))
    out_console.print(shapes)
    findings = Table("", "about", "found")
    colors = {"error": "red", "warning": "yellow", "note": "dim"}
    for finding in report.findings:
        severity = finding.severity.value
        findings.add_row(f"[{colors[severity]}]{severity}[/]", finding.subject, escape(finding.text))
    out_console.print(findings)
    verdict = "[green]Usable.[/]" if report.usable else "[red]Not usable.[/]"
    out_console.print(f"{verdict} Look at it: imusic face sheet --face {file}", highlight=False, soft_wrap=True)


def _save(picture: Image, out: Path, page: str) -> None:
    path = out.with_name(f"{out.stem}_{page}.png")
    picture.save(path)
    err.print(f"written: {path}", highlight=False, soft_wrap=True)

"""`imusic rig`: faces with blendshapes, the package's own and those that people bring."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from face_model.outputs import check_output_file, write_whole
from face_model.share import expanded
from imusic_cli.errors import CommandError, UsageError
from imusic_cli.verbs import load_module

if TYPE_CHECKING:
    from PIL.Image import Image

    from face_model.rig import FaceRig
    from face_model.rigs.report import RigReport

app = typer.Typer(no_args_is_help=True, help="Bring a face of your own: check it, look at it.")
out_console = Console(markup=False)
err = Console(stderr=True, markup=False)

Face = Annotated[str, typer.Option(help="`head`, or a rig: .glb, .vrm, .gltf, .npz, or a folder of .obj files.")]
Subject = Annotated[int, typer.Option(min=0, help="0: the face itself; other numbers: random people of its kind.")]


@app.command()
def sheet(
    face: Face = "head",
    subject: Subject = 0,
    out: Annotated[Path, typer.Option(help="PNG; its name gets _shapes and _combinations.")] = Path("face.png"),
) -> None:
    """Contact sheets: every shape from three sides, and 20 combinations."""
    from face_viz.sheets import combinations_sheet, shapes_sheet

    for page in ("shapes", "combinations"):
        check_output_file(_page(out, page))
    rig = _rig(face, subject)
    with err.status("drawing") as status:
        _save(shapes_sheet(rig, status.update), out, "shapes")
        _save(combinations_sheet(rig, progress=status.update), out, "combinations")


@app.command()
def people(
    face: Face = "head",
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("people.png"),
) -> None:
    """A contact sheet of 12 random people of one kind of face, as the laboratory draws them."""
    check_output_file(_image_name(out))
    family = load_module("imu_sim.families").load_family(face)
    draw = load_module("imu_sim.subject_sheet").subject_sheet
    with err.status("drawing") as status:
        picture = draw(family, progress=status.update)
    write_whole(out, picture.save)
    err.print(f"written: {out}", highlight=False, soft_wrap=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A .glb, .vrm, .gltf or .npz file, or a folder of .obj files.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say which of the 52 shapes a rig has, how it was understood, and what about it cannot be right."""
    from face_model.rigs.load import load_face
    from face_model.rigs.report import inspect_face

    report = inspect_face(load_face(expanded(file)))
    if as_json:
        print(json.dumps(asdict(report) | {"usable": report.usable}, indent=2))  # noqa: T201
    else:
        _print_report(report, file)
    raise typer.Exit(0 if report.usable else 1)


@app.command()
def look(
    face: Face = "head",
    subject: Subject = 0,
    reader: Annotated[str, typer.Option(help="Who looks: mediapipe.")] = "mediapipe",
    model: Annotated[Path, typer.Option(help="The reader's model file.")] = Path("face_landmarker.task"),
    pictures: Annotated[
        Path | None, typer.Option(help="Folder of rest.png and SHAPE.png that another program drew.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Let a reader of faces say which shapes it sees in the drawn face, each at weight 1, and which at rest."""
    from face_viz.errors import VizError
    from face_viz.picture import Painter
    from face_viz.strangers_eye import MediaPipeReader, from_folder
    from face_viz.strangers_eye import look as judge

    if reader != "mediapipe":
        raise CommandError(f"expected the reader mediapipe, found {reader}")
    try:
        eye = MediaPipeReader(model.expanduser())
        with err.status("looking"):
            seen = judge(from_folder(pictures) if pictures else Painter(_rig(face, subject), 400).paint, eye)
        eye.close()
    except VizError as error:
        raise CommandError(str(error)) from error
    if as_json:
        told = {"recognised": seen.recognised, "of": len(seen.verdicts), "rest": dict(seen.rest)}
        print(json.dumps(told | {"shapes": [asdict(verdict) for verdict in seen.verdicts]}, indent=2))  # noqa: T201
        return
    table = Table("shape", "its reading", "place", "largest changes")
    for verdict in seen.verdicts:
        largest = ", ".join(f"{name} {change:+.2f}" for name, change in verdict.first)
        place = Text(str(verdict.rank or "no face"), "green" if verdict.recognised else "yellow")
        table.add_row(verdict.shape, f"{verdict.change:+.2f}", place, largest)
    out_console.print(table)
    stares = ", ".join(f"{name} {score:.2f}" for name, score in seen.stares.items()) or "nothing"
    out_console.print(f"{seen.recognised} of {len(seen.verdicts)} shapes recognised; read at rest: {stares}")


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="The .glb or .npz file to write.")],
    face: Face = "head",
    subject: Subject = 0,
) -> None:
    """Write a face as GLB with ARKit morph targets, for Blender, Unreal and others, or as .npz for the RViz plugin."""
    from face_model.rigs.export import write_glb
    from face_model.stored_rig import save_rig

    if out.suffix.lower() not in (".glb", ".npz"):
        raise UsageError(f"expected the name of a .glb or .npz file, found {out}; name one")
    check_output_file(out)
    rig = _rig(face, subject)
    if out.suffix.lower() == ".npz":
        save_rig(rig, out)
        err.print(f"written: {out}", highlight=False, soft_wrap=True)
        return
    write_glb(rig, out)
    err.print(f"written: {out}", highlight=False, soft_wrap=True)
    if rig.correctives:
        err.print(f"glTF has no correctives: {len(rig.correctives)} were left out", highlight=False)


def _rig(face: str, subject: int) -> FaceRig:
    from face_model.faces import load_rig

    if not subject:
        return load_rig(face)
    drawn: FaceRig = load_module("imu_sim.families").load_family(face).subject(subject)
    return drawn


def _print_report(report: RigReport, file: Path) -> None:
    parts = ", ".join(f"{name} {count}" for name, count in report.parts.items())
    out_console.print(
        f"{report.name}: {len(report.present)} of {len(report.present) + len(report.absent)} shapes, "
        f"{report.vertices} vertices ({parts}), {report.triangles} triangles"
    )
    shapes = Table(*("shape", "mm") * 3, box=None, title="how far each shape moves the skin")
    cells: list[tuple[str | Text, str | Text]] = [(name, f"{reach:.1f}") for name, reach in report.reach_mm.items()]
    cells += [(Text(name, "dim"), Text("absent", "dim")) for name in report.absent]
    rows = -(-len(cells) // 3)
    for row in range(rows):
        shapes.add_row(*(text for cell in cells[row::rows] for text in cell))
    out_console.print(shapes)
    findings = Table("", "about", "found")
    colors = {"error": "red", "warning": "yellow", "note": "dim"}
    for finding in report.findings:
        severity = finding.severity.value
        findings.add_row(Text(severity, colors[severity]), finding.subject, finding.text)
    out_console.print(findings)
    verdict = Text("Usable.", "green") if report.usable else Text("Not usable.", "red")
    out_console.print(verdict.append(f" Look at it: imusic rig sheet --face {file}", "default"), soft_wrap=True)


def _page(out: Path, page: str) -> Path:
    return out.with_name(f"{out.stem}_{page}.png")


def _image_name(out: Path) -> Path:
    """The path of a picture, whose ending says its format.

    Raises:
        CommandError: another ending.
    """
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise UsageError(f"expected the name of a .png, .jpg or .webp file, found {out}; name one")
    return out


def _save(picture: Image, out: Path, page: str) -> None:
    path = _page(out, page)
    write_whole(path, picture.save)
    err.print(f"written: {path}", highlight=False, soft_wrap=True)

"""`imusic retarget`: what a face moves elsewhere. Options are read here; `face_retarget` does the work."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from face_model.outputs import check_output_file
from face_model.share import expanded
from imusic_cli.errors import UsageError

if TYPE_CHECKING:
    from face_retarget.robot import Joint, Term

app = typer.Typer(no_args_is_help=True, help="What a face moves elsewhere: robot heads, FLAME and SMPL-X, glTF.")
out_console = Console(markup=False)
err = Console(stderr=True, markup=False)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def robot(
    file: Annotated[str, typer.Argument(metavar="ROBOT", help="A robot head's name or YAML file.")] = "demo_head",
    as_json: Json = False,
) -> None:
    """Check a robot head's file and say what moves each joint."""
    from dataclasses import asdict

    from face_retarget.robot import load_robot

    settings, urdf = load_robot(file)
    if as_json:
        print(json.dumps(asdict(settings), indent=2))  # noqa: T201
        return
    table = Table("joint", "limits", "speed", "acceleration", "neutral", "moved by", title=settings.name)
    for joint in settings.joints:
        table.add_row(*_row(joint, settings.unit))
    out_console.print(table)
    missing = _without_joint(urdf, [joint.name for joint in settings.joints])
    if missing:
        err.print(f"not among the URDF's joints: {', '.join(missing)}", style="yellow", highlight=False, soft_wrap=True)


@app.command()
def flame(
    model: Annotated[Path, typer.Argument(metavar="MODEL_FILE", help="Your FLAME or SMPL-X model, .pkl or .npz.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The map to write.")] = Path("map.npz"),
    face: Annotated[str, typer.Option(help="`head`, or a rig whose shapes are brought to the model.")] = "head",
    expressions: Annotated[int | None, typer.Option(min=1, help="How many of the model's. [all]")] = None,
    first_expression: Annotated[
        int | None, typer.Option(min=0, help="Column of shapedirs that is the first. [300 of 400, 10 of 20]")
    ] = None,
    ridge: Annotated[float, typer.Option(help="What a coefficient costs; more: smaller and smoother.")] = 1e-3,
    as_json: Json = False,
) -> None:
    """Make the map from the 52 weights to the expression and jaw coefficients of your model."""
    from face_model.faces import load_rig
    from face_retarget.flame.fit import LEAST_EXPLAINED, fit_map, save_map
    from face_retarget.flame.model_file import load_model_file

    if out.suffix.lower() != ".npz":
        raise UsageError(f"expected the name of a .npz file, found {out}; name one")
    check_output_file(out)
    with err.status("fitting"):
        found = fit_map(load_rig(face), load_model_file(model, first_expression, expressions), ridge)
        save_map(found, out)
    from face_model.arkit import BLENDSHAPES

    shown = {name: None if math.isnan(share) else round(float(share), 3) for name, share in
             zip(BLENDSHAPES, found.explained, strict=True)}  # fmt: skip
    if as_json:
        told = {"path": str(out), "kind": found.kind, "expressions": len(found.expression), "explained": shown}
        print(json.dumps(told, indent=2))  # noqa: T201
        return
    table = Table(*("shape", "shown") * 3, box=None, title=f"how much of each shape {found.kind} shows")
    cells = [
        (name, Text("moves nothing" if share is None else f"{100 * share:.0f} %", _color(share, LEAST_EXPLAINED)))
        for name, share in shown.items()
    ]
    rows = -(-len(cells) // 3)
    for row in range(rows):
        table.add_row(*(text for cell in cells[row::rows] for text in cell))
    out_console.print(table)
    err.print(f"written: {out}: {len(found.expression)} expressions and the jaw", highlight=False, soft_wrap=True)


@app.command()
def gltf(
    file: Annotated[Path, typer.Argument(help="A .glb, .gltf or .vrm file.")],
    as_json: Json = False,
) -> None:
    """Say which weight drives which morph target of a file, whatever its tool called them."""
    from face_retarget.morph_targets import drivers_of

    found = drivers_of(expanded(file))
    if as_json:
        print(json.dumps([driver.content() for driver in found], indent=2))  # noqa: T201
        return
    table = Table("mesh", "target", "name in the file", "driven by", title=str(file))
    for driver in found:
        half = " (one half)" if driver.half else ""
        by = Text(driver.shape + half) if driver.shape else Text("nothing", "dim")
        table.add_row(driver.mesh, str(driver.target), driver.name, by)
    out_console.print(table)


def _color(share: float | None, least: float) -> str:
    if share is None or share < least:
        return "dim"
    return "green" if share > 0.7 else "yellow"


def _row(joint: Joint, unit: str) -> list[str]:
    low, high = joint.limits
    return [
        joint.name,
        f"{low:g} to {high:g} {unit}",
        f"{joint.max_speed:g} {unit}/s",
        f"{joint.max_acceleration:g} {unit}/s2",
        f"{joint.neutral:g}",
        "\n".join(_term(term) for term in joint.moved_by) or "nothing",
    ]


def _term(term: Term) -> str:
    of = f"head {term.head}" if term.head else " and ".join(term.names)
    if term.gain is not None:
        return f"{term.gain:+g} x {of}"
    return f"{of}: " + ", ".join(f"{x:g} -> {angle:g}" for x, angle in term.points or ())


def _without_joint(urdf: str, names: list[str]) -> list[str]:
    """Joints that the URDF does not have; none where there is no URDF."""
    import re

    if not urdf:
        return []
    known = set(re.findall(r'<joint\s[^>]*name="([^"]+)"', urdf))
    return [name for name in names if name not in known]

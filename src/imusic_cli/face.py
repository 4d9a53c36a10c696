"""`imusic face`: look at faces and check rig files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from PIL.Image import Image

app = typer.Typer(no_args_is_help=True, help="Look at faces, and bring your own.")
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


def _save(picture: Image, out: Path, page: str) -> None:
    path = out.with_name(f"{out.stem}_{page}.png")
    picture.save(path)
    err.print(f"written: {path}", highlight=False, soft_wrap=True)

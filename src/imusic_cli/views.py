"""`imusic views`: files that show a wearer's face in RViz and Foxglove."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from face_model.share import expanded
from imusic_cli.namespace import parsed_namespace

console = Console(stderr=True, markup=False)


def views(
    folder: Annotated[Path, typer.Argument(help="Where the files are written.")] = Path(),
    namespace: Annotated[
        str, typer.Option(help="The wearer's ROS namespace.", parser=parsed_namespace, metavar="NAME")
    ] = "",
    frame_id: Annotated[str, typer.Option(help="Frame of the head; left out: NAME/face_head.")] = "",
) -> None:
    """Write a view for RViz (rviz2 -d FILE) and one for Foxglove (Layouts, Import from file)."""
    from face_viz.views import write_views

    for path in write_views(expanded(folder), namespace, frame_id):
        console.print(f"written: {path}", highlight=False, soft_wrap=True)

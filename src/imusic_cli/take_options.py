"""Options that several verbs of `imusic takes` have, and its two consoles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    pass

out_console = Console(markup=False)
err = Console(stderr=True, markup=False)

TakeName = Annotated[str, typer.Argument(metavar="TAKE", help="A take: its folder, a part of its name, or `last`.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]
Wearer = Annotated[str | None, typer.Option(help="Whose face, where several are recorded.")]
Namespace = Annotated[str | None, typer.Option(help="Whose face, by ROS namespace.")]
Start = Annotated[float, typer.Option(help="s after the first face.")]
End = Annotated[float | None, typer.Option(help="s after the first face; by default the take's end.")]

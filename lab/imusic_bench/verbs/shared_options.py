"""Options that several verbs of `imusic bench` have."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]
ModelName = Annotated[str, typer.Option("--model", help="Model: a name or the path of a model folder.")]
Viewer = Annotated[bool, typer.Option(help="Run the viewer too, as in the demo.")]

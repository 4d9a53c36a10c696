"""`imusic fault`: tell a simulated hub that runs what shall go wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imu_sim.hub.commands import HELP
from imu_sim.hub.control import tell

context_settings = {"ignore_unknown_options": True}  # a number may be negative: step -0.5


def fault(
    words: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="One of the commands below.")],
    at: Annotated[
        Path, typer.Option("--at", metavar="PATH", help="Socket of the hub, as `imusic simulate` prints it.")
    ] = Path("/tmp/imusic_hub.control"),
) -> None:
    """Replaced below."""
    typer.echo(tell(at.expanduser(), " ".join(words)))


fault.__doc__ = (
    "Tell a simulated hub that runs (`imusic simulate`, `imusic demo`) what shall go wrong from now on.\n\n\b\n" + HELP
)
fault.context_settings = context_settings  # type: ignore[attr-defined]  # read by the command line

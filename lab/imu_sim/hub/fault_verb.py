"""`imusic fault`: tell a simulated hub that runs what shall go wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from imu_sim.errors import SimulatorConfigError
from imu_sim.hub.commands import HELP
from imu_sim.hub.control import reached, tell

USUAL: Final = Path("/tmp/imusic_hub.control")

context_settings = {"ignore_unknown_options": True}  # a number may be negative: step -0.5


def fault(
    words: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="One of the commands below.")],
    at: Annotated[
        Path | None,
        typer.Option(
            "--at",
            metavar="PATH",
            show_default=False,
            help=f"Socket of the hub, as it prints it; by default {USUAL}, or the only one that runs here.",
        ),
    ] = None,
) -> None:
    """Replaced below."""
    typer.echo(tell(the_only_hub() if at is None else at.expanduser(), " ".join(words)))


def the_only_hub(usual: Path = USUAL) -> Path:
    """The socket of the simulated hub at the usual place, or else of the only one beside it, such as a demo's.

    Raises:
        SimulatorConfigError: there are several, none at the usual place.
    """
    if reached(usual):
        return usual
    others = sorted(path for path in usual.parent.glob(f"{usual.stem}*{usual.suffix}") if reached(path))
    if len(others) > 1:
        raise SimulatorConfigError(
            f"expected one simulated hub, found {len(others)}: {', '.join(map(str, others))}; choose one with --at"
        )
    return others[0] if others else usual


fault.__doc__ = (
    "Tell a simulated hub that runs (`imusic simulate`, `imusic demo`) what shall go wrong from now on.\n\n\b\n" + HELP
)
fault.context_settings = context_settings  # type: ignore[attr-defined]  # read by the command line

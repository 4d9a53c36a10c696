"""`imusic simulate`: the simulated hub as a verb; its process reads its own options."""

from __future__ import annotations

import typer

from imu_sim.hub.process import main

context_settings = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def simulate(context: typer.Context) -> None:
    """Be a hub on a pseudo-terminal or UDP, with faults on demand; `imusic simulate --help` lists its options."""
    raise typer.Exit(main(context.args, "imusic simulate"))


simulate.context_settings = context_settings  # type: ignore[attr-defined]  # read by the command line

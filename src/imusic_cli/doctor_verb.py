"""`imusic doctor`: what `doctor` found, as a table or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from imusic_cli.doctor import examine
from imusic_cli.libraries import REQUIRED

out = Console()


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")
    ] = False,
) -> None:
    """Say what is missing on this machine and what to do. Exit status 1 if something required is missing."""
    findings = examine()
    ok = all(f.ok for f in findings if f.importance == REQUIRED)
    if as_json:
        print(json.dumps({"ok": ok, "findings": [asdict(f) for f in findings]}, indent=2))  # noqa: T201
    else:
        table = Table("", "what", "found", "what to do", title="imusic doctor")
        for f in findings:
            sign = (
                "[green]ok[/]" if f.ok else ("[red]missing[/]" if f.importance == REQUIRED else "[yellow]optional[/]")
            )
            table.add_row(sign, f.name, f.found, f.advice)
        out.print(table)
        out.print("[green]Ready.[/]" if ok else "[red]Something required is missing.[/]")
    raise typer.Exit(0 if ok else 1)

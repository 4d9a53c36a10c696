"""Rows of figures as a table, or as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from imusic_bench.machine import describe_machine

Row = Mapping[str, Any]

_FILE_WIDTH = 140
"""Columns of a table that is written to a file or a pipe, which have no width."""


def show(rows: Sequence[Row], title: str, as_json: bool, hidden: Collection[str] = (), **more: Any) -> None:
    """Print rows that share their keys, and the machine they were measured on.

    Args:
        rows: at least one.
        title: of the table.
        as_json: print `{"rows": [...], "machine": {...}}` and nothing else.
        hidden: keys that the table has no room for.
        more: further keys of that object; in the table, lines below it.
    """
    machine = describe_machine()
    if as_json:
        print(json.dumps({"rows": [dict(row) for row in rows], **more, "machine": machine}, indent=2))  # noqa: T201
        return
    shown = [key for key in rows[0] if key not in hidden]
    table = Table(title=title, caption=f"{machine['cpu']}, {machine['cores']} cores", box=SIMPLE_HEAD, pad_edge=False)
    for key in shown:
        # One word a line: most names are longer than their values.
        table.add_column(
            key.replace("_", "\n"), no_wrap=True, justify="left" if isinstance(rows[0][key], str) else "right"
        )
    for row in rows:
        table.add_row(*(text(row[key]) for key in shown))
    console = Console(markup=False)
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH, markup=False)
    console.print(table)
    for name, value in more.items():
        for line in _lines(value):
            console.print(f"{name}: {line}", highlight=False)


def text(value: Any) -> str:
    """A value in a cell, to about three digits."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, float):
        size = abs(value)
        if 0.0 < size < 5e-4:
            return f"{value:.0e}"
        return f"{value:.{3 if size < 1.0 else 2 if size < 10.0 else 1 if size < 100.0 else 0}f}"
    return str(value)


def _lines(value: Any) -> list[str]:
    """Figures on one line, sentences on a line each."""
    if not isinstance(value, Mapping):
        return [text(value)]
    if any(isinstance(each, str) for each in value.values()):
        return [f"{name}: {each}" for name, each in value.items()]
    return [", ".join(f"{name} {text(each)}" for name, each in value.items())] if value else []

"""What the verbs of `imusic bench` say on the terminal, and what they find out before they begin."""

from __future__ import annotations

import json
import os
from typing import Any

from rich.console import Console
from rich.table import Table

from imusic_ros.program import THREAD_COUNTS

err = Console(stderr=True, markup=False)


def one_thread() -> None:
    """Small matrix products are slower in several threads, and figures are per core; read when numpy is imported."""
    os.environ.update(dict.fromkeys(THREAD_COUNTS, "1"))


def model_title(name: str) -> str:
    """Name and version of a model, found out before anything starts."""
    from face_inference.model_folder import load_model

    return load_model(name).description.title


def progress(line: str) -> None:
    """Say what is being measured."""
    err.print(f"measuring: {line}", highlight=False)


def show_figures(figures: dict[str, Any], title: str, as_json: bool) -> None:
    """Print figures, each with its name."""
    if as_json:
        print(json.dumps(figures, indent=2))  # noqa: T201
        return
    table = Table("figure", "value", title=title)
    for name, value in figures.items():
        table.add_row(name, f"{value:.2f}" if isinstance(value, float) else str(value))
    Console(markup=False).print(table)

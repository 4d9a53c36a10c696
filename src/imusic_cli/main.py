"""The command line of `imusic`: finds the verb, and says in one line why it cannot do its work."""

from __future__ import annotations

import typer
from rich.console import Console

from face_model.errors import ImusicError
from imusic_cli.libraries import advice_for
from imusic_cli.verbs import VerbGroup

app = typer.Typer(
    name="imusic",
    cls=VerbGroup,
    no_args_is_help=True,
    add_completion=False,
    help="Facial expression capture with IMUs, no camera. Begin with `imusic demo`. `--version` says which this is.",
)
err = Console(stderr=True)


@app.callback()
def _imusic() -> None:
    """Has no options of its own; makes typer treat the verbs as verbs."""


def main() -> int:
    """Run the command line.

    Returns:
        0 where it worked; 1 with one clear message where it did not; 2 for wrong usage.
    """
    try:
        app(prog_name="imusic")
    except ImusicError as error:
        _say(str(error))
        return 1
    except ModuleNotFoundError as error:
        advice = advice_for(error.name or "")
        if advice is None:
            raise
        _say(f"this verb needs {error.name}, which is not installed; {advice}")
        return 1
    return 0


def _say(line: str) -> None:
    err.print("[red]imusic:[/] ", end="")
    err.print(line, highlight=False, markup=False, soft_wrap=True)

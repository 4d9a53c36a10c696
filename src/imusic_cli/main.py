"""The command line of `imusic`: finds the verb, and says in one line why it cannot do its work."""

from __future__ import annotations

import errno
import sys

import typer
from rich.console import Console
from rich.text import Text

from face_model.errors import ImusicError
from imusic_cli.errors import UsageError
from imusic_cli.libraries import advice_for
from imusic_cli.usage import WRONG_USAGE, is_help, line_of, verb_of
from imusic_cli.verbs import VerbGroup

app = typer.Typer(
    name="imusic",
    cls=VerbGroup,
    no_args_is_help=True,
    add_completion=False,
    help="Facial expression capture with IMUs, no camera. Begin with `imusic demo`. `--version` says which this is.",
)
# Newer versions of typer have classes of their own where older ones raise click's: the base of both is that of this.
TyperUsageError: type[Exception] = typer.BadParameter.__mro__[1]
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
err = Console(stderr=True, markup=False)


@app.callback()
def _imusic() -> None:
    """Has no options of its own; makes typer treat the verbs as verbs."""


def main() -> int:
    """Run the command line.

    Returns:
        0 where it worked; 1 with one clear message where it did not; 2 for wrong usage.
    """
    try:
        status = app(prog_name="imusic", standalone_mode=False)
    except TyperUsageError as error:
        if is_help(error):
            typer.echo(str(error), err=True)
        else:
            _say(line_of(error))
        return WRONG_USAGE
    except UsageError as error:
        _say(f"{verb_of(sys.argv[1:])}: {error}")
        return WRONG_USAGE
    except typer.Abort:
        _say("imusic: ended")
        return 1
    except ImusicError as error:
        _say(f"imusic: {error}")
        return 1
    except OSError as error:
        advice = disk_advice(error)
        if advice is None:
            raise
        _say(f"imusic: {advice}")
        return 1
    except ModuleNotFoundError as error:
        advice = advice_for(error.name or "")
        if advice is None:
            raise
        _say(f"imusic: this verb needs {error.name}, which is not installed; {advice}")
        return 1
    return status if isinstance(status, int) else 0


def disk_advice(error: OSError) -> str | None:
    """What to do about a file that cannot be written or read; None for an error that is ours."""
    place = f" at {error.filename}" if error.filename else ""
    if error.errno in FULL:
        return f"expected room to write{place}, found: {error.strerror}; make room on that disk or give another place"
    if error.errno in CLOSED and error.filename:
        return f"expected to be able to use {error.filename}, found: {error.strerror}; correct the path or its rights"
    return None


def _say(line: str) -> None:
    who, colon, what = line.partition(":")
    err.print(Text.assemble((who + colon, "red"), what), soft_wrap=True)

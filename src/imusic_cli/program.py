"""The program `imusic`: what works without any library is done here, before the command line itself is imported."""

from __future__ import annotations

import sys

from imusic_cli.libraries import advice_for
from imusic_ros.program import end_at_once_on_signals

UNTIL_CTRL_C = ("demo", "capture", "sensors", "inference", "reference", "stream")
"""Verbs that run until they are ended: being ended early, while libraries are imported, is no failure either."""


def main() -> int:
    """Run the command line; the exit status."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in UNTIL_CTRL_C:
        end_at_once_on_signals()
    if arguments[:1] == ["doctor"]:
        from imusic_cli.doctor_verb import doctor

        return doctor(arguments[1:])
    if arguments == ["--version"]:
        from face_model.version import version

        print(f"imusic {version()}")  # noqa: T201
        return 0
    try:
        from imusic_cli.main import main as run
    except ModuleNotFoundError as error:
        advice = advice_for(error.name or "")
        if advice is None:
            raise
        print(f"imusic: this needs {error.name}, which is not installed; {advice}", file=sys.stderr)  # noqa: T201
        return 1
    return run()

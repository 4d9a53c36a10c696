"""The program `imusic`: what works without any library is done here, before the command line itself is imported."""

from __future__ import annotations

import sys

from imusic_ros.program import end_at_once_on_signals, hand_back

UNTIL_CTRL_C = ("demo", "capture", "sensors", "inference", "reference", "stream")
"""Verbs that run until they are ended: being ended early, while libraries are imported, is no failure either."""
INTERRUPTED = 130
"""Exit status of all others that Ctrl-C ends, as shells have it."""


def main() -> int:
    """Run the command line; the exit status."""
    arguments = sys.argv[1:]
    until_ctrl_c = bool(arguments) and arguments[0] in UNTIL_CTRL_C
    before = end_at_once_on_signals(0 if until_ctrl_c else INTERRUPTED)
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
        from imusic_cli.libraries import advice_for

        advice = advice_for(error.name or "")
        if advice is None:
            raise
        print(f"imusic: this needs {error.name}, which is not installed; {advice}", file=sys.stderr)  # noqa: T201
        return 1
    if not until_ctrl_c:
        hand_back(before)
    return run()

"""Wrong usage of a verb in one shape, whoever found it: one line `imusic VERB: what; what to do`, exit status 2.

Needs nothing but Python itself, as `imusic doctor` does.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, Final, NoReturn

WRONG_USAGE: Final = 2
"""Exit status."""
_INVALID: Final = re.compile(r"Invalid value for ('[^']*'(?: / '[^']*')*)[^:]*: (.*)", re.DOTALL)


class OneLineParser(argparse.ArgumentParser):
    """A parser that tells of wrong usage in the same shape."""

    def error(self, message: str) -> NoReturn:
        """Print the line and exit."""
        self.exit(WRONG_USAGE, f"{self.prog}: {_with_advice(_said(message), self.prog)}\n")


def is_help(error: Any) -> bool:
    """Whether it says no more than that nothing was given: then the help was shown."""
    return type(error).__name__ == "NoArgsIsHelpError"


def line_of(error: Any) -> str:
    """The line for wrong usage that typer found."""
    context = error.ctx
    path = "imusic" if context is None else str(context.command_path)
    message = str(error.format_message())
    if (found := _INVALID.match(message)) is not None:
        option, said = found[1].replace("'", ""), found[2]
        # Our own checks begin with the name of what they check.
        own = option.rpartition("--")[2].replace("-", "_").lower()
        message = f"{option}: {said.removeprefix(f'{own}: ')}"
    return f"{path}: {_with_advice(_said(message), path)}"


def verb_of(arguments: Sequence[str]) -> str:
    """How people called what refuses: `imusic`, the verb, and the verb's own where it is a group of them."""
    from imusic_cli.verbs import VERBS

    words = ["imusic"]
    if arguments and arguments[0] in VERBS:
        words += arguments[:1]
        if VERBS[arguments[0]].attribute == "app" and len(arguments) > 1 and not arguments[1].startswith("-"):
            words.append(arguments[1])
    return " ".join(words)


def _said(message: str) -> str:
    text = " ".join(message.split()).rstrip(".").replace("Input should be", "expected")
    return text[:1].lower() + text[1:] if text[:2].istitle() else text


def _with_advice(text: str, path: str) -> str:
    return text if "; " in text else f"{text}; see {path} --help"

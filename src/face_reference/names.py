"""Names that a sender chose, made fit to be shown."""

from __future__ import annotations

MOST_SHOWN = 64


def printable(name: str) -> str:
    """A name without what cannot be printed, and not longer than a line wants."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in name[:MOST_SHOWN])
    return shown.strip() or "?"

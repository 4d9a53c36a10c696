"""Received pieces that could not be used, counted by reason: nothing is dropped without a trace."""

from __future__ import annotations

from collections import Counter


class Rejects:
    """Of one hub, since it was made.

    Args:
        reasons: that are told from the start, with 0.

    Attributes:
        counts: by reason.
        last: the newest, for people; empty before the first.
    """

    def __init__(self, *reasons: str) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(reasons, 0))
        self.last = ""

    def add(self, reason: str, message: object) -> None:
        """Count one."""
        self.counts[reason] += 1
        self.last = str(message)

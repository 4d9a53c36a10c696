"""Which samples are new, and how many were lost between them."""

from __future__ import annotations

_MODULUS = 1 << 32


class SequenceCheck:
    """Follows the hub's sample numbers, which start from 0 at START and wrap at 2**32.

    Args:
        first_below: the first sample after START has a smaller number; a larger one is left over from an older stream.
        most_lost: a longer gap is no loss (the session's watchdog would have noticed) but another stream's number.
        patience: this many refused in a row mean that the count was lost, not the samples; more than `first_below`,
            so that a stray first number is overtaken before.
        from_any: whether the first sample may have any number, as where nobody sent START.
    """

    def __init__(
        self, first_below: int = 20, most_lost: int = 1000, patience: int = 30, *, from_any: bool = False
    ) -> None:
        self._from_any = from_any
        self._most_lost = most_lost
        self._first_below = first_below
        self._patience = patience
        self._newest: int | None = None
        self._refused = 0

    @property
    def lost_track(self) -> bool:
        """Whether so many in a row were refused that START should be sent again."""
        return self._refused >= self._patience

    def restart(self) -> None:
        """START was acknowledged: the next number is near 0, or any one."""
        self._newest = None
        self._refused = 0

    def check(self, number: int) -> int | None:
        """Samples lost just before `number`; None if it is old or repeated and must be dropped."""
        if self._newest is None and self._from_any:
            self._newest = number
            return 0
        ahead = number + 1 if self._newest is None else (number - self._newest) % _MODULUS
        limit = self._first_below if self._newest is None else self._most_lost + 1
        if not 0 < ahead <= limit:
            self._refused += 1
            return None
        self._newest = number
        self._refused = 0
        return ahead - 1

"""How one sample follows the last: next, after a loss, after a gap, too late, or from a hub that was restarted."""

from __future__ import annotations

from enum import Enum, auto

_SEQUENCE_MODULUS = 1 << 32
_REORDER_LIMIT = 1000
"""A sequence number this far back is a late sample; further back the hub was restarted."""
_MOST_ANEW = 4000
"""Samples that may be passed over before and after a boot."""


class Coming(Enum):
    """What a sample is to those before it."""

    NEXT = auto()
    """It goes on; samples between may be lost, few enough to be filled."""
    GAP = auto()
    """Too much is lost: what came before is no past to go on from."""
    LATE = auto()
    """Out of order or twice."""
    RESTART = auto()
    """The hub was restarted, for its clock went back: its orientations have new headings."""


class Continuity:
    """Compares sequence numbers (uint32, which wrap around) and the hub's clock.

    The clock decides what is one boot of the hub: numbers begin at 0 with each START, which a driver sends again after
    a silence, while neutral and headings outlive it.

    Args:
        max_gap_s: a longer time between samples is a gap.

    Attributes:
        max_gap_s: see above.
        newest: sequence and hub time (s) of the newest sample that was not late; None before the first.
    """

    def __init__(self, max_gap_s: float) -> None:
        self.max_gap_s = max_gap_s
        self.newest: tuple[int, float] | None = None

    def follow(self, sequence: int, hub_time_s: float, rate_hz: float) -> tuple[Coming, int]:
        """What a sample is, at `rate_hz` samples per second, and by how much its number went on; 1 is the next."""
        newest = self.newest
        if newest is None:
            self.newest = sequence, hub_time_s
            return Coming.NEXT, 1
        ahead = (sequence - newest[0]) % _SEQUENCE_MODULUS
        elapsed_s = hub_time_s - newest[1]
        back = ahead == 0 or ahead > _SEQUENCE_MODULUS // 2
        far_back = back and 0 < ahead <= _SEQUENCE_MODULUS - _REORDER_LIMIT
        if elapsed_s <= -self.max_gap_s or (far_back and elapsed_s <= 0.0):
            coming = Coming.RESTART
        elif elapsed_s <= 0.0 and back:
            return Coming.LATE, ahead
        elif elapsed_s <= 0.0:
            coming = Coming.GAP  # the clock stepped back by less than any boot takes
        elif back:  # numbers began anew, so that the clock alone knows how many are missing
            coming, ahead = Coming.GAP, max(1, round(elapsed_s * rate_hz))
        # Both clocks of the hub must agree that the gap is short, or a bad number would cost endless steps.
        elif elapsed_s > self.max_gap_s or ahead > 2.0 * self.max_gap_s * rate_hz:
            coming = Coming.GAP
        else:
            coming = Coming.NEXT
        self.newest = sequence, hub_time_s
        return coming, ahead


def numbered_anew(before: int, sequence: int) -> bool:
    """Whether numbers began anew between two samples that follow each other."""
    return (sequence - before) % _SEQUENCE_MODULUS > _SEQUENCE_MODULUS // 2


def missed_numbers(before: int, sequence: int, ahead: int) -> list[tuple[int, int]]:
    """First and last number of each run of samples between two, which a recorder may have and who follows them not.

    Args:
        before: number of the last sample.
        sequence: of the one that came.
        ahead: by how much it went on, as `Continuity.follow` says.
    """
    if numbered_anew(before, sequence):
        after = [(0, sequence - 1)] if 0 < sequence <= _MOST_ANEW else []
        return [((before + 1) % _SEQUENCE_MODULUS, (before + _MOST_ANEW) % _SEQUENCE_MODULUS), *after]
    if (sequence - before) % _SEQUENCE_MODULUS == ahead > 1:
        return [((before + 1) % _SEQUENCE_MODULUS, (sequence - 1) % _SEQUENCE_MODULUS)]
    return []

"""Sample numbers that go on as long as the hub's boot does, though the hub may count anew."""

from __future__ import annotations

from imu_driver.hubs.imusic_v1.sequence import SequenceCheck

_MODULUS = 1 << 32

FIRST_BELOW = 20
"""The first number after START is smaller than this, if the START was done when it was acknowledged."""

LONGEST_S = 3600.0
"""A sample this much newer by the hub's clock than the one before is not of the same stream."""


class SampleNumbers:
    """Tells new samples from old ones, and numbers them so that numbers and the hub's clock go on together.

    A hub may begin at 0 with every START, also with one that it gets twice. Its clock does not: within one boot it
    never goes back. So where the hub counts anew, its clock tells how many samples were missed.

    Args:
        from_any: whether the first sample may have any number, as where nobody sent START.

    Attributes:
        newest_us: hub time of the newest sample, us; -1 before the first of this boot.
    """

    def __init__(self, *, from_any: bool = False) -> None:
        self._from_any = from_any
        self._check = SequenceCheck(from_any=from_any)
        self._first = True
        self._offset = 0
        self._newest = 0
        self.newest_us = -1
        self._candidate: tuple[int, int] | None = None

    @property
    def lost_track(self) -> bool:
        """Whether so many in a row were refused that START should be sent again."""
        return self._check.lost_track

    def restart(self, first_below: int | None = None) -> None:
        """START was acknowledged: the hub's next number is below this, or any one, but the same boot goes on."""
        if first_below is None:
            self._check = SequenceCheck(from_any=True)
        else:
            self._check = SequenceCheck(first_below, patience=first_below + 10, from_any=self._from_any)
        self._first, self._candidate = True, None

    def reboot(self) -> None:
        """The hub's clock and numbers are others."""
        self.restart(None if self._from_any else FIRST_BELOW)
        self._offset, self._newest, self.newest_us = 0, 0, -1

    def follow(self, number: int, hub_time_us: int, rate_hz: float) -> tuple[int, int] | None:
        """The sample's number from here on and how many were lost just before it.

        None if it is old or repeated and must be dropped.
        """
        lost = self._check.check(number)
        if lost is None:
            if not self._counts_anew(number, hub_time_us):
                return None
            self._check = SequenceCheck(from_any=True)
            self._check.check(number)
            self._first = True
        if self._first:
            lost = self._go_on(number, hub_time_us, rate_hz, lost or 0)
        self._first, self._candidate = False, None
        self._newest = (number + self._offset) % _MODULUS
        self.newest_us = hub_time_us
        return self._newest, lost or 0

    def _counts_anew(self, number: int, hub_time_us: int) -> bool:
        """Whether this and the sample before it, both refused, are newer by the hub's clock and follow one another."""
        before, self._candidate = self._candidate, None
        if self.newest_us < 0 or not 0 < hub_time_us - self.newest_us < 1e6 * LONGEST_S:
            return False
        self._candidate = number, hub_time_us
        return before is not None and (number - before[0]) % _MODULUS == 1 and hub_time_us > before[1]

    def _go_on(self, number: int, hub_time_us: int, rate_hz: float, lost: int) -> int:
        """Choose the offset for the first sample since START; the samples lost before it."""
        if self.newest_us < 0:
            # More than this came before START was acknowledged, and was not wanted.
            return lost if lost < FIRST_BELOW else 0
        elapsed = 1e-6 * (hub_time_us - self.newest_us) * rate_hz
        by_number = (number + self._offset - self._newest) % _MODULUS
        # Both tell the same where the hub did not count anew; a tenth is for a rate that changed meanwhile.
        if by_number > 0 and abs(by_number - elapsed) <= 2.0 + 0.1 * elapsed:
            return by_number - 1
        steps = max(1, round(elapsed)) if hub_time_us > self.newest_us else 1
        self._offset = (self._newest + steps - number) % _MODULUS
        return steps - 1

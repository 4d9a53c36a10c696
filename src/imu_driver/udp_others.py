"""Others on a UDP port: who claims to be the hub while it is heard, and who is not wanted. Times are the caller's."""

from __future__ import annotations

from typing import Final

from imu_driver.transport import IsHub
from imu_driver.udp_addresses import Address

LOOK_S: Final = 0.05
"""Between two looks at what others send."""

TURN_S: Final = 0.05
"""Who claims to be the hub is no new address of it where the hub is heard so long after the claim."""

RIVAL_S: Final = 10.0
"""A claim counts for so long: a hub says its name each second, but not while it streams to somebody who is gone."""


REFUSED_S: Final = 3.0
"""A hub that is not wanted is not heard for so long; then it may have been given another name."""


class OtherSenders:
    """Of one port.

    Attributes:
        is_rival: see `SharedTransport`.
    """

    def __init__(self) -> None:
        self.is_rival: IsHub | None = None
        self._other: Address | None = None
        self._claim: tuple[Address, float] | None = None
        self._rival: tuple[Address, float] | None = None
        self._looked_s = float("-inf")
        self._refused: dict[Address, float] = {}

    def forget(self) -> None:
        """The port is opened anew: whoever is the hub now is not known."""
        self._other = self._claim = self._rival = None
        self._looked_s = float("-inf")
        self._refused.clear()

    def refuse(self, sender: Address, now_s: float) -> None:
        """Somebody is not the hub that is wanted."""
        self._refused = {who: since_s for who, since_s in self._refused.items() if now_s - since_s < REFUSED_S}
        self._refused[sender] = now_s

    def may_be_the_hub(self, sender: Address, now_s: float) -> bool:
        """Whether a sender may take the hub's place: not who was refused, nor who claims to be it beside it."""
        if now_s - self._refused.get(sender, float("-inf")) < REFUSED_S:
            return False
        return sender != self.known(now_s)

    def look(self, data: bytes, sender: Address, now_s: float) -> None:
        """Somebody sent this who is not the hub."""
        if self.is_rival is None or now_s - self._looked_s < LOOK_S:
            return
        self._looked_s, self._other = now_s, sender
        if self.is_rival(data):
            self._claim = sender, now_s

    def hub_heard(self, now_s: float) -> None:
        """The hub sends on."""
        if self._claim is not None and now_s - self._claim[1] > TURN_S:
            self._rival, self._claim = self._claim, None

    def known(self, now_s: float) -> Address | None:
        """Who claimed to be the hub lately."""
        rival = self._rival
        return rival[0] if rival is not None and now_s - rival[1] < RIVAL_S else None

    def take_other(self) -> Address | None:
        """The newest sender that was looked at, once."""
        other, self._other = self._other, None
        return other

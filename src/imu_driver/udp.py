"""A hub on the network, by UDP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from imu_driver.transport import IsHub
from imu_driver.udp_addresses import Address, HostAndPort, Listed, is_listed, resolved
from imu_driver.udp_others import OtherSenders
from imu_driver.udp_socket import MOST_FOREIGN, UdpSocket

MAX_DATAGRAM = 65535

SILENT_S: Final = 0.15
"""A hub that was not heard for this long may be at another address."""


class UdpTransport(UdpSocket):
    """Datagrams of whole frames, from one hub only.

    Args:
        host: address to bind; 127.0.0.1 hears this machine only.
        port: UDP port to bind; 0 lets the system choose.
        hub: who may be the hub: one or several addresses of a host or a network (`192.168.4.0/24`), their port None
            where it may be any. None: anybody. Where it is not one host with one port, the hub is the first sender
            among them that proves to be one, until opened anew or until it is silent and another proves to be the same
            hub; see `open`.

    Attributes:
        foreign: datagrams dropped because another sender sent them.
        unsent: writes dropped because no hub was known yet.
    """

    def __init__(self, host: str, port: int, hub: HostAndPort | tuple[HostAndPort, ...] | None = None) -> None:
        super().__init__(host, port)
        self._told = () if hub is None else tuple(_listed(hub))
        self._hub: Address | None = None
        self._allowed: Listed = []
        self._fixed = False
        self._heard_s = 0.0
        self._stranger: Address | None = None
        self._is_hub: IsHub | None = None
        self._timeout_s = 0.0
        self._rivals = OtherSenders()

    @property
    def is_rival(self) -> IsHub | None:
        """See `SharedTransport`."""
        return self._rivals.is_rival

    @is_rival.setter
    def is_rival(self, is_rival: IsHub | None) -> None:
        self._rivals.is_rival = is_rival

    @property
    def rival(self) -> str:
        """See `SharedTransport`. It does not take the hub's place until this is opened anew."""
        rival = self._rivals.known(time.monotonic())
        return "" if rival is None else f"{rival[0]}:{rival[1]}"

    @property
    def description(self) -> str:
        """Both ends."""
        host, port = self.address
        if self._hub is not None:
            return f"UDP {host}:{port} from the hub at {self._hub[0]}:{self._hub[1]}"
        if self._told:
            at = " or ".join(name if known is None else f"{name}:{known}" for name, known in self._told)
            return f"UDP {host}:{port} from the hub at {at}"
        return f"UDP {host}:{port}, no hub yet"

    @property
    def hub(self) -> Address | None:
        """The only sender accepted, None while unknown."""
        return self._hub

    def open(self, is_hub: IsHub | None = None) -> None:
        """Bind.

        Args:
            is_hub: whether a datagram proves that its sender is the hub, asked while no hub is known; None: any does.

        Raises:
            NotFoundError, BusyError, DeniedError, TransportError: why not, and what to do.
        """
        self.close()
        # Resolved, because datagrams carry numbers, not names.
        self._allowed = resolved(self._told)
        self._hub, self._fixed = None, False
        if len(self._allowed) == 1:
            network, port = self._allowed[0]
            if network.num_addresses == 1 and port is not None:
                self._hub, self._fixed = (str(network.network_address), port), True
        self._stranger = None
        self._rivals.forget()
        self._is_hub = is_hub
        self._timeout_s = 0.0
        self._socket = self._bound()

    def read(self, timeout_s: float) -> bytes:
        """The next datagram of the hub; b"" after `timeout_s` or many datagrams of strangers. Raises `LostError`."""
        opened = self._opened()
        if timeout_s != self._timeout_s:
            opened.settimeout(timeout_s)
            self._timeout_s = timeout_s
        end_s = 0.0
        for _ in range(MOST_FOREIGN):
            try:
                data, sender = opened.recvfrom(MAX_DATAGRAM)
            except (TimeoutError, BlockingIOError):
                return b""
            except ConnectionError:
                # Some systems report here that an earlier datagram of ours found nobody.
                return b""
            except OSError as error:
                raise self._lost(error) from error
            if sender == self._hub:
                self._heard_s = time.monotonic()
                self._rivals.hub_heard(self._heard_s)
                return data
            now_s = time.monotonic()
            if self._accepts(data, sender, now_s):
                self._hub, self._heard_s, self._stranger = sender, now_s, None
                return data
            self.foreign += 1
            if self._hub is not None and self._may_be_the_hub(sender):
                self._rivals.look(data, sender, now_s)
            end_s = end_s or now_s + timeout_s
            if now_s >= end_s:
                break
        return b""

    def _accepts(self, data: bytes, sender: Address, now_s: float) -> bool:
        """Whether a datagram of somebody else is the hub's: of the first one, or of a hub that changed its address."""
        if self._fixed or not self._may_be_the_hub(sender):
            return False
        if self._hub is not None and (self._is_hub is None or now_s - self._heard_s < SILENT_S):
            return False
        if not self._rivals.may_be_the_hub(sender, now_s):
            return False  # nor does a moment's silence of the hub make another of it
        if self._is_hub is None or self._is_hub(data):
            return True
        # What the hub sends by itself may be samples only: it is asked who it is, see `write`.
        self._stranger = sender
        return False

    def _may_be_the_hub(self, sender: Address) -> bool:
        """Whether a sender is on the list, or there is none."""
        return not self._allowed or is_listed(sender, self._allowed)

    def write(self, data: bytes) -> None:
        """Send to the hub, if it is known; raises `LostError`."""
        opened = self._opened()
        stranger, self._stranger = self._stranger, None
        if self._hub is None and stranger is None:
            self.unsent += 1
            return
        try:
            if self._hub is not None:
                opened.sendto(data, self._hub)
            if stranger is not None:
                # The hub, if it is one that was given another port on its way here, answers from there.
                opened.sendto(data, stranger)
        except (BlockingIOError, TimeoutError, ConnectionError):
            # UDP promises nothing; the session repeats what is not acknowledged.
            self.unsent += 1
        except OSError as error:
            raise self._lost(error) from error

    def refuse_hub(self) -> None:
        """See `RefusesHub`; a hub whose address was told stays the only one that is heard."""
        if self._hub is not None and not self._fixed:
            self._rivals.refuse(self._hub, time.monotonic())
            self._hub = None

    def ask_others(self, data: bytes) -> None:
        """See `SharedTransport`."""
        other = self._rivals.take_other()
        if other is None:
            return
        try:
            self._opened().sendto(data, other)
        except (BlockingIOError, TimeoutError, ConnectionError):
            self.unsent += 1
        except OSError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Unbind and forget a learned hub."""
        super().close()
        self._hub = None


def _listed(hub: HostAndPort | tuple[HostAndPort, ...]) -> Iterator[HostAndPort]:
    """One or several, as several."""
    if len(hub) == 2 and isinstance(hub[0], str):
        yield hub[0], hub[1]
    else:
        yield from hub

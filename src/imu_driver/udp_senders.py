"""Many senders on one UDP port, each told apart by its address: datagrams in envelopes, see `datagram_envelopes`."""

from __future__ import annotations

import contextlib
import errno
import math
import select
import socket
import struct
import time
from pathlib import Path
from typing import Final

from imu_driver.datagram_envelopes import Envelope, packed, unpacked
from imu_driver.transport import IsHub
from imu_driver.udp_addresses import Address, HostAndPort, Listed, is_listed, resolved
from imu_driver.udp_socket import MOST_FOREIGN, UdpSocket

LONGEST_DATAGRAM: Final = 1500
"""What is longer came in fragments, and from no tracker: it is dropped and counted as foreign."""

MOST_AT_ONCE: Final = 64
"""Datagrams that one `read` returns: more than twelve trackers send in 20 ms."""

NEIGHBOURS: Final = Path("/proc/net/arp")
"""Linux: the MAC addresses of those on this network that this machine has sent to."""

MOST_MET: Final = 256
"""Senders that are remembered as looked up; then all are forgotten."""

LOOKED_UP_S: Final = 0.05
"""Shortest time between two look-ups: anybody may make up senders."""

_TIMESTAMPNS: Final = getattr(socket, "SO_TIMESTAMPNS", 35)
"""Linux: the system notes when a datagram arrived, whenever it is read; asm-generic/socket.h."""

_TIME: Final = struct.Struct("@qq")
_ROOM: Final = socket.CMSG_SPACE(_TIME.size)


class UdpSendersTransport(UdpSocket):
    """Datagrams of everybody who may send, in envelopes.

    Args:
        host: address to bind; 127.0.0.1 hears this machine only.
        port: UDP port to bind; 0 lets the system choose.
        allowed: addresses that may send, their port None where it may be any; empty: everybody.
        neighbours: file of MAC addresses; the one of a new sender, if it is there, comes before its first datagram.

    Attributes:
        foreign: datagrams dropped because of their sender or their length.
        unsent: datagrams that the system did not take.
    """

    def __init__(
        self, host: str, port: int, allowed: tuple[HostAndPort, ...] = (), neighbours: Path = NEIGHBOURS
    ) -> None:
        super().__init__(host, port)
        self._told = allowed
        self._allowed: Listed = []
        self._poll = select.poll()
        self._neighbours = neighbours
        self._met: set[Address] = set()
        self._looked_s = -math.inf

    @property
    def description(self) -> str:
        """Where it listens, and to whom."""
        if not self._told:
            return super().description
        allowed = ", ".join(name if port is None else f"{name}:{port}" for name, port in self._told)
        return f"{super().description} from {allowed}"

    def open(self, is_hub: IsHub | None = None) -> None:
        """Bind; everybody who is allowed is heard, `is_hub` is not asked.

        Raises:
            NotFoundError, BusyError, DeniedError, TransportError: why not, and what to do.
        """
        self.close()
        self._allowed = resolved(self._told)
        opened = self._bound()
        with contextlib.suppress(OSError):  # then nothing is said to have waited
            opened.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
        self._socket = opened
        self._met.clear()
        self._poll = select.poll()
        self._poll.register(opened, select.POLLIN)

    def read(self, timeout_s: float) -> bytes:
        """The datagrams that are there, `MOST_AT_ONCE` at most, as envelopes; b"" after `timeout_s`.

        Raises:
            LostError: the socket is of no use any more.
        """
        opened = self._opened()
        end_s = time.monotonic() + timeout_s
        found: list[bytes] = []
        dropped = 0
        while True:
            if not found:
                self._poll.poll(max(0.0, 1e3 * (end_s - time.monotonic())))
            while len(found) < MOST_AT_ONCE and dropped < MOST_FOREIGN:
                try:
                    data, control, _, sender = opened.recvmsg(LONGEST_DATAGRAM + 1, _ROOM)
                except (BlockingIOError, ConnectionError):
                    # Some systems report here that an earlier datagram of ours found nobody.
                    break
                except OSError as error:
                    raise self._lost(error) from error
                if len(data) <= LONGEST_DATAGRAM and self._may_send(sender):
                    if sender not in self._met:
                        self._meet(sender, found)
                    found.append(packed(Envelope(sender, data, waited_s=_waited_s(control))))
                else:
                    dropped += 1
            if found or dropped >= MOST_FOREIGN or time.monotonic() >= end_s:
                self.foreign += dropped
                return b"".join(found)

    def write(self, data: bytes) -> None:
        """Send what is in envelopes, each to its peer; raises `LostError`."""
        opened = self._opened()
        for envelope in unpacked(data):
            if envelope is None:
                raise ValueError("expected envelopes, found other bytes; see imu_driver.datagram_envelopes")
            try:
                opened.sendto(envelope.data, envelope.peer)
            except (BlockingIOError, ConnectionError, PermissionError):
                # UDP promises nothing, and a peer's address may be one that nobody may send to.
                self.unsent += 1
            except OSError as error:
                if not _is_peers(error):
                    raise self._lost(error) from error
                self.unsent += 1

    def _meet(self, sender: Address, found: list[bytes]) -> None:
        """A new sender: its MAC address, if it is known, goes before what it sent."""
        now_s = time.monotonic()
        if now_s - self._looked_s < LOOKED_UP_S:
            return  # with its next datagram
        self._looked_s = now_s
        if len(self._met) >= MOST_MET:
            self._met.clear()
        self._met.add(sender)
        mac = mac_of(sender[0], self._neighbours)
        if mac:
            found.append(packed(Envelope(sender, mac, neighbour=True)))

    def _may_send(self, sender: Address) -> bool:
        return not self._allowed or is_listed(sender, self._allowed)


def mac_of(host: str, neighbours: Path = NEIGHBOURS) -> bytes:
    """The six bytes of a neighbour's MAC address; empty where the system knows none."""
    try:
        lines = neighbours.read_text(encoding="ascii", errors="replace").splitlines()[1:]
    except OSError:
        return b""  # no such file, as on other systems
    for line in lines:
        fields = line.split()
        if len(fields) >= 4 and fields[0] == host:
            with contextlib.suppress(ValueError):
                mac = bytes.fromhex(fields[3].replace(":", ""))
                return mac if len(mac) == 6 and any(mac) else b""
    return b""


def _waited_s(control: list[tuple[int, int, bytes]]) -> float:
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == _TIMESTAMPNS and len(data) == _TIME.size:
            seconds, nanoseconds = _TIME.unpack(data)
            # The wall clock may have been set meanwhile; `packed` bounds what follows from that.
            return float(max(0.0, time.time() - seconds - 1e-9 * nanoseconds))
    return 0.0


def _is_peers(error: OSError) -> bool:
    """Whether an error of sending is about the peer's address, not about our socket."""
    return error.errno in (errno.EINVAL, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EMSGSIZE, errno.EADDRNOTAVAIL)

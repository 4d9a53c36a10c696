"""`port: auto`: the hub among the USB ports, found by listening to them and known again by its USB serial number."""

from __future__ import annotations

import select
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from serial.tools import list_ports

from imu_driver.serial_port import SerialTransport
from imu_driver.transport import CheckedTransport, IsHub, LostError, NotFoundError, Transport, TransportError

AUTO: Final = "auto"
"""Value of `port`."""

MAKERS: Final = {
    0x0403: "FTDI",
    0x0483: "STMicroelectronics",
    0x067B: "Prolific",
    0x10C4: "Silicon Labs",
    0x16C0: "PJRC",
    0x1915: "Nordic",
    0x1A86: "WCH",
    0x1B4F: "SparkFun",
    0x2341: "Arduino",
    0x239A: "Adafruit",
    0x2886: "Seeed",
    0x2E8A: "Raspberry Pi",
    0x303A: "Espressif",
}
"""Vendor identifiers of USB bridges and microcontrollers that hubs are built of; ports of others are not opened."""

LISTEN_S: Final = 3.0
"""A hub that is not asked says HELLO each second; one that boots because its port was opened takes longer."""
OTHERS_S: Final = 1.3
"""After the first hub has said who it is, the others are given this long to do so."""
_KEPT_BYTES: Final = 1 << 16


Identity: TypeAlias = tuple[int | None, int | None, str]
"""Vendor, product and serial number of a USB device."""


class PortInfo(Protocol):
    """What is known of a port without opening it, as pyserial tells it."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None


class Introduces(Protocol):
    """Understands what a hub of one kind says of itself."""

    speaks: bool
    name: str | None
    refusal: str

    def hear(self, data: bytes) -> None:
        """Take in what came."""


@dataclass
class _Candidate:
    info: PortInfo
    port: SerialTransport
    line: Transport
    introduction: Introduces
    said: bytearray = field(default_factory=bytearray)

    def __str__(self) -> str:
        name, serial_number = self.introduction.name, self.info.serial_number
        known = f", USB serial number {serial_number}" if serial_number else ""
        return f"{name!r} at {self.info.device}{known}"


class FoundSerialTransport:
    """A serial port that is found each time that it is opened.

    Nothing is written to a port before it has said something that only a hub says. A hub that was found is looked for
    by its USB serial number from then on, whatever name its port gets.

    Args:
        baud: as of `SerialTransport`.
        introduce: makes what understands a hub.
        name: of the hub that is wanted; empty: the only one that there is.
        ports: lists what there is.
        clock: monotonic, s.

    Attributes:
        foreign: always 0.
    """

    datagrams = False

    def __init__(
        self,
        baud: int,
        introduce: Callable[[], Introduces],
        name: str = "",
        ports: Callable[[], Iterable[PortInfo]] = list_ports.comports,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.foreign = 0
        self._baud = baud
        self._introduce = introduce
        self._name = name
        self._ports = ports
        self._clock = clock
        self._known: Identity | None = None
        self._line: Transport | None = None
        self._candidates: list[_Candidate] = []
        self._opened_s = self._first_s = 0.0

    @property
    def description(self) -> str:
        """Which port, once it is found."""
        if self._line is not None:
            return f"{self._line.description}, found by itself"
        return f"USB ports at {self._baud} baud"

    def open(self, is_hub: IsHub | None = None) -> None:
        """Open the port that the hub was at before, or all that may be a hub's.

        Raises:
            NotFoundError, TransportError: why not, and what to do.
        """
        self.close()
        usb = [port for port in self._ports() if port.vid is not None]
        known = [port for port in usb if self._known is not None and _identity(port) == self._known]
        if len(known) == 1:
            line = self._through(SerialTransport(known[0].device, self._baud))
            line.open()
            self._line = line
            return
        likely = [port for port in usb if port.vid in MAKERS]
        refused = []
        for port in likely:
            serial = SerialTransport(port.device, self._baud)
            line = self._through(serial)
            try:
                line.open()
            except TransportError as error:
                refused.append(str(error))
                continue
            self._candidates.append(_Candidate(port, serial, line, self._introduce()))
        self._opened_s, self._first_s = self._clock(), float("inf")
        if self._candidates:
            return
        if refused:
            raise NotFoundError(f"no USB port can be listened to: {'; '.join(refused)}")
        others = f", only {_listed(usb)}, whose makers are not known for hubs" if usb else ""
        raise NotFoundError(
            f"no hub on USB: found no USB serial port{others}; plug the hub in, or set `port` to its name"
        )

    def read(self, timeout_s: float) -> bytes:
        """Bytes of the hub, b"" while it is looked for; raises `TransportError`."""
        if self._line is not None:
            return self._line.read(timeout_s)
        if not self._candidates:
            raise LostError(f"{self.description} is not open")
        self._listen(timeout_s)
        chosen = self._choice(self._clock())
        if chosen is None:
            return b""
        self._line, self._known = chosen.line, _identity(chosen.info)
        for other in self._candidates:
            if other is not chosen:
                self._leave(other.line)
        self._candidates = []
        return bytes(chosen.said)

    def write(self, data: bytes) -> None:
        """Send to the hub; while it is looked for, to those that speak as hubs do and have not said who they are."""
        if self._line is not None:
            self._line.write(data)
            return
        for candidate in self._candidates:
            if candidate.introduction.speaks and candidate.introduction.name is None:
                candidate.line.write(data)

    def close(self) -> None:
        """Close all that is open; the hub is still known."""
        line, self._line = self._line, None
        candidates, self._candidates = self._candidates, []
        for each in (*([] if line is None else [line]), *(candidate.line for candidate in candidates)):
            self._leave(each)

    def _leave(self, line: Transport) -> None:
        line.close()

    def _through(self, line: SerialTransport) -> Transport:
        """What is heard and asked through; of a hub without a key the line itself."""
        return line

    def _listen(self, timeout_s: float) -> None:
        lines = {candidate.port.fileno(): candidate for candidate in self._candidates}
        for number in select.select(list(lines), [], [], timeout_s)[0]:
            candidate = lines[number]
            try:
                data = candidate.line.read(0.0)
            except LostError:
                self._leave(candidate.line)
                self._candidates.remove(candidate)
                continue
            if not candidate.introduction.speaks and len(candidate.said) + len(data) > _KEPT_BYTES:
                candidate.said.clear()
            candidate.said += data
            candidate.introduction.hear(data)
            if candidate.introduction.name is not None:
                self._first_s = min(self._first_s, self._clock())
        if not self._candidates:
            raise LostError("lost all USB ports; they are looked for again by themselves")

    def _choice(self, now_s: float) -> _Candidate | None:
        """The hub, once it is sure.

        Raises:
            TransportError: there are several, another one, or none.
        """
        hubs = [candidate for candidate in self._candidates if candidate.introduction.name is not None]
        if self._name:
            wanted = [hub for hub in hubs if hub.introduction.name == self._name]
            if wanted:
                return wanted[0]
        elif hubs and (len(self._candidates) == len(hubs) or now_s - self._first_s > OTHERS_S):
            if len(hubs) == 1:
                return hubs[0]
            raise TransportError(
                f"expected one hub, found {len(hubs)}: {', '.join(map(str, hubs))}; set `hub_id` to one of these names"
                f"{', or `port` to one of these ports' if len({h.introduction.name for h in hubs}) < len(hubs) else ''}"
            )
        if now_s - self._opened_s <= LISTEN_S:
            return None
        heard = ", ".join(candidate.info.device for candidate in self._candidates)
        refusals = [f"{c.info.device}: {c.introduction.refusal}" for c in self._candidates if c.introduction.refusal]
        if hubs:
            raise NotFoundError(
                f"expected the hub {self._name!r}, found {', '.join(map(str, hubs))}; set `hub_id` to one of these"
                f"{''.join(f'; {refusal}' for refusal in refusals)}"
            )
        if refusals:
            raise NotFoundError("; ".join(refusals))
        raise NotFoundError(
            f"no hub on USB: listened {LISTEN_S:g} s to {heard} and heard none; check the hub's power, that `baud` is "
            "the hub's, or set `port` to its name"
        )


class FoundCheckedTransport(FoundSerialTransport):
    """As `FoundSerialTransport`, of a hub that has a key: who shows none at a port is not the hub.

    Args:
        baud, introduce, name, ports, clock: as of `FoundSerialTransport`.
        check: lets through what the hub sealed; see `hubs.sealed`.
    """

    def __init__(
        self,
        baud: int,
        introduce: Callable[[], Introduces],
        check: Callable[[Transport], CheckedTransport],
        name: str = "",
        ports: Callable[[], Iterable[PortInfo]] = list_ports.comports,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(baud, introduce, name, ports, clock)
        self._check = check
        self._rejected: Counter[str] = Counter()
        self._last_reject = ""
        self._received = 0

    @property
    def rejected(self) -> Mapping[str, int]:
        """Of all ports that were listened to so far, by reason."""
        total = self._rejected.copy()
        for line in self._checked_lines():
            total.update(line.rejected)
        return total

    @property
    def last_reject(self) -> str:
        """The newest of them, for people."""
        return next((line.last_reject for line in self._checked_lines() if line.last_reject), self._last_reject)

    @property
    def received(self) -> int:
        """Bytes so far."""
        return self._received + sum(line.received for line in self._checked_lines())

    def _checked_lines(self) -> list[CheckedTransport]:
        lines = [self._line, *(candidate.line for candidate in self._candidates)]
        return [line for line in lines if isinstance(line, CheckedTransport)]

    def _through(self, line: SerialTransport) -> Transport:
        return self._check(line)

    def _leave(self, line: Transport) -> None:
        if isinstance(line, CheckedTransport):
            self._rejected.update(line.rejected)
            self._last_reject = line.last_reject or self._last_reject
            self._received += line.received
        super()._leave(line)


def _identity(port: PortInfo) -> Identity | None:
    """What stays the same when a device is plugged in again; None without a serial number."""
    return (port.vid, port.pid, port.serial_number) if port.serial_number else None


def _listed(ports: Sequence[PortInfo]) -> str:
    return ", ".join(f"{port.device} ({port.vid or 0:04x}:{port.pid or 0:04x})" for port in ports)

"""What a source's text means: a serial port, a UDP address, a recording, or a simulated hub."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from face_capture.errors import SourceError
from face_capture.simulator import SimulatedHubProcess
from imu_driver.hubs import INTRODUCTIONS, MANY_SENDERS
from imu_driver.recorded_bytes import RecordedBytesTransport, RecordingTransport
from imu_driver.serial_finder import AUTO, FoundCheckedTransport, FoundSerialTransport
from imu_driver.serial_port import SerialTransport
from imu_driver.transport import CheckedTransport, Transport, TransportError
from imu_driver.udp import UdpTransport
from imu_driver.udp_addresses import parse_address
from imu_driver.udp_senders import UdpSendersTransport

UDP, RECORDED, SIMULATED = "udp://", "recorded:", "simulated"

SLOWEST_BAUD, FASTEST_BAUD = 9_600, 12_000_000
"""Bounds of the driver's parameter `baud`."""
BAUD = 921_600
"""Of a serial port, bits per second, as `config/imu_driver.yaml`; USB hubs without a line behind them ignore it."""


@dataclass(frozen=True)
class Source:
    """Where bytes come from.

    Attributes:
        transport: to be given to a hub, which opens and closes it.
        is_recording: whether it ends, and is read as fast as asked.
        simulator: process that stands behind it, if any.
        recorder: the transport, where it also writes what it reads.
    """

    transport: Transport
    is_recording: bool = False
    simulator: SimulatedHubProcess | None = None
    recorder: RecordingTransport | None = None

    def close(self) -> None:
        """End the process and the file behind the transport; may be called twice."""
        if self.recorder is not None:
            self.recorder.close_file()
        if self.simulator is not None:
            self.simulator.close()


def open_source(
    text: str,
    layout: str,
    baud: int = BAUD,
    record: str | Path | None = None,
    hub: str = "imusic_v1",
    guard: Callable[[Transport], CheckedTransport] | None = None,
) -> Source:
    """The transport that a text means; a simulated hub is started here.

    Args:
        text: as `face_capture.open_capture` takes it.
        layout: of the sensors, for a simulated hub.
        baud: of a serial port, bits per second.
        record: file that all bytes are also written to.
        hub: kind of hub, which may have several senders on one UDP port.
        guard: makes a transport that lets only the hub with the right key through; what it lets through is recorded.

    Raises:
        SourceError: the text means none, there is no such recording, or it cannot be recorded.
    """
    if text.startswith(RECORDED):
        if record is not None:
            raise SourceError(f"expected a live source to record, found {text}; copy the file instead")
        try:
            return Source(RecordedBytesTransport(text.removeprefix(RECORDED)), is_recording=True)
        except (TransportError, ValueError) as error:  # ValueError: a NUL in the path
            raise SourceError(str(error)) from error
    kind, _, motion = text.partition(":")
    simulator = SimulatedHubProcess(motion, layout) if kind == SIMULATED else None
    if guard is not None and text == AUTO and hub in INTRODUCTIONS:
        transport: Transport = FoundCheckedTransport(baud, INTRODUCTIONS[hub], guard)
    else:
        transport = SerialTransport(str(simulator.port), baud) if simulator else _line(text, baud, hub)
        transport = transport if guard is None else guard(transport)
    if record is None:
        return Source(transport, simulator=simulator)
    try:
        recorder = RecordingTransport(transport, record)
    except OSError as error:
        if simulator is not None:
            simulator.close()
        raise SourceError(f"expected to write the recording {record}, found {error}; give another path") from error
    return Source(recorder, simulator=simulator, recorder=recorder)


def _line(text: str, baud: int, hub: str) -> Transport:
    if text.startswith(UDP):
        try:
            address = parse_address(text.removeprefix(UDP))
        except ValueError:
            address = None
        if address is None:
            raise SourceError(f"expected udp://HOST:PORT to listen on, such as udp://0.0.0.0:5055, found {text!r}")
        return UdpSendersTransport(*address) if hub in MANY_SENDERS else UdpTransport(*address)
    if hub in MANY_SENDERS:
        raise SourceError(f"expected udp://HOST:PORT, as for hubs of kind {hub}, found {text!r}")
    if text == AUTO and hub in INTRODUCTIONS:
        return FoundSerialTransport(baud, INTRODUCTIONS[hub])
    if text.startswith("/"):
        return SerialTransport(text, baud)
    raise SourceError(
        "expected a serial port such as /dev/ttyUSB0, auto, udp://HOST:PORT, simulated, simulated:MOTION or "
        f"recorded:FILE, found {text!r}"
    )

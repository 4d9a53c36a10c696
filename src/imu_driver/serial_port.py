"""A hub on a serial line, by pyserial."""

from __future__ import annotations

import contextlib
import errno
import os
import select

import serial

from imu_driver.terminals import worker_in
from imu_driver.transport import BusyError, DeniedError, IsHub, LostError, NotFoundError, TransportError

READ_SIZE = 65536
"""More than a line holds."""

WRITE_TIMEOUT_S = 0.5
"""Commands are tens of bytes: longer means that nobody takes them."""


class SerialTransport:
    """A serial port, held exclusively.

    Args:
        port: device, e.g. `/dev/ttyUSB0`; a name under `/dev/serial/by-id` stays the same after replugging.
        baud: bits per second; ignored by USB hubs that have no line behind them.

    Attributes:
        foreign: always 0, a line has one sender.
        low_latency: whether the driver agreed to hand over bytes at once; many USB adapters else wait up to 16 ms.
    """

    def __init__(self, port: str, baud: int) -> None:
        self.port = port
        self.baud = baud
        self.foreign = 0
        self.low_latency = False
        self._serial: serial.Serial | None = None

    @property
    def datagrams(self) -> bool:
        """Never: a line has one sender."""
        return False

    @property
    def description(self) -> str:
        """Port and speed."""
        return f"serial port {self.port} at {self.baud} baud"

    def open(self, is_hub: IsHub | None = None) -> None:
        """Open the port.

        Raises:
            NotFoundError, BusyError, DeniedError, TransportError: why not, and what to do.
        """
        self.close()
        worker = worker_in(self.port)
        if worker:
            raise BusyError(
                f"{self.description}: it is the terminal of {worker}, no hub's; did a simulated hub leave a link? "
                "start that hub again, or correct `port`"
            )
        try:
            self._serial = serial.Serial(
                self.port, self.baud, timeout=0, write_timeout=WRITE_TIMEOUT_S, exclusive=True, rtscts=False
            )
        except ValueError as error:
            raise TransportError(f"{self.description}: the port does not take these settings ({error})") from error
        except OSError as error:
            raise self._opening_error(error) from error
        self.low_latency = self._ask_for_low_latency(self._serial)

    def read(self, timeout_s: float) -> bytes:
        """Bytes waiting, or the first that come within `timeout_s`; raises `LostError`."""
        port = self._opened()
        try:
            # Not pyserial's read: it makes five system calls of what takes two.
            line = port.fileno()
            if not select.select([line], [], [], timeout_s)[0]:
                return b""
            data = os.read(line, READ_SIZE)
        except BlockingIOError:
            return b""
        except (OSError, TypeError) as error:
            # TypeError: a port that is closed meanwhile has no descriptor.
            raise self._lost(error) from error
        if not data:
            raise self._lost(OSError("it has bytes, but gives none"))
        return data

    def write(self, data: bytes) -> None:
        """Send; raises `LostError`."""
        port = self._opened()
        try:
            port.write(data)
        except OSError as error:
            raise self._lost(error) from error

    def fileno(self) -> int:
        """Descriptor to wait on; raises `LostError`."""
        try:
            return int(self._opened().fileno())
        except (OSError, TypeError) as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Give the port back."""
        port, self._serial = self._serial, None
        if port is not None:
            # The descriptor of an unplugged port may not close cleanly; it is gone either way.
            with contextlib.suppress(OSError):
                port.close()

    def _opened(self) -> serial.Serial:
        if self._serial is None:
            raise LostError(f"{self.description} is not open")
        return self._serial

    def _lost(self, error: Exception) -> LostError:
        return LostError(
            f"lost {self.description} ({error}); check the cable and the hub's power, it is picked up again by itself"
        )

    def _opening_error(self, error: OSError) -> TransportError:
        number = error.errno
        if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
            return NotFoundError(
                f"{self.description}: no such port; plug the hub in, or set `port` (`ls /dev/serial/by-id` lists ports)"
            )
        if number in (errno.EACCES, errno.EPERM):
            return DeniedError(
                f"{self.description}: permission denied; add yourself to the group that owns it "
                "(`sudo usermod -aG dialout $USER`) and log in again"
            )
        if number in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK):
            return BusyError(
                f"{self.description}: another program holds it; close that program (`fuser {self.port}` names it)"
            )
        return TransportError(f"{self.description}: cannot be opened as a serial port ({error})")

    @staticmethod
    def _ask_for_low_latency(port: serial.Serial) -> bool:
        try:
            port.set_low_latency_mode(True)
        except (OSError, ValueError, NotImplementedError, AttributeError):
            # Pseudo-terminals and USB-CDC hubs have no such mode, and no such wait either.
            return False
        return True

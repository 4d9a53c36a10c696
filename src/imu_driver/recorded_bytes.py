"""What a hub sent, as bytes in a file: written beside a live connection, read back as a transport.

The file: the 8 bytes of `MAGIC`, then for each piece as it was read `arrival_s` (float64, s on the host's monotonic
clock), `size` (uint32) and `size` bytes, all little endian. A read that found nothing is a piece of no bytes: it tells
a hub that was late from a host that was. What the host sent stands between the frames it read, as on a line that
echoes: from its pings a listener learns the hub's clock as the live connection did.
"""

from __future__ import annotations

import contextlib
import math
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

from imu_driver.transport import EndedError, IsHub, LostError, NotFoundError, Transport, TransportError

MAGIC: Final = b"IMUBYTE1"
"""First bytes of every recording: the format and its version."""

LONGEST: Final = 1 << 24
"""Most bytes of one piece; no transport reads as much at once, so a larger size is damage."""

_HEAD: Final = struct.Struct("<dI")

_FRAME_END: Final = b"\0"
_LONGEST_FRAME: Final = 1 << 16
"""What is longer without an end is no frame, and is written as it came."""


class RecordedBytesTransport:
    """A recording instead of a line: reads as fast as asked, sends nothing, ends.

    Args:
        path: of the recording.

    Attributes:
        foreign: always 0.

    Raises:
        NotFoundError, TransportError: there is no such file, or it is no recording.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.foreign = 0
        self._arrival_s = 0.0
        self._file: IO[bytes] | None = None
        self.open()
        self.close()

    @property
    def datagrams(self) -> bool:
        """Never: what was recorded came from the hub."""
        return False

    @property
    def description(self) -> str:
        """The file."""
        return f"recording {self.path}"

    def clock(self) -> float:
        """When the piece that was read last had arrived, s on the clock of the recording host."""
        return self._arrival_s

    def open(self, is_hub: IsHub | None = None) -> None:
        """Begin at the beginning; raises `NotFoundError`, `TransportError`."""
        self.close()
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise NotFoundError(f"{self.description}: cannot be read ({error})") from error
        found = file.read(len(MAGIC))
        if found != MAGIC:
            file.close()
            raise TransportError(f"{self.description}: expected a file that begins with {MAGIC!r}, found {found!r}")
        self._arrival_s = 0.0
        self._file = file

    def read(self, timeout_s: float) -> bytes:
        """The next piece, at once.

        Raises:
            EndedError: there is none, or the file is cut short or damaged here.
        """
        if self._file is None:
            raise LostError(f"{self.description} is not open")
        head = self._file.read(_HEAD.size)
        if not head:
            raise EndedError(f"{self.description} has ended")
        arrival_s, size = _HEAD.unpack(head) if len(head) == _HEAD.size else (self._arrival_s, LONGEST + 1)
        data = self._file.read(size) if size <= LONGEST else b""
        if len(data) != size or not self._arrival_s <= arrival_s < math.inf:
            raise EndedError(f"{self.description} is cut short or damaged after {self._arrival_s:.3f} s")
        self._arrival_s = arrival_s
        return data

    def write(self, data: bytes) -> None:
        """Do nothing: a recording hears nothing."""

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


class RecordingTransport:
    """A transport that also writes all it reads and sends to a file, from the first opening until `close_file`.

    Args:
        transport: the live connection.
        path: of the recording, replaced if it is there.
        clock: host monotonic time, s.

    Attributes:
        problem: why the recording has ended early; empty as long as all was written.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, transport: Transport, path: str | Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._transport = transport
        self._clock = clock
        self.path = Path(path)
        self.problem = ""
        self._file: IO[bytes] | None = Path(path).open("wb")  # noqa: SIM115 - `close_file` closes it
        self._file.write(MAGIC)
        self._half_frame = b""

    @property
    def foreign(self) -> int:
        """Datagrams dropped because somebody else sent them."""
        return self._transport.foreign

    @property
    def datagrams(self) -> bool:
        """Of the transport that is recorded."""
        return self._transport.datagrams

    @property
    def description(self) -> str:
        """Where the bytes come from."""
        return self._transport.description

    def open(self, is_hub: IsHub | None = None) -> None:
        """Open; raises `TransportError`."""
        if self._half_frame:  # its other half will not come
            self._keep(self._half_frame + _FRAME_END)
            self._half_frame = b""
        self._transport.open(is_hub)

    def read(self, timeout_s: float) -> bytes:
        """What has arrived, at once, and recorded; raises `TransportError`.

        A file that takes no more ends the recording, not the connection: `problem` says so.
        """
        data = self._transport.read(timeout_s)
        waiting = self._half_frame + data
        end = len(waiting) if len(waiting) > _LONGEST_FRAME else waiting.rfind(_FRAME_END) + 1
        self._half_frame = waiting[end:]
        self._keep(waiting[:end])
        return data

    def write(self, data: bytes) -> None:
        """Send, and record it before a frame of which half was read; raises `TransportError`."""
        self._keep(data)
        self._transport.write(data)

    def close(self) -> None:
        """Close the connection; the recording goes on when it is opened again."""
        self._transport.close()

    def close_file(self) -> None:
        """End the recording; may be called twice, and raises nothing: `problem` says what went wrong."""
        if self._half_frame:
            self._keep(self._half_frame)
            self._half_frame = b""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                self._give_up(error)

    def _keep(self, data: bytes) -> None:
        if self._file is not None:
            try:
                write_piece(self._file, self._clock(), data)
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.problem = f"the recording {self.path} ends here: {error}; free space and begin another"
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # what could not be written cannot be flushed either
                file.close()


def write_piece(file: IO[bytes], arrival_s: float, data: bytes) -> None:
    """Append one piece to a file that begins with `MAGIC`."""
    file.write(_HEAD.pack(arrival_s, len(data)) + data)

"""The hub's serial line as a pseudo-terminal with a stable path."""

from __future__ import annotations

import errno
import hashlib
import os
import select
import socket
import tty
from pathlib import Path

from imu_sim.errors import SimulatorConfigError

_CHUNK = 65536


class PtyLink:
    """A pseudo-terminal whose other end drivers open like a serial port; they may close it and come back at any time.

    Args:
        link: symbolic link to make, so that the path is known beforehand; None: only the system's own path.

    Attributes:
        dropped: frames not written because nobody read and the line was full.
        device: the system's own path, another one each time that it is plugged in.
        plugged: whether it is there.

    Raises:
        SimulatorConfigError: the link cannot be made, or another simulated hub that runs has it.
    """

    def __init__(self, link: Path | None = None) -> None:
        self.dropped = 0
        self._claim = None if link is None else _claimed(link)
        self._link = link
        self.plugged = False
        self.plug()

    def plug(self) -> None:
        """Be there: like a USB port that appears, with a device of its own; does nothing if it is."""
        if self.plugged:
            return
        self._master, slave = os.openpty()
        # Raw from the start: no echo of our own bytes, no translation, before a driver sets its own mode.
        tty.setraw(slave)
        self.device = Path(os.ttyname(slave))
        # Not kept open: as long as no driver has it open the system reports a hang-up, and nothing stale piles up.
        os.close(slave)
        os.set_blocking(self._master, False)
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLIN)
        self.plugged = True
        if self._link is not None:
            self._make_link(self._link)

    def unplug(self) -> None:
        """Be gone, with the link; a driver that has it open is told of a hang-up."""
        if not self.plugged:
            return
        self.plugged = False
        os.close(self._master)
        if self._link is not None and self._link.is_symlink() and self._link.readlink() == self.device:
            self._link.unlink()

    @property
    def path(self) -> Path:
        """What a driver opens."""
        return self._link or self.device

    @property
    def fileno(self) -> int | None:
        """Descriptor to wait on, None while no driver has the line open."""
        return self._master if self.connected else None

    @property
    def connected(self) -> bool:
        """Whether a driver has the line open."""
        return self.plugged and not any(event & select.POLLHUP for _, event in self._poll.poll(0))

    def read(self) -> bytes:
        """What the driver wrote, empty if nothing or nobody."""
        if not self.plugged:
            return b""
        try:
            return os.read(self._master, _CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno == errno.EIO:  # no driver has it open
                return b""
            raise

    def write(self, frames: list[bytes]) -> None:
        """Send frames; whole frames are dropped where the line is full or nobody listens."""
        if not frames or not self.connected:
            return
        for index, frame in enumerate(frames):
            if not self._write(frame):
                self.dropped += len(frames) - index
                return

    def _write(self, frame: bytes) -> bool:
        try:
            written = os.write(self._master, frame)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno == errno.EIO:
                return False
            raise
        # A frame cut short is rejected by its checksum, as on a real line that overflows.
        return written == len(frame)

    def close(self) -> None:
        """Close the line and remove the link if it is still ours."""
        self.unplug()
        if self._claim is not None:
            self._claim.close()

    def _make_link(self, link: Path) -> None:
        if link.exists() and not link.is_symlink():
            raise SimulatorConfigError(f"expected to make a link at {link}, found a file there; give another --link")
        # Made beside and renamed, so that a driver never finds the path absent while an old link is replaced.
        fresh = link.with_name(f".{link.name}.{os.getpid()}")
        try:
            link.parent.mkdir(parents=True, exist_ok=True)
            fresh.symlink_to(self.device)
            fresh.replace(link)
        except OSError as error:
            raise SimulatorConfigError(
                f"expected to make a link at {link}, found: {error}; give another --link"
            ) from error


def _claimed(link: Path) -> socket.socket:
    """A claim to a path that ends with the process, however it ends, and leaves nothing behind.

    A name in Linux's abstract space of sockets: a link that is there says nothing of whether its hub still runs.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    name = hashlib.sha256(os.fsencode(link.parent.resolve() / link.name)).hexdigest()
    try:
        claim.bind(f"\0imusic_hub_{name}")
    except OSError as error:
        claim.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise SimulatorConfigError(
            f"expected no hub at {link}, found a simulated one that runs; give this one another --link, or end that one"
        ) from error
    return claim

"""A file that a recording grows in: what could not be written is tried again, and a full disk has a reserve."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

MARK_FILE = ".recording"
"""In the folder of a recording that goes on, locked; or that was cut off, and then is not locked."""
RESERVE_FILE = ".reserve"
RESERVE_BYTES = 8 << 20
"""Freed where the disk is full, so that what waits in memory and the index still have room."""


class GrowingFile:
    """What the MCAP library writes to: bytes wait in memory until `flush`, so that a failed write can be repeated.

    Args:
        path: of a file that does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._waiting = bytearray()
        self._written = 0

    def write(self, data: bytes) -> int:
        """Take bytes."""
        self._waiting += data
        return len(data)

    def tell(self) -> int:
        """Length of the file when all has been written."""
        return self._written + len(self._waiting)

    def flush(self) -> None:
        """Write what waits.

        Raises:
            OSError: it cannot be written, such as ENOSPC; what was not written still waits.
        """
        while self._waiting:
            count = os.write(self._file, self._waiting)
            self._written += count
            del self._waiting[:count]

    def sync(self) -> None:
        """Have the disk keep what was written, should the power fail.

        Raises:
            OSError: it cannot.
        """
        os.fsync(self._file)

    def close(self) -> None:
        """Close; what waits is lost."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class FolderMark:
    """Marks a folder as one in which a recording goes on, as long as the process lives.

    Args:
        folder: of the take.

    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / MARK_FILE
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self, finished: bool) -> None:
        """End it; where the recording was not finished the mark stays, and tells that it is to be mended."""
        if self._file < 0:
            return
        if finished:
            self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = -1


def is_marked(folder: Path) -> bool:
    """Whether a recording goes on in a folder, or was cut off."""
    return (folder / MARK_FILE).exists()


def take_over(folder: Path) -> FolderMark | None:
    """The mark of a folder; None while a recording goes on in it.

    Raises:
        OSError: the folder cannot be written.
    """
    try:
        return FolderMark(folder)
    except BlockingIOError:
        return None


def make_reserve(folder: Path) -> None:
    """Take `RESERVE_BYTES` of the disk.

    Raises:
        OSError: they are not there.
    """
    path = folder / RESERVE_FILE
    try:
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def free_reserve(folder: Path) -> None:
    """Give it back; nothing happens where there is none."""
    (folder / RESERVE_FILE).unlink(missing_ok=True)

"""Files that are their owner's alone, and whole whatever happens to their writer or to the machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600
PART = ".part"
"""How a file that is being written ends, where the system has none without a name."""


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file by one that is on the disk before it has the name, and is the owner's alone from the start.

    A writer that is killed leaves the old file, and beside it at most one that ends in `PART` and that nobody holds a
    lock on. Raises `OSError`.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}{PART}")
    descriptor = _unnamed_file(path.parent)
    named = descriptor is None
    if descriptor is None:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), FILE_MODE)  # a umask may have taken from the owner
            os.fsync(file.fileno())
            if not named:
                _give_name(file.fileno(), part)
                named = True
            part.replace(path)
        except OSError:
            if named:
                with contextlib.suppress(OSError):
                    part.unlink()
            raise
    sync_folder(path.parent)


def _unnamed_file(folder: Path) -> int | None:
    """A file that vanishes with its writer; None where the system has none."""
    try:
        return os.open(folder, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, FILE_MODE)
    except (AttributeError, OSError):
        return None


def _give_name(descriptor: int, path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # With a folder's descriptor it is linkat, which follows the link of /proc to the file itself.
        os.link(f"/proc/self/fd/{descriptor}", path.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def sync_folder(folder: Path) -> None:
    """Put on the disk which files a folder has; raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def delete_if_unlocked(file: Path) -> None:
    """Delete a file, unless a writer holds it or it cannot be deleted."""
    with contextlib.suppress(OSError), file.open("rb") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink()

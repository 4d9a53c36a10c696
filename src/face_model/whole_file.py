"""Files that are written whole or not at all, and the question whether they can be, before work begins."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from face_model.errors import OutputError


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place, then rename it: whatever happens, there is the old file or the new one.

    Args:
        path: of the file; its folder exists.
        write: writes the file at the path that it is given, which has the same ending.

    Raises:
        OutputError: the disk is full or the folder cannot be written.
    """
    part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        write(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OutputError(
            f"expected to write {path}, found: {error.strerror or error}; make room or name another place"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def expect_writable(path: Path, make_folders: bool = False) -> None:
    """Find out before the work whether its result can be written.

    Args:
        path: of the file to come.
        make_folders: the folders that it needs will be made: what counts is the nearest one that is there.

    Raises:
        OutputError: there is no such folder, it cannot be written, or a folder has the file's name.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(None, f"{path} is a folder")
        folder = path.absolute().parent
        while make_folders and not folder.exists():
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(
            f"expected to write {path}, found: {error.strerror or error}; make the folder or name another place"
        ) from error

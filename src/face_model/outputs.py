"""Results as files: whether they can be written, found out before the work, and written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from face_model.errors import OutputError

_TRIED = b"\0" * 4096
"""One block: a disk without room refuses it."""


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


def write_private(path: Path, content: str | bytes) -> None:
    """The same for content at hand, in a file that only its owner may read (0600); raises `OutputError`."""
    data = content.encode("utf-8") if isinstance(content, str) else content

    def write(part: Path) -> None:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)

    write_whole(path, write)


def check_output_file(path: Path) -> Path:
    """The path, where a file can be written.

    Raises:
        OutputError: its folder is not there or takes no file, or a folder has the name.
    """
    if path.is_dir():
        raise OutputError(f"expected the name of a file to write, found the folder {path}; give a file's name")
    if not path.parent.is_dir():
        raise OutputError(f"expected the folder {path.parent} to write {path.name} into, found none; make it first")
    _try_to_write(path.parent)
    return path


def check_output_folder(path: Path) -> Path:
    """The path, where a folder is or can be made and files can be written into it.

    Raises:
        OutputError: a file has the name, or the folder cannot be made or written into.
    """
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise OutputError(f"expected a folder, or none yet, at {path}, found the file {there}; give another name")
    _try_to_write(there)
    return path


def _try_to_write(folder: Path) -> None:
    """Write a block to a file that has no name, or none any more, when this returns."""
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(_TRIED)
            trial.flush()
    except OSError as error:
        raise OutputError(
            f"expected to be able to write into {folder}, found: {error.strerror}; make room or give another place"
        ) from error

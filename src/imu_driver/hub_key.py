"""Files that hold the key of a hub: 64 hexadecimal digits, readable by their owner only."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from pathlib import Path
from typing import Final

from face_model.errors import ImusicError

KEY_BYTES: Final = 32

_MOST_BYTES: Final = 4096
_DIGITS: Final = re.compile(rb"[0-9a-fA-F]{64}")


class HubKeyError(ImusicError, ValueError):
    """A key file that cannot be used or made. The message never holds what is in it."""


def load_key(path: str | Path) -> bytes:
    """The key in a file; lines that begin with # are remarks.

    Raises:
        HubKeyError: no such file, others may read it, or it holds no key.
    """
    path = Path(path)
    try:
        path = path.expanduser()
        # A FIFO or a device must not keep us waiting; the rights are those of the file that is read.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError, RuntimeError) as error:
        raise HubKeyError(
            f"key file {path}: cannot be read ({error}); `imusic key {path}` makes one, or correct `key_file`"
        ) from error
    with contextlib.ExitStack() as opened:
        opened.callback(os.close, descriptor)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise HubKeyError(f"key file {path}: expected a file, found a folder or a device; correct `key_file`")
        if found.st_mode & 0o077:
            raise HubKeyError(
                f"key file {path}: expected a file that only its owner can read (mode 0600), found mode "
                f"{stat.S_IMODE(found.st_mode):04o}: `chmod 600 {path}`, and make another key if others could read it"
            )
        text = os.read(descriptor, _MOST_BYTES)
    lines = [line.strip() for line in text.splitlines()]
    keys = [line for line in lines if line and not line.startswith(b"#")]
    if len(keys) != 1 or not _DIGITS.fullmatch(keys[0]):
        raise HubKeyError(
            f"key file {path}: expected one line of {2 * KEY_BYTES} hexadecimal digits, found "
            f"{len(keys)} line{'s' * (len(keys) != 1)} and something else; `imusic key NEW_FILE` makes a key"
        )
    return bytes.fromhex(keys[0].decode("ascii"))


def make_key_file(path: str | Path) -> bytes:
    """Draw a key and write it to a new file that only its owner can read, in a folder that is made if need be.

    Raises:
        HubKeyError: the file is there already, or it or its folder cannot be written.
    """
    key = secrets.token_bytes(KEY_BYTES)
    place = Path(path).expanduser()
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise HubKeyError(f"{place}: cannot be written ({error}); give another path") from error
    _write_new(place, f"# The key of an imusic hub; docs/security.md\n{key.hex()}\n")
    return key


def write_header(path: str | Path, key: bytes) -> None:
    """The key as a C header for `firmware/esp32`, readable by its owner only.

    Raises:
        HubKeyError: the file is there already, or cannot be written.
    """
    rows = [", ".join(f"0x{byte:02x}" for byte in key[at : at + 8]) for at in range(0, KEY_BYTES, 8)]
    joined = ", \\\n     ".join(rows)
    _write_new(
        Path(path).expanduser(),
        f"/* The key of this hub: keep it to yourself. */\n#define HUB_KEY \\\n    {{{joined}}}\n",
    )


def _write_new(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask adds or takes
            file.write(text)
    except FileExistsError as error:
        raise HubKeyError(
            f"{path}: expected no such file, found one; give another name, or remove it if no hub uses it"
        ) from error
    except (OSError, ValueError) as error:
        raise HubKeyError(f"{path}: cannot be written ({error}); give another path") from error

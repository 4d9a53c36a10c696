"""`imusic key`: the key that a hub and its driver share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from face_model.share import expanded

console = Console(stderr=True, markup=False)


def key(
    file: Annotated[Path, typer.Argument(help="The key file: a new one is made, an old one is read.")],
    header: Annotated[
        Path | None, typer.Option(help="Write the key also as a C header, for firmware/esp32/main/hub_key.h.")
    ] = None,
) -> None:
    """Make a key for a hub on Wi-Fi: a file that only you can read. The key itself is never shown."""
    from imu_driver.hub_key import load_key, make_key_file, write_header

    path = expanded(file)
    if path.exists():
        found = load_key(path)
        console.print(f"read: {path}", highlight=False, soft_wrap=True)
    else:
        found = make_key_file(path)
        console.print(f"written: {path}", highlight=False, soft_wrap=True)
    if header is not None:
        write_header(expanded(header), found)
        console.print(f"written: {header}; build the firmware and flash it", highlight=False, soft_wrap=True)
    console.print(
        f"the driver: ./imusic capture --key-file {path}; docs/security.md says how the hub gets it",
        highlight=False,
        soft_wrap=True,
    )

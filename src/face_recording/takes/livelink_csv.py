"""A take as a CSV file of the app Live Link Face, which Unreal Engine and add-ons of Blender and Maya read.

Columns, their order and ten decimals are those of the app's own files; `face_model.livelink` reads both. A face that is
held over a gap is written as the app writes a lost face: a row that ends after its count, 0.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, rotation
from face_recording.takes.errors import TakeError
from face_recording.takes.take import NS, Take

DECIMALS: Final = 10
"""Of weights and angles, as the app writes them."""

COUNTED_HZ: Final = 60
"""The last field of the app's timecode counts 60ths of a second, whatever the frame rate."""

_SWAPPED: Final = {"jawLeft": "jawRight", "jawRight": "jawLeft", "mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}
"""The app lists right before left here."""

ORDER: Final = tuple(arkit.INDEX[_SWAPPED.get(name, name)] for name in arkit.BLENDSHAPES)
ANGLES: Final = (
    *("HeadYaw", "HeadPitch", "HeadRoll"),
    *("LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll", "RightEyeYaw", "RightEyePitch", "RightEyeRoll"),
)
COLUMNS: Final = tuple(arkit.BLENDSHAPES[i][0].upper() + arkit.BLENDSHAPES[i][1:] for i in ORDER) + ANGLES


def write_livelink(take: Take, path: Path) -> None:
    """Write a take, at the times of its faces, to exactly this path.

    Raises:
        TakeError: there are not two faces.
    """
    take = take.ordered()
    if len(take) < 2:
        raise TakeError(f"expected two faces or more for a CSV, found {len(take)}; record a longer take")
    codes = timecodes(take.stamps_ns, _zone(take.created))
    values = np.zeros((len(take), len(COLUMNS)))
    values[:, : arkit.COUNT] = take.weights[:, ORDER]
    values[:, arkit.COUNT : arkit.COUNT + 3] = head_angles(take.head_orientation)
    lost = take.held | ~np.isfinite(values).all(axis=1)
    cells = f"%.{DECIMALS}f," * len(COLUMNS)
    with path.open("w", encoding="ascii", newline="") as file:
        file.write(f"Timecode,BlendShapeCount,{','.join(COLUMNS)}\n")
        for code, row, absent in zip(codes, values.tolist(), lost.tolist(), strict=True):
            file.write(f"{code},0\n" if absent else f"{code},{len(COLUMNS)},{(cells % tuple(row))[:-1]}\n")


def head_angles(orientation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Yaw about up, pitch about the ears' axis, roll about the nose's, in this order, rad: (N, 4) -> (N, 3).

    The app's signs are documented nowhere; they are taken as the laboratory reads the app's files.
    """
    x, y, z, w = rotation.normalise(orientation).T
    yaw = np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    pitch = np.arcsin(np.clip(2.0 * (w * y - z * x), -1.0, 1.0))
    roll = np.arctan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
    return np.stack([yaw, pitch, roll], axis=1)


def timecodes(stamps_ns: NDArray[np.int64], zone: timezone) -> list[str]:
    """`HH:MM:SS:FF.fff` of each stamp, FF in 60ths of a second, by the clock of a time zone."""
    offset = zone.utcoffset(None)
    local = stamps_ns + round(offset.total_seconds()) * NS
    # In thousandths of a 60th, so that what is rounded up to a whole second goes on into the next.
    second, rest = np.divmod(local, NS)
    fine = (rest * (COUNTED_HZ * 1000) + NS // 2) // NS
    day = (second + fine // (COUNTED_HZ * 1000)) % 86400
    fine = fine % (COUNTED_HZ * 1000)
    return [
        f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}:{f // 1000:02d}.{f % 1000:03d}"
        for s, f in zip(day.tolist(), fine.tolist(), strict=True)
    ]


def _zone(created: str) -> timezone:
    """Of the recording, where it says so; else UTC, as the stamps."""
    offset = datetime.fromisoformat(created).utcoffset() if created else None
    return timezone(offset if offset is not None else timedelta(0))

"""What a part's datasheet says of its noise, as covariances of `sensor_msgs/Imu`.

The figures are those of config/parts, where each has its source: for the QMI8658 the datasheet of the QMI8658C, rev.
0.8 and rev. A, first page; for the ICM-42688-P DS-000347 rev. 1.6, tables 1 and 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from face_model.errors import SettingsError
from face_model.frames import GRAVITY_M_S2
from face_model.settings import read_mapping
from face_model.share import share_dir

NOISE_BANDWIDTH: Final = 1.22
"""White noise through a low-pass of second order that is 3 dB down at f has as much power as a sharp one's at 1.22 f
(1.11 for Butterworth, 1.22 for two equal poles, 1.57 for one pole): the parts' filters are of second order, of a shape
that most datasheets leave out."""

HEADING_VARIANCE: Final = math.pi**2 / 3.0
"""Of an angle of which nothing is known, rad2: that of a uniform distribution over a turn. No magnetometer is used."""


@dataclass(frozen=True)
class PartNoise:
    """Variances of one sample of a part, the same on each axis.

    Attributes:
        rate: of the angular velocity, rad2/s2: white noise and rounding.
        force: of the specific force, m2/s4: the same.
        inclination: of roll and pitch, rad2: what the accelerometer's offset tilts gravity by.
    """

    rate: float
    force: float
    inclination: float


@cache
def part_noise(part: str) -> PartNoise | None:
    """Of a part by its name, as the hub tells it; None where config/parts does not have it: nothing is made up."""
    path = share_dir() / "config" / "parts" / f"{part}.yaml"
    # The name comes from a hub: it may be anything.
    if not part.replace("-", "").isalnum() or not path.is_file():
        return None
    content = read_mapping(path, "a sensor part")
    if "gyro" not in content:
        return None
    try:
        gyro, accel = content["gyro"], content["accel"]
        rate = _variance(gyro, "noise_mdps_rthz", "resolution_mdps") * math.radians(1e-3) ** 2
        force = _variance(accel, "noise_ug_rthz", "resolution_ug") * (1e-6 * GRAVITY_M_S2) ** 2
        inclination = (1e-3 * float(accel["offset_mg"])) ** 2
    except (KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"{path}: expected a sensor part, found it without {error}; correct it") from error
    return PartNoise(rate, force, inclination)


def _variance(triad: Mapping[str, Any], density: str, resolution: str) -> float:
    """White noise in the part's bandwidth, and rounding to a whole count, in the file's unit, squared."""
    white = float(triad[density]) ** 2 * NOISE_BANDWIDTH * float(triad["bandwidth_hz"])
    return white + float(triad[resolution]) ** 2 / 12.0

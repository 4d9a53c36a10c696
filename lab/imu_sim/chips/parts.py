"""Sensor parts by datasheet: config/parts/*.yaml, in the datasheet's units, read into SI units.

A datasheet's "typical" plus-minus figure is taken as one standard deviation over units and axes, as Bosch Sensortec
defines it; other makers do not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from face_model.frames import GRAVITY_M_S2
from face_model.share import share_dir
from imu_sim.errors import ImuSimError

DEFAULT_PART = "QMI8658"
"""The part of the units that IMUSIC's authors built."""


@dataclass(frozen=True)
class Triad:
    """Errors of a three-axis sensor in its unit u: rad/s for a gyroscope, m/s2 for an accelerometer.

    Attributes:
        full_scale: end of the range, u.
        resolution: u of one count; 0: not quantised.
        noise_density: of the white noise, u/sqrt(Hz).
        bias_instability: floor of the Allan deviation, u.
        offset: standard deviation of the zero offset of a unit on its board as delivered, u.
        turn_on_bias: what differs from one power-up to the next, u.
        temperature_bias: change of the zero offset with temperature, u/K.
        scale_error: relative error of the sensitivity.
        temperature_scale: change of the sensitivity with temperature, 1/K.
        cross_axis: part of another axis' signal that an axis shows.
        bandwidth_hz: -3 dB frequency of the digital low-pass, Hz; infinite: none.
        gravity_sensitivity: of a gyroscope to specific force, (rad/s)/(m/s2).
    """

    full_scale: float
    resolution: float = 0.0
    noise_density: float = 0.0
    bias_instability: float = 0.0
    offset: float = 0.0
    turn_on_bias: float = 0.0
    temperature_bias: float = 0.0
    scale_error: float = 0.0
    temperature_scale: float = 0.0
    cross_axis: float = 0.0
    bandwidth_hz: float = float("inf")
    gravity_sensitivity: float = 0.0


@dataclass(frozen=True)
class SensorPart:
    """An IMU: a gyroscope and an accelerometer.

    Attributes:
        name: as reported in the hub's HELLO.
        gyro: rad/s.
        accel: m/s2.
    """

    name: str
    gyro: Triad
    accel: Triad

    @property
    def gyro_range_dps(self) -> int:
        """Full scale of the gyroscope in whole degrees per second, as the hub protocol has it."""
        return round(float(np.rad2deg(self.gyro.full_scale)))

    @property
    def accel_range_g(self) -> int:
        """Full scale of the accelerometer in whole standard gravities, as the hub protocol has it."""
        return round(self.accel.full_scale / GRAVITY_M_S2)


@dataclass(frozen=True)
class MagnetometerPart:
    """A three-axis magnetometer.

    Attributes:
        name: of the part.
        full_scale: end of the range, T.
        resolution: T of one count.
        noise: standard deviation of one sample, T.
        hard_iron: standard deviation of the constant field of the unit's own board that calibration left, T.
        soft_iron: standard deviation of the relative error that calibration left in each element of the matrix
            that maps field to reading.
    """

    name: str
    full_scale: float
    resolution: float = 0.0
    noise: float = 0.0
    hard_iron: float = 0.0
    soft_iron: float = 0.0


def perfect_part(gyro_range_dps: float = 1024.0, accel_range_g: float = 8.0) -> SensorPart:
    """No noise, no bias, no filter, no quantisation; only the ranges remain."""
    return SensorPart("perfect", Triad(float(np.deg2rad(gyro_range_dps))), Triad(accel_range_g * GRAVITY_M_S2))


_DEG = float(np.deg2rad(1.0))
_G = GRAVITY_M_S2
_GAUSS = 1e-4

_Key = tuple[str, float, float, float]
"""Attribute, SI units of one unit of the file, least and greatest value in the file's unit."""

_BOTH: dict[str, _Key] = {
    "scale_error_percent": ("scale_error", 0.01, 0.0, 20.0),
    "temperature_scale_percent_k": ("temperature_scale", 0.01, 0.0, 1.0),
    "cross_axis_percent": ("cross_axis", 0.01, 0.0, 20.0),
    "bandwidth_hz": ("bandwidth_hz", 1.0, 1.0, 4000.0),
}
_GYRO: dict[str, _Key] = {
    "range_dps": ("full_scale", _DEG, 1.0, 65535.0),
    "resolution_mdps": ("resolution", 1e-3 * _DEG, 0.01, 1000.0),
    "noise_mdps_rthz": ("noise_density", 1e-3 * _DEG, 0.0, 1000.0),
    "bias_instability_deg_h": ("bias_instability", _DEG / 3600.0, 0.0, 1000.0),
    "offset_dps": ("offset", _DEG, 0.0, 100.0),
    "turn_on_bias_dps": ("turn_on_bias", _DEG, 0.0, 100.0),
    "temperature_bias_mdps_k": ("temperature_bias", 1e-3 * _DEG, 0.0, 1000.0),
    "gravity_sensitivity_mdps_g": ("gravity_sensitivity", 1e-3 * _DEG / _G, 0.0, 1000.0),
    **_BOTH,
}
_ACCEL: dict[str, _Key] = {
    "range_g": ("full_scale", _G, 1.0, 255.0),
    "resolution_ug": ("resolution", 1e-6 * _G, 1.0, 1e5),
    "noise_ug_rthz": ("noise_density", 1e-6 * _G, 0.0, 1e5),
    "bias_instability_ug": ("bias_instability", 1e-6 * _G, 0.0, 1e5),
    "offset_mg": ("offset", 1e-3 * _G, 0.0, 1000.0),
    "turn_on_bias_mg": ("turn_on_bias", 1e-3 * _G, 0.0, 1000.0),
    "temperature_bias_mg_k": ("temperature_bias", 1e-3 * _G, 0.0, 100.0),
    **_BOTH,
}
_MAGNETOMETER: dict[str, _Key] = {
    "range_gauss": ("full_scale", _GAUSS, 0.5, 1000.0),
    "resolution_mgauss": ("resolution", 1e-3 * _GAUSS, 0.001, 1000.0),
    "noise_mgauss": ("noise", 1e-3 * _GAUSS, 0.0, 1000.0),
    "hard_iron_ut": ("hard_iron", 1e-6, 0.0, 1000.0),
    "soft_iron_percent": ("soft_iron", 0.01, 0.0, 50.0),
}


def part_names() -> tuple[str, ...]:
    """Names of the IMUs in the package's `config/parts`."""
    return tuple(name for name in _shipped() if "magnetometer" not in _content(_path(name)))


def load_part(name_or_path: str | Path = DEFAULT_PART) -> SensorPart:
    """Read an IMU by the path of a .yaml file, or by name from the package's `config/parts`.

    Raises:
        ImuSimError: no such file, not YAML, a missing or unknown key, a wrong type or a value out of range.
    """
    path = _path(name_or_path)
    content = _sections(path, ("gyro", "accel"))
    return SensorPart(
        content["name"],
        gyro=Triad(**_values(path, "gyro", content["gyro"], _GYRO)),
        accel=Triad(**_values(path, "accel", content["accel"], _ACCEL)),
    )


def load_magnetometer(name_or_path: str | Path = "QMC5883P") -> MagnetometerPart:
    """Read a magnetometer, as `load_part` reads an IMU.

    Raises:
        ImuSimError: as for `load_part`.
    """
    path = _path(name_or_path)
    content = _sections(path, ("magnetometer",))
    values = _values(path, "magnetometer", content["magnetometer"], _MAGNETOMETER)
    return MagnetometerPart(content["name"], **values)


def _shipped() -> list[str]:
    return sorted(path.stem for path in (share_dir() / "config" / "parts").glob("*.yaml"))


def _path(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"}:
        return path.expanduser()
    return share_dir() / "config" / "parts" / f"{name_or_path}.yaml"


def _content(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise ImuSimError(
            f"expected a sensor part at {path}, found no file; give the path of a .yaml file or one of the shipped "
            f"names: {', '.join(_shipped())}"
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ImuSimError(f"{path}: expected YAML, found: {error}") from error
    if not isinstance(content, Mapping):
        raise ImuSimError(f"{path}: expected a mapping of keys to values, found {content!r}")
    return content


def _sections(path: Path, sections: tuple[str, ...]) -> Mapping[str, Any]:
    content = _content(path)
    wanted = {"name", *sections}
    if set(content) != wanted:
        raise ImuSimError(f"{path}: expected the keys {_listed(wanted)}, found {_listed(content)}")
    if not isinstance(content["name"], str) or not content["name"]:
        raise ImuSimError(f"{path}: name: expected text, found {content['name']!r}")
    return content


def _values(path: Path, section: str, content: Any, keys: Mapping[str, _Key]) -> dict[str, float]:
    if not isinstance(content, Mapping):
        raise ImuSimError(f"{path}: {section}: expected a mapping of keys to numbers, found {content!r}")
    if set(content) != set(keys):
        missing, unknown = set(keys) - set(content), set(content) - set(keys)
        raise ImuSimError(f"{path}: {section}: missing: {_listed(missing)}; unknown: {_listed(unknown)}")
    values = {}
    for key, (attribute, factor, low, high) in keys.items():
        value = content[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ImuSimError(f"{path}: {section}.{key}: expected a number, found {value!r}")
        if not low <= value <= high:
            raise ImuSimError(f"{path}: {section}.{key}: expected {low:g} to {high:g}, found {value}")
        values[attribute] = float(value * factor)
    return values


def _listed(names: Any) -> str:
    return ", ".join(sorted(str(name) for name in names)) or "none"

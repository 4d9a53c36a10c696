"""Sensor parts by datasheet: config/parts/*.yaml, in the datasheet's units, read into SI units.

A datasheet's "typical" plus-minus figure is taken as one standard deviation over units and axes, as Bosch Sensortec
defines it; other makers do not say.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import numpy as np
from pydantic import Field

from face_model.frames import GRAVITY_M_S2
from face_model.settings import SettingsKind, read_mapping
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


@dataclass(frozen=True)
class _As:
    """Where a key of a file goes: the attribute, and one unit of the file in SI units."""

    attribute: str
    factor: float


def _between(least: float, greatest: float) -> Any:
    return Field(ge=least, le=greatest)


@dataclass(frozen=True)
class _BothFile:
    scale_error_percent: Annotated[float, _between(0.0, 20.0), _As("scale_error", 0.01)]
    temperature_scale_percent_k: Annotated[float, _between(0.0, 1.0), _As("temperature_scale", 0.01)]
    cross_axis_percent: Annotated[float, _between(0.0, 20.0), _As("cross_axis", 0.01)]
    bandwidth_hz: Annotated[float, _between(1.0, 4000.0), _As("bandwidth_hz", 1.0)]


@dataclass(frozen=True)
class _GyroFile(_BothFile):
    range_dps: Annotated[float, _between(1.0, 65535.0), _As("full_scale", _DEG)]
    resolution_mdps: Annotated[float, _between(0.01, 1000.0), _As("resolution", 1e-3 * _DEG)]
    noise_mdps_rthz: Annotated[float, _between(0.0, 1000.0), _As("noise_density", 1e-3 * _DEG)]
    bias_instability_deg_h: Annotated[float, _between(0.0, 1000.0), _As("bias_instability", _DEG / 3600.0)]
    offset_dps: Annotated[float, _between(0.0, 100.0), _As("offset", _DEG)]
    turn_on_bias_dps: Annotated[float, _between(0.0, 100.0), _As("turn_on_bias", _DEG)]
    temperature_bias_mdps_k: Annotated[float, _between(0.0, 1000.0), _As("temperature_bias", 1e-3 * _DEG)]
    gravity_sensitivity_mdps_g: Annotated[float, _between(0.0, 1000.0), _As("gravity_sensitivity", 1e-3 * _DEG / _G)]


@dataclass(frozen=True)
class _AccelFile(_BothFile):
    range_g: Annotated[float, _between(1.0, 255.0), _As("full_scale", _G)]
    resolution_ug: Annotated[float, _between(1.0, 100000.0), _As("resolution", 1e-6 * _G)]
    noise_ug_rthz: Annotated[float, _between(0.0, 100000.0), _As("noise_density", 1e-6 * _G)]
    bias_instability_ug: Annotated[float, _between(0.0, 100000.0), _As("bias_instability", 1e-6 * _G)]
    offset_mg: Annotated[float, _between(0.0, 1000.0), _As("offset", 1e-3 * _G)]
    turn_on_bias_mg: Annotated[float, _between(0.0, 1000.0), _As("turn_on_bias", 1e-3 * _G)]
    temperature_bias_mg_k: Annotated[float, _between(0.0, 100.0), _As("temperature_bias", 1e-3 * _G)]


@dataclass(frozen=True)
class _MagnetometerSection:
    range_gauss: Annotated[float, _between(0.5, 1000.0), _As("full_scale", _GAUSS)]
    resolution_mgauss: Annotated[float, _between(0.001, 1000.0), _As("resolution", 1e-3 * _GAUSS)]
    noise_mgauss: Annotated[float, _between(0.0, 1000.0), _As("noise", 1e-3 * _GAUSS)]
    hard_iron_ut: Annotated[float, _between(0.0, 1000.0), _As("hard_iron", 1e-6)]
    soft_iron_percent: Annotated[float, _between(0.0, 50.0), _As("soft_iron", 0.01)]


@dataclass(frozen=True)
class _PartFile:
    name: Annotated[str, Field(min_length=1)]
    gyro: _GyroFile
    accel: _AccelFile


@dataclass(frozen=True)
class _MagnetometerFile:
    name: Annotated[str, Field(min_length=1)]
    magnetometer: _MagnetometerSection


_PARTS = SettingsKind("sensor part", _PartFile, ImuSimError, folder="parts")
_MAGNETOMETERS = SettingsKind("magnetometer", _MagnetometerFile, ImuSimError, folder="parts")


def part_names() -> tuple[str, ...]:
    """Names of the IMUs in the package's `config/parts`."""
    return tuple(n for n in _PARTS.names() if "gyro" in read_mapping(_PARTS.find(n), "a sensor part", ImuSimError))


def load_part(name_or_path: str | Path = DEFAULT_PART) -> SensorPart:
    """Read an IMU by the path of a .yaml file, or by name from the package's `config/parts`.

    Raises:
        ImuSimError: no such file, not YAML, a missing or unknown key, a wrong type or a value out of range.
    """
    file = _PARTS.load(name_or_path)
    return SensorPart(file.name, Triad(**_si(file.gyro)), Triad(**_si(file.accel)))


def load_magnetometer(name_or_path: str | Path = "QMC5883P") -> MagnetometerPart:
    """Read a magnetometer, as `load_part` reads an IMU.

    Raises:
        ImuSimError: as for `load_part`.
    """
    file = _MAGNETOMETERS.load(name_or_path)
    return MagnetometerPart(file.name, **_si(file.magnetometer))


def _si(section: Any) -> dict[str, float]:
    """Values of a section by attribute, in SI units."""
    hints = get_type_hints(type(section), include_extras=True)
    places = {f.name: next(m for m in hints[f.name].__metadata__ if isinstance(m, _As)) for f in fields(section)}
    return {place.attribute: getattr(section, key) * place.factor for key, place in places.items()}

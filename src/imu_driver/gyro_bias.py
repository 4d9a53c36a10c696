"""Gyroscope biases that the driver's own fusion found, kept from one run of the driver to the next.

A bias is the part's and changes with its temperature: it belongs to one unit of one hub. A file for each hub in the
user's state folder; what is of another part, damaged or impossible is left out, and the fusion begins as it does for a
hub that is new. What is kept is only where it begins: a bias that is known less well than a fresh one is not kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_model.errors import ImusicError
from imu_driver.hub import GyroBias, HubIdentity, HubSensor

LEAST_DEVIATION_RAD_S = float(np.deg2rad(0.15))
"""What a kept bias is believed to at best: parts warm up, and rest on another day tells another value."""

MOST_DEVIATION_RAD_S = float(np.deg2rad(0.25))
"""What is known less well is not kept; a fresh filter begins with 0.5 degrees a second."""

MOST_BIAS_RAD_S = float(np.deg2rad(4.0))
"""No part that is glued to faces has more."""

PERIOD_S = 60.0
"""Kept so often, and when the driver stops."""

_VERSION = 1
_MOST_BYTES = 1 << 18
_MOST_UNITS = 255


class GyroBiasError(ImusicError):
    """A file of biases cannot be read or written."""


@dataclass(frozen=True)
class GyroBiasFile:
    """Biases of one hub.

    Attributes:
        path: of the file, which need not be there.
    """

    path: Path

    @classmethod
    def of(cls, folder: Path, identity: HubIdentity, where: str = "") -> GyroBiasFile:
        """That of a hub, by its name; `where` says which one it is of those whose kind has one name for all."""
        whole = f"{identity.name} {where}" if where else identity.name
        digest = hashlib.sha256(whole.encode(errors="replace")).hexdigest()[:12]
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", identity.name)[:40]
        return cls(folder / "gyro_bias" / f"{plain}-{digest}.json")

    def load(self, identity: HubIdentity) -> dict[int, GyroBias]:
        """By the units' numbers: of those that are still of the same part and range.

        Raises:
            GyroBiasError: it is damaged, or cannot be read.
        """
        units = self._units()
        return {s.id: found for s in identity.sensors if (found := _bias_from(units.get(str(s.id)), s)) is not None}

    def save(self, identity: HubIdentity, biases: Mapping[int, GyroBias]) -> int:
        """Keep those that are known well enough, beside those of other units; how many these are.

        Raises:
            GyroBiasError: the file cannot be written.
        """
        sensors = {s.id: s for s in identity.sensors}
        known = {
            str(i): _told(bias, sensors[i])
            for i, bias in biases.items()
            if i in sensors and bias.deviation_rad_s <= MOST_DEVIATION_RAD_S and _possible(bias)
        }
        if not known:
            return 0
        try:
            kept = self._units()
        except GyroBiasError:
            kept = {}  # it is written anew
        units = dict(list((kept | known).items())[-_MOST_UNITS:])
        text = json.dumps({"version": _VERSION, "hub": identity.name, "units": units}, indent=1)
        part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                part.write_text(text + "\n", encoding="utf-8")
                part.replace(self.path)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    part.unlink()
        except OSError as error:
            raise GyroBiasError(f"gyroscope biases are not kept: {error}; check `state_folder`") from error
        return len(known)

    def _units(self) -> dict[str, Any]:
        try:
            with self.path.open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
            content = json.loads(data) if len(data) <= _MOST_BYTES else None
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise GyroBiasError(f"{self.path}: expected gyroscope biases, found {error}; delete it") from error
        told = content if isinstance(content, dict) else {}
        units = told.get("units")
        if not isinstance(units, dict) or told.get("version") != _VERSION:
            raise GyroBiasError(f"{self.path}: expected gyroscope biases of version {_VERSION}; delete it")
        return units


def _told(bias: GyroBias, sensor: HubSensor) -> dict[str, Any]:
    return {
        "part": sensor.part,
        "range_rad_s": round(sensor.gyro_range_rad_s, 6),
        "bias_rad_s": list(bias.bias_rad_s),
        "deviation_rad_s": bias.deviation_rad_s,
    }


def _bias_from(told: Any, sensor: HubSensor) -> GyroBias | None:
    """None: of another part, or nothing that can be."""
    try:
        if (told["part"], told["range_rad_s"]) != (sensor.part, round(sensor.gyro_range_rad_s, 6)):
            return None
        x, y, z = (float(v) for v in told["bias_rad_s"])
        bias = GyroBias((x, y, z), max(LEAST_DEVIATION_RAD_S, float(told["deviation_rad_s"])))
    except (TypeError, KeyError, ValueError, OverflowError):
        return None
    return bias if _possible(bias) and bias.deviation_rad_s <= MOST_DEVIATION_RAD_S else None


def _possible(bias: GyroBias) -> bool:
    numbers = (*bias.bias_rad_s, bias.deviation_rad_s)
    return all(map(math.isfinite, numbers)) and bias.deviation_rad_s > 0.0 and _size(bias) <= MOST_BIAS_RAD_S


def _size(bias: GyroBias) -> float:
    return math.sqrt(sum(v * v for v in bias.bias_rad_s))

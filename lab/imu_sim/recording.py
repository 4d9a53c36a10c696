"""Paired IMU signals and face motion, as simulated or recorded, and its file."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.npz import DAMAGE, read_arrays, write_arrays
from face_model.outputs import write_whole
from imu_sim.errors import DatasetError

_MOST_BYTES = 4 << 30
"""Of a take: a day of twelve sensors at 100 Hz has 4.2 GB."""


@dataclass(frozen=True)
class Recording:
    """One take of one person with `S` sensors and `T` samples at a constant rate.

    Attributes:
        person: who; data is split by person, never by take.
        take: name of the take.
        rate_hz: sample rate.
        sensor_names: `S` names in layout order.
        orientation: (T, S, 4) float32, quaternion x, y, z, w, sensor frame to an earth frame with z up; the heading of
            each sensor is arbitrary and may drift.
        angular_velocity: (T, S, 3) float32, rad/s, sensor frame.
        specific_force: (T, S, 3) float32, m/s2, sensor frame; +9.81 on the axis that points up at rest.
        valid: (T, S) bool, whether the sensor's sample can be used.
        weights: (T, 52) float32, true ARKit weights in `arkit.BLENDSHAPES` order.
        head_orientation: (T, 4) float32, true quaternion, `face_head` to earth.
        seen: (T,) bool, samples whose true weights are known: a phone loses the face now and then; None: all of them.
            Only known ones are scored.
    """

    person: str
    take: str
    rate_hz: float
    sensor_names: tuple[str, ...]
    orientation: NDArray[np.float32]
    angular_velocity: NDArray[np.float32]
    specific_force: NDArray[np.float32]
    valid: NDArray[np.bool_]
    weights: NDArray[np.float32]
    head_orientation: NDArray[np.float32]
    seen: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        samples, sensors = self.valid.shape
        expected = {
            "orientation": (samples, sensors, 4),
            "angular_velocity": (samples, sensors, 3),
            "specific_force": (samples, sensors, 3),
            "weights": (samples, arkit.COUNT),
            "head_orientation": (samples, 4),
        }
        wrong = [
            f"{name}: expected {shape}, found {getattr(self, name).shape}"
            for name, shape in expected.items()
            if getattr(self, name).shape != shape
        ]
        if self.seen is not None and self.seen.shape != (samples,):
            wrong.append(f"seen: expected {(samples,)}, found {self.seen.shape}")
        if len(self.sensor_names) != sensors:
            wrong.append(f"sensor_names: expected {sensors}, found {len(self.sensor_names)}")
        if wrong:
            raise DatasetError("; ".join(wrong))

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.valid.shape[0] / self.rate_hz)

    def save(self, path: Path) -> None:
        """Write to an .npz file.

        Raises:
            OutputError: the disk is full or the folder cannot be written.
        """
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays: dict[str, Any] = {name: np.asarray(value) for name, value in values.items() if value is not None}
        write_whole(path, lambda part: write_arrays(part, arrays))

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read what `save` wrote.

        Raises:
            DatasetError: the file cannot be read or lacks arrays.
        """
        try:
            data = read_arrays(path, _MOST_BYTES)
            return cls(
                person=str(data["person"]),
                take=str(data["take"]),
                rate_hz=float(data["rate_hz"]),
                sensor_names=tuple(str(name) for name in data["sensor_names"]),
                **{f.name: data[f.name] for f in fields(cls)[4:] if f.name != "seen" or "seen" in data},
            )
        except DatasetError:
            raise
        except DAMAGE as error:
            raise DatasetError(f"expected a recording in {path}, found: {error}") from error

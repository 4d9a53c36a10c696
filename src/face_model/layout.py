"""Sensor layouts: which IMU sits where on the face."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from face_model.errors import LayoutError
from face_model.settings import SettingsKind

Side = Literal["left", "right", "midline"]


@dataclass(frozen=True)
class SkullPose:
    """Fixed pose of the reference unit in `face_head`."""

    position_m: tuple[float, float, float]
    orientation: tuple[float, float, float, float]
    """Unit quaternion x, y, z, w that turns sensor axes into `face_head` axes."""

    def __post_init__(self) -> None:
        if abs(float(np.linalg.norm(self.orientation)) - 1.0) > 1e-3:
            raise ValueError(f"expected a unit quaternion x, y, z, w as orientation, found {list(self.orientation)}")


@dataclass(frozen=True)
class Sensor:
    """One IMU of a layout.

    Exactly one of `place` (on the skin, see `SensorLayout`) and `skull` (fixed to the bone) is set. `unit` is what a
    hub calls the unit, where it knows no numbers: a tracker's address and its sensor, for example.
    """

    id: int
    name: str
    muscle: str
    side: Side
    place: tuple[float, float] | None = None
    skull: SkullPose | None = None
    reference: bool = False
    unit: str = field(default="", repr=False)  # not in the representation, of which the numbers of layouts are made

    def __post_init__(self) -> None:
        if (self.place is None) == (self.skull is None):
            raise ValueError(f"sensor {self.name}: expected exactly one of `place` and `skull`, found both or none")


@dataclass(frozen=True)
class SensorLayout:
    """The IMUs of one face, ordered by `id`, with exactly one reference unit on the skull.

    `Sensor.place` is (lateral, vertical) in units that carry over between faces: lateral 1 is the left pupil's
    distance from the midline, positive to the wearer's left; vertical 0 is the height of the pupils and -1 the
    height of the mouth corners.
    """

    name: str = "unnamed"
    sensors: tuple[Sensor, ...] = ()

    def __post_init__(self) -> None:
        for what in ("id", "name", "unit"):
            values = [getattr(sensor, what) for sensor in self.sensors if getattr(sensor, what) != ""]
            twice = sorted({str(value) for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"expected every sensor {what} once, found {', '.join(twice)} more than once")
        references = [sensor for sensor in self.sensors if sensor.reference]
        if len(references) != 1 or references[0].skull is None:
            found = ", ".join(sensor.name for sensor in references) or "none"
            raise ValueError(f"expected exactly one reference sensor, with a `skull` pose, found {found}")

    @property
    def names(self) -> tuple[str, ...]:
        """Sensor names in order."""
        return tuple(sensor.name for sensor in self.sensors)

    @property
    def reference_index(self) -> int:
        """Position of the skull unit in `sensors`."""
        return next(i for i, sensor in enumerate(self.sensors) if sensor.reference)

    @property
    def skin_indices(self) -> tuple[int, ...]:
        """Positions of the units on the skin."""
        return tuple(i for i, sensor in enumerate(self.sensors) if sensor.place is not None)


LAYOUTS = SettingsKind("sensor layout", SensorLayout, LayoutError, folder="layouts")


def load_layout(name_or_path: str | Path = "face_12") -> SensorLayout:
    """Read a layout by file path, or by name from the package's `config/layouts`.

    Raises:
        LayoutError: no such file, or its content is not a layout.
    """
    layout = LAYOUTS.load(name_or_path)
    return replace(layout, sensors=tuple(_normalised(s) for s in sorted(layout.sensors, key=lambda s: s.id)))


def _normalised(sensor: Sensor) -> Sensor:
    if sensor.skull is None:
        return sensor
    quaternion = np.array(sensor.skull.orientation)
    x, y, z, w = (float(v) for v in quaternion / np.linalg.norm(quaternion))
    return replace(sensor, skull=replace(sensor.skull, orientation=(x, y, z, w)))

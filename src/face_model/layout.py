"""Sensor layouts: which IMU sits where on the face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from face_model.errors import LayoutError
from face_model.share import share_dir

SIDES = ("left", "right", "midline")


@dataclass(frozen=True)
class SkullPose:
    """Fixed pose of the reference unit in `face_head`."""

    position_m: tuple[float, float, float]
    orientation: tuple[float, float, float, float]
    """Unit quaternion x, y, z, w that turns sensor axes into `face_head` axes."""


@dataclass(frozen=True)
class Sensor:
    """One IMU of a layout.

    Exactly one of `place` (on the skin, see `SensorLayout`) and `skull` (fixed to the bone) is set.
    """

    id: int
    name: str
    muscle: str
    side: str
    place: tuple[float, float] | None
    skull: SkullPose | None
    reference: bool = False


@dataclass(frozen=True)
class SensorLayout:
    """The IMUs of one face, ordered by `id`, with exactly one reference unit on the skull.

    `Sensor.place` is (lateral, vertical) in units that carry over between faces: lateral 1 is the left pupil's
    distance from the midline, positive to the wearer's left; vertical 0 is the height of the pupils and -1 the
    height of the mouth corners.
    """

    name: str
    sensors: tuple[Sensor, ...]

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


def load_layout(name_or_path: str | Path = "face_12") -> SensorLayout:
    """Read a layout by file path, or by name from the package's `config/layouts`.

    Raises:
        LayoutError: no such file, or its content is not a layout.
    """
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        path = share_dir() / "config" / "layouts" / f"{name_or_path}.yaml"
    if not path.is_file():
        shipped = sorted(p.stem for p in (share_dir() / "config" / "layouts").glob("*.yaml"))
        raise LayoutError(
            f"expected a sensor layout at {path}, found no file; "
            f"give the path of a .yaml file or one of the shipped names: {', '.join(shipped)}"
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LayoutError(f"expected YAML in {path}, found: {error}") from error
    try:
        return _layout_from(content)
    except LayoutError as error:
        raise LayoutError(f"{path}: {error}") from error


def _layout_from(content: Any) -> SensorLayout:
    if not isinstance(content, Mapping) or not isinstance(content.get("sensors"), list):
        raise LayoutError("expected a mapping with `name` and a list `sensors`")
    sensors = tuple(sorted((_sensor_from(entry) for entry in content["sensors"]), key=lambda s: s.id))
    _check(sensors)
    return SensorLayout(name=str(content.get("name", "unnamed")), sensors=sensors)


def _sensor_from(entry: Any) -> Sensor:
    try:
        place, skull = entry.get("place"), entry.get("skull")
        sensor = Sensor(
            id=int(entry["id"]),
            name=str(entry["name"]),
            muscle=str(entry["muscle"]),
            side=str(entry["side"]),
            place=None if place is None else (float(place[0]), float(place[1])),
            skull=None if skull is None else _skull_from(skull),
            reference=bool(entry.get("reference", False)),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise LayoutError(f"expected id, name, muscle, side and place or skull, found {entry!r} ({error})") from error
    if sensor.side not in SIDES:
        raise LayoutError(f"sensor {sensor.name}: expected side to be one of {SIDES}, found {sensor.side!r}")
    if (sensor.place is None) == (sensor.skull is None):
        raise LayoutError(f"sensor {sensor.name}: expected exactly one of `place` and `skull`")
    return sensor


def _skull_from(entry: Mapping[str, Any]) -> SkullPose:
    x, y, z = (float(v) for v in entry["position_m"])
    quaternion = np.array([float(v) for v in entry["orientation"]])
    if quaternion.shape != (4,) or abs(float(np.linalg.norm(quaternion)) - 1.0) > 1e-3:
        raise LayoutError(f"expected a unit quaternion x, y, z, w, found {entry['orientation']}")
    qx, qy, qz, qw = (float(v) for v in quaternion / np.linalg.norm(quaternion))
    return SkullPose(position_m=(x, y, z), orientation=(qx, qy, qz, qw))


def _check(sensors: tuple[Sensor, ...]) -> None:
    if len({s.id for s in sensors}) != len(sensors) or len({s.name for s in sensors}) != len(sensors):
        raise LayoutError("expected every sensor id and name once, found one twice")
    references = [s.name for s in sensors if s.reference]
    if len(references) != 1 or next(s for s in sensors if s.reference).skull is None:
        raise LayoutError(f"expected exactly one reference sensor, with a `skull` pose, found {references or 'none'}")

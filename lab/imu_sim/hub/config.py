"""The simulator's settings: config/imu_sim.yaml, then the command line on top of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from imu_sim.errors import SimulatorConfigError
from imu_sim.hub.faults import Faults

PERFORMANCE = "performance"
"""The built-in motion."""
SAY = "say:"
"""What stands before a text that the face shall say."""
ROUTINE = "routine"
"""A random person doing the guided routine of `face_model.routine`; `routine:7` is person 7."""
MOTIONS = "`performance`, say:TEXT, routine, routine:SEED or a Live Link Face CSV"
"""What can be played, in words."""


@dataclass(frozen=True)
class SimulatorConfig:
    """Every key of config/imu_sim.yaml; see there for meaning, unit and range."""

    link: str = "/tmp/imusic_hub"
    udp: str = ""
    motion: str = PERFORMANCE
    layout: str = "face_12"
    face: str = "head"
    rate_hz: int = 100
    seed: int = 1
    subject: int = 0
    placement_m: float = 0.005
    loop: bool = True
    duration_s: float = 0.0
    clock_offset_s: float = 12.0
    clock_skew_ppm: float = 20.0
    send_jitter_s: float = 0.0005
    part: str = "QMI8658"
    fusion: str = "6d"
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "rate_hz": (1, 400),
            "seed": (0, 2**31),
            "subject": (0, 2**31),
            "placement_m": (0.0, 0.02),
            "duration_s": (0.0, 1e7),
            "clock_offset_s": (0.0, 1e9),
            "clock_skew_ppm": (-500.0, 500.0),
            "send_jitter_s": (0.0, 0.1),
        }
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise SimulatorConfigError(f"{name}: expected {low} to {high}, found {getattr(self, name)}")
        if self.fusion not in ("6d", "9d"):
            raise SimulatorConfigError(f"fusion: expected 6d or 9d, found {self.fusion!r}")


def is_built_in(motion: str) -> bool:
    """Whether a motion is made up, not read from a file."""
    return motion in (PERFORMANCE, ROUTINE) or motion.startswith((SAY, f"{ROUTINE}:"))


def load_config(path: Path) -> SimulatorConfig:
    """Read the YAML file.

    Raises:
        SimulatorConfigError: no such file, not YAML, an unknown key, a wrong type or a value out of range.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SimulatorConfigError(f"expected the simulator's settings at {path}, found: {error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SimulatorConfigError(f"{path}: expected YAML, found: {error}") from error
    try:
        return updated(SimulatorConfig(), content or {})
    except SimulatorConfigError as error:
        raise SimulatorConfigError(f"{path}: {error}") from error


def updated(config: SimulatorConfig, values: Any) -> SimulatorConfig:
    """`config` with `values`, a mapping of keys as in the YAML file; `faults` is a mapping too.

    Raises:
        SimulatorConfigError: an unknown key, a wrong type or a value out of range.
    """
    values = _checked(config, values)
    if "faults" in values:
        values["faults"] = replace(config.faults, **_checked(config.faults, values["faults"] or {}))
    return replace(config, **values)


def _checked(defaults: SimulatorConfig | Faults, values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise SimulatorConfigError(f"expected a mapping of keys to values, found {values!r}")
    known = {each.name: getattr(defaults, each.name) for each in fields(defaults)}
    unknown = [str(key) for key in values if key not in known]
    if unknown:
        raise SimulatorConfigError(f"expected keys of {', '.join(known)}, found {', '.join(unknown)}")
    return {key: _converted(key, known[key], value) for key, value in values.items()}


def _converted(key: str, default: Any, value: Any) -> Any:
    if isinstance(default, Faults):
        return value
    if isinstance(default, bool) or default is None or value is None:
        right = isinstance(value, bool) if isinstance(default, bool) else _optional_number(value)
    elif isinstance(default, tuple):
        right = isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
        value = tuple(value) if right else value
    elif isinstance(default, float):
        right = isinstance(value, int | float) and not isinstance(value, bool)
        value = float(value) if right else value
    else:
        right = isinstance(value, type(default)) and not isinstance(value, bool)
    if not right:
        kind = "a number or null" if default is None else type(default).__name__.replace("tuple", "list of names")
        raise SimulatorConfigError(f"{key}: expected {kind}, found {value!r}")
    return value


def _optional_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))

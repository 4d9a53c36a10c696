"""The simulator's settings: config/imu_sim.yaml, then the command line on top of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from face_model.settings import SettingsKind
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
    key_file: str = ""
    motion: str = PERFORMANCE
    layout: str = "face_12"
    face: str = "head"
    rate_hz: Annotated[int, Field(ge=1, le=400)] = 100
    seed: Annotated[int, Field(ge=0, le=2**31)] = 1
    subject: Annotated[int, Field(ge=0, le=2**31)] = 0
    placement_m: Annotated[float, Field(ge=0.0, le=0.02)] = 0.005
    loop: bool = True
    duration_s: Annotated[float, Field(ge=0.0, le=1e7)] = 0.0
    clock_offset_s: Annotated[float, Field(ge=0.0, le=1e9)] = 12.0
    clock_skew_ppm: Annotated[float, Field(ge=-500.0, le=500.0)] = 20.0
    send_jitter_s: Annotated[float, Field(ge=0.0, le=0.1)] = 0.0005
    part: str = "QMI8658"
    fusion: Literal["6d", "9d"] = "6d"
    follow: bool = False
    phone: str = ""
    phone_lag_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.05
    phone_skew_ppm: Annotated[float, Field(ge=-500.0, le=500.0)] = -30.0
    namespace: str = ""
    faults: Faults = field(default_factory=Faults)


def is_routine(motion: str) -> bool:
    """Whether a motion is the guided routine, of any person."""
    return motion == ROUTINE or motion.startswith(f"{ROUTINE}:")


def is_built_in(motion: str) -> bool:
    """Whether a motion is made up, not read from a file."""
    return motion in (PERFORMANCE, ROUTINE) or motion.startswith((SAY, f"{ROUTINE}:"))


_SETTINGS = SettingsKind("simulator's settings file", SimulatorConfig, SimulatorConfigError)


def load_config(path: Path) -> SimulatorConfig:
    """Read the YAML file.

    Raises:
        SimulatorConfigError: no such file, not YAML, an unknown key, a wrong type or a value out of range.
    """
    return _SETTINGS.load(path, SimulatorConfig())


def updated(config: SimulatorConfig, values: Any) -> SimulatorConfig:
    """`config` with `values`, a mapping of keys as in the YAML file; `faults` is a mapping too.

    Raises:
        SimulatorConfigError: an unknown key, a wrong type or a value out of range.
    """
    return _SETTINGS.checked(values, config)

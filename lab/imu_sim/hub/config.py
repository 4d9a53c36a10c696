"""The simulator's settings: config/imu_sim.yaml, then the command line on top of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from face_model.layout import load_layout
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
    mount_deg: Annotated[float, Field(ge=0.0, le=60.0)] = 10.0
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
    name: str = "imusic-sim"
    control: str = ""
    hubs: Annotated[int, Field(ge=1, le=64)] = 1
    one_face: bool = False
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


def updated_faults(faults: Faults, values: Any) -> Faults:
    """`faults` with `values`, a mapping of their names.

    Raises:
        SimulatorConfigError: an unknown name or a wrong type.
    """
    return updated(SimulatorConfig(faults=faults), {"faults": values}).faults


def each_hub(config: SimulatorConfig) -> list[SimulatorConfig]:
    """The settings of each of `hubs` hubs: link, control and name with `-2`, `-3` ..., the next ports, seeds, people.

    With `one_face` they share the person, and its units: of two hubs the second has those on the right.

    Raises:
        SimulatorConfigError: there are not so many ports.
    """
    count, every = config.hubs, []
    for i in range(count):
        suffix = f"-{i + 1}" if i else ""
        udp = config.udp
        if udp and i:
            host, _, port = udp.rpartition(":")
            udp = f"{host}:{int(port) + i}" if port.isdecimal() else udp
        control = config.control or ("" if udp else f"{config.link}.control")
        if config.control and suffix:
            control += suffix
        elif control and suffix:
            control = f"{config.link}{suffix}.control"
        every.append(
            replace(
                config,
                hubs=1,
                link=config.link + suffix,
                udp=udp,
                name=config.name + suffix,
                control=control,
                seed=config.seed if config.one_face else config.seed + i,
                subject=config.subject if config.one_face else config.subject + i,
                clock_offset_s=config.clock_offset_s + (7.0 * i if config.one_face else 0.0),
                faults=_with_share(config, i) if config.one_face and count > 1 else config.faults,
            )
        )
    return every


def _with_share(config: SimulatorConfig, index: int) -> Faults:
    """Its faults, and no unit of the others."""
    others = []
    for i, name in enumerate(load_layout(config.layout).names):
        owner = int(name.endswith("_right")) if config.hubs == 2 else i % config.hubs
        if owner != index:
            others.append(name)
    return replace(config.faults, unlisted=tuple(dict.fromkeys((*config.faults.unlisted, *others))))

"""The simulator as a process, `python -m imu_sim.process`: started by launch files, demo and simulate verbs."""

from __future__ import annotations

import argparse
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import numpy as np

from face_model.errors import FaceModelError
from face_model.frames import GRAVITY_M_S2
from face_model.head import build_head
from face_model.layout import load_layout
from face_model.share import share_dir
from imu_sim.boards import boards_on
from imu_sim.config import SimulatorConfig, load_config, updated
from imu_sim.errors import ImuSimError, SimulatorConfigError
from imu_sim.faults import Faults
from imu_sim.hub import HubSettings, SimulatedHub
from imu_sim.hub_clock import HubClock
from imu_sim.kinematics import Trajectory
from imu_sim.livelink import read_livelink
from imu_sim.motion import FaceMotion
from imu_sim.performance import performance
from imu_sim.pty_link import PtyLink
from imu_sim.sensor import SensorModel
from imu_sim.stream import ImuStream
from imu_sim.udp_link import UdpLink
from imu_sim.wearer import nominal_wearer, random_wearer

_LONGEST_WAIT_S = 0.05
"""A driver that opens the line is noticed within this, as nothing wakes us for it."""


class Link(Protocol):
    """A line to the driver."""

    dropped: int

    @property
    def path(self) -> Path | str:
        """What the driver is told."""

    @property
    def fileno(self) -> int | None:
        """Descriptor to wait on for bytes; None: there is nobody."""

    def read(self) -> bytes:
        """Bytes that arrived; never blocks."""

    def write(self, frames: list[bytes]) -> None:
        """Send frames; never blocks."""

    def close(self) -> None:
        """Release what is held."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the simulated hub until SIGINT, SIGTERM or the end of `--duration`.

    Returns:
        0 after a clean end, 2 when the settings cannot be used; the reason is printed.
    """
    arguments = _parser().parse_args(_without_ros(sys.argv[1:] if argv is None else list(argv)))
    stop = StopSignal()
    try:
        config = _configured(arguments)
        link = _open_link(config)
        try:
            hub = build_hub(config, time.monotonic)
            print(f"simulated hub at {link.path}: {config.motion}, {config.rate_hz} Hz", flush=True)  # noqa: T201
            serve(hub, link, stop, config.duration_s or None)
        finally:
            link.close()
            stop.close()
    except (ImuSimError, FaceModelError) as error:
        print(f"simulator not started: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def build_hub(config: SimulatorConfig, clock: Callable[[], float]) -> SimulatedHub:
    """A hub as configured, on the given monotonic clock in s.

    Raises:
        ImuSimError, FaceModelError: motion, layout or faults cannot be used.
    """
    layout = load_layout(config.layout)
    wearer = random_wearer(layout, config.wearer_seed) if config.wearer_seed else nominal_wearer(layout)
    boards = boards_on(wearer.worn(build_head()), layout, wearer)
    trajectory = Trajectory(_motion(config), loop=config.loop)
    model = SensorModel(
        gyro_noise_rad_s_rthz=float(np.deg2rad(config.gyro_noise_dps_rthz)),
        accel_noise_m_s2_rthz=config.accel_noise_g_rthz * GRAVITY_M_S2,
        gyro_bias_rad_s=float(np.deg2rad(config.gyro_bias_dps)),
        accel_bias_m_s2=config.accel_bias_g * GRAVITY_M_S2,
        gyro_range_dps=config.gyro_range_dps,
        accel_range_g=config.accel_range_g,
    )

    def make_stream(rate_hz: float, start_s: float) -> ImuStream:
        return ImuStream(trajectory, boards, model, rate_hz, config.seed, start_s)

    # Only over UDP must a hub stop by itself: there nobody can unplug it.
    settings = HubSettings(
        rate_hz=config.rate_hz, jitter_s=config.send_jitter_s, silence_s=10.0 if config.udp else None
    )
    hub_clock = HubClock(clock, config.clock_offset_s, config.clock_skew_ppm)
    return SimulatedHub(
        make_stream, layout, model, hub_clock, settings=settings, faults=config.faults, seed=config.seed
    )


def serve(hub: SimulatedHub, link: Link, stop: StopSignal, duration_s: float | None) -> None:
    """Carry bytes between hub and link until `stop` or for `duration_s`."""
    end_s = None if duration_s is None else time.monotonic() + duration_s
    while not stop.asked and (end_s is None or time.monotonic() < end_s):
        received = link.read()
        if received:
            link.write(hub.receive(received))
        link.write(hub.due())
        hub.prepare()
        descriptor = link.fileno
        ready = [stop.fileno] if descriptor is None else [stop.fileno, descriptor]
        select.select(ready, [], [], min(hub.wait_s, _LONGEST_WAIT_S))


class StopSignal:
    """SIGINT and SIGTERM as a flag and a readable descriptor, so that a wait ends at once."""

    def __init__(self) -> None:
        self.asked = False
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

    @property
    def fileno(self) -> int:
        """Readable once a signal arrived."""
        return self._reader.fileno()

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True

    def close(self) -> None:
        """Give the signals back."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()


def _motion(config: SimulatorConfig) -> FaceMotion:
    if config.motion == "performance":
        return performance()
    motion, report = read_livelink(Path(config.motion).expanduser(), seed=config.seed)
    print(f"{config.motion}: {report}", flush=True)  # noqa: T201
    return motion.faded()


def _open_link(config: SimulatorConfig) -> Link:
    if not config.udp:
        return PtyLink(Path(config.link).expanduser())
    host, _, port = config.udp.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SimulatorConfigError(f"udp: expected HOST:PORT with a port of 1 to 65535, found {config.udp!r}")
    return UdpLink(host.strip("[]"), int(port))


def _without_ros(argv: list[str]) -> list[str]:
    """Drop `--ros-args ... [--]`, which ros2 launch appends for nodes; this process is none."""
    kept, inside = [], False
    for argument in argv:
        if argument == "--ros-args":
            inside = True
        elif inside:
            inside = argument != "--"
        else:
            kept.append(argument)
    return kept


_FAULT_FLAGS: dict[str, str] = {
    "dead": "units that stop answering, comma separated",
    "faulty": "units that report a fault",
    "frozen": "units whose values stay as they were",
    "saturated": "units shaken beyond their range",
    "missing": "units the hub says are not present",
    "unlisted": "units the hub does not mention",
    "begin_s": "faults of units begin this long after START, s",
    "spike_rate_hz": "impossible values per unit and second",
    "drop": "probability that a frame is lost",
    "corrupt": "probability that a frame is damaged",
    "garbage_rate_hz": "bursts of random bytes per second",
    "stall_at_s": "fall silent this long after START, s",
    "stall_s": "length of that silence, s",
    "reboot_at_s": "reboot this long after START, s",
    "wrong_version": "speak an unknown protocol version",
    "no_quaternion": "send no orientation",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="imu_sim", description="A simulated IMU hub on a simulated face.")
    parser.add_argument("--config", type=Path, help="settings (default: the package's config/imu_sim.yaml)")
    parser.add_argument("--link", help="path of the link to the pseudo-terminal")
    parser.add_argument("--udp", metavar="HOST:PORT", help="send to a driver on UDP instead")
    parser.add_argument("--motion", help="`performance` or a Live Link Face CSV")
    parser.add_argument("--layout", help="sensor layout, by name or path")
    parser.add_argument("--rate", type=int, dest="rate_hz", help="samples per second")
    parser.add_argument("--seed", type=int, help="of noise, jitter and faults")
    parser.add_argument("--wearer", type=int, dest="wearer_seed", help="0: the face as built; else a random person")
    parser.add_argument("--once", action="store_false", dest="loop", default=None, help="do not repeat the motion")
    parser.add_argument("--duration", type=float, dest="duration_s", help="stop after this long, s")
    faults = parser.add_argument_group("faults")
    defaults = Faults()
    for name, text in _FAULT_FLAGS.items():
        flag, default = "--" + name.replace("_", "-"), getattr(defaults, name)
        if isinstance(default, bool):
            faults.add_argument(flag, action="store_true", default=None, help=text)
        elif isinstance(default, tuple):
            faults.add_argument(flag, type=lambda names: names.split(","), metavar="NAMES", help=text)
        else:
            faults.add_argument(flag, type=float, metavar="X", help=text)
    return parser


def _configured(arguments: argparse.Namespace) -> SimulatorConfig:
    given: dict[str, Any] = {key: value for key, value in vars(arguments).items() if value is not None}
    path = given.pop("config", None) or share_dir() / "config" / "imu_sim.yaml"
    faults = {key: given.pop(key) for key in list(given) if key in _FAULT_FLAGS}
    return updated(load_config(path), given | ({"faults": faults} if faults else {}))


if __name__ == "__main__":
    sys.exit(main())

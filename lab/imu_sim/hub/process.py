"""The simulator as a process, `python -m imu_sim.hub.process`: started by launch files, demo and simulate verbs."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imu_sim.errors import ImuSimError
from imu_sim.hub.stop_signal import StoppedError, StopSignal
from imusic_cli.usage import OneLineParser


def main(argv: Sequence[str] | None = None, called: str = "imu_sim") -> int:
    """Run the simulated hub until SIGINT, SIGTERM or the end of `--duration`.

    Args:
        argv: options; those of the process by default.
        called: what people call it by.

    Returns:
        0 after a clean end, 2 when the settings cannot be used; the reason is printed.
    """
    arguments = _parser(called).parse_args(_without_ros(sys.argv[1:] if argv is None else list(argv)))
    stop = StopSignal()
    try:
        return _run(arguments, stop)
    except StoppedError:
        return 0
    finally:
        stop.close()


def _run(arguments: argparse.Namespace, stop: StopSignal) -> int:
    # Imported only now: these take a second, in which Ctrl-C would otherwise show a traceback.
    from face_model.errors import FaceModelError
    from imu_driver.hub_key import HubKeyError
    from imu_sim.hub.config import load_config, updated
    from imu_sim.hub.server import build_hub, open_link, prompted, serve, steady_clock, watching_phone

    try:
        config = updated(load_config(_config_path(arguments)), _given(arguments))
        link = open_link(config)
        try:
            hub = build_hub(config, steady_clock)
            stop.starting = False
            print(f"simulated hub at {link.path}: {config.motion}, {config.rate_hz} Hz", flush=True)  # noqa: T201
            with prompted(config) as prompts, watching_phone(config, hub) as phone:
                serve(hub, link, stop, config.duration_s or None, prompts, phone)
        finally:
            stop.starting = False
            link.close()
    except (ImuSimError, FaceModelError, HubKeyError) as error:
        print(f"simulator not started: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


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


_FAULT_FLAGS: dict[str, tuple[str, str]] = {
    "dead": ("names", "units that stop answering, comma separated"),
    "faulty": ("names", "units that report a fault"),
    "frozen": ("names", "units whose values stay as they were"),
    "saturated": ("names", "units shaken beyond their range"),
    "missing": ("names", "units the hub says are not present"),
    "unlisted": ("names", "units the hub does not mention"),
    "begin_s": ("number", "faults of units begin this long after START, s"),
    "spike_rate_hz": ("number", "impossible values per unit and second"),
    "drop": ("number", "probability that a frame is lost"),
    "corrupt": ("number", "probability that a frame is damaged"),
    "garbage_rate_hz": ("number", "bursts of random bytes per second"),
    "stall_at_s": ("number", "fall silent this long after START, s"),
    "stall_s": ("number", "length of that silence, s"),
    "reboot_at_s": ("number", "reboot this long after START, s"),
    "wrong_version": ("switch", "speak an unknown protocol version"),
    "no_quaternion": ("switch", "send no orientation"),
}


def _parser(called: str) -> argparse.ArgumentParser:
    parser = OneLineParser(prog=called, description="A simulated IMU hub on a simulated face.")
    parser.add_argument("--config", type=Path, help="settings (default: the package's config/imu_sim.yaml)")
    parser.add_argument("--link", help="path of the link to the pseudo-terminal")
    parser.add_argument("--udp", metavar="HOST:PORT", help="send to a driver on UDP instead")
    parser.add_argument(
        "--key", "--key-file", dest="key_file", metavar="FILE", help="answer only a driver that has this key"
    )
    parser.add_argument(
        "--motion", help="`performance`, `say:` and an English text, `routine`, or a Live Link Face CSV"
    )
    parser.add_argument("--layout", help="sensor layout, by name or path")
    parser.add_argument("--face", help="`head`, or a rig: .glb, .gltf, .npz, or a folder of .obj files")
    parser.add_argument("--part", help="the units: BMI270, ICM-42688-P, LSM6DSV, QMI8658, or the path of a .yaml file")
    parser.add_argument("--fusion", choices=("6d", "9d"), help="orientation without or with magnetometers")
    parser.add_argument("--rate", type=int, dest="rate_hz", help="samples per second")
    parser.add_argument("--seed", type=int, help="of noise, jitter and faults")
    who = "0: the face as built; else a random person"
    parser.add_argument("--subject", type=int, help=who)
    parser.add_argument("--once", action="store_false", dest="loop", default=None, help="do not repeat the motion")
    parser.add_argument("--duration", type=float, dest="duration_s", help="stop after this long, s")
    follow = "with `routine`: rest until prompted on the ROS topic face/prompt"
    parser.add_argument("--follow", action=argparse.BooleanOptionalAction, default=None, help=follow)
    parser.add_argument("--namespace", help="ROS namespace of that topic")
    watch = "also be a phone that watches the face and sends Live Link Face packets there"
    parser.add_argument("--phone", metavar="HOST:PORT", help=watch)
    parser.add_argument("--phone-lag", type=float, dest="phone_lag_s", metavar="X", help="how late it sees, s")
    parser.add_argument("--phone-skew", type=float, dest="phone_skew_ppm", metavar="X", help="of its clock, ppm")
    faults = parser.add_argument_group("faults")
    for name, (kind, text) in _FAULT_FLAGS.items():
        flag = "--" + name.replace("_", "-")
        if kind == "switch":
            faults.add_argument(flag, action="store_true", default=None, help=text)
        elif kind == "names":
            faults.add_argument(flag, type=lambda names: names.split(","), metavar="NAMES", help=text)
        else:
            faults.add_argument(flag, type=float, metavar="X", help=text)
    return parser


def _config_path(arguments: argparse.Namespace) -> Path:
    from face_model.share import share_dir

    given: Path | None = arguments.config
    return given or share_dir() / "config" / "imu_sim.yaml"


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the command line says, in the shape of the YAML file."""
    given = {key: value for key, value in vars(arguments).items() if value is not None and key != "config"}
    faults = {key: given.pop(key) for key in list(given) if key in _FAULT_FLAGS}
    return given | ({"faults": faults} if faults else {})


def program() -> int:
    """The program `imu_sim`: `main`, deaf to further signals while Python ends, as launch sends a second one."""
    status = main()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    return status


if __name__ == "__main__":
    sys.exit(program())

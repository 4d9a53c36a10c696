"""The simulator as a process, `python -m imu_sim.hub.process`: started by launch files, demo and simulate verbs."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imu_sim.errors import ImuSimError
from imu_sim.hub.stop_signal import StoppedError, StopSignal
from imusic_cli.usage import OneLineParser

if TYPE_CHECKING:
    from imu_sim.hub.config import SimulatorConfig
    from imu_sim.hub.server import Served


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
    from imu_sim.hub.config import each_hub, load_config, updated
    from imu_sim.hub.server import opened, prompted, serve_all

    try:
        config = updated(load_config(_config_path(arguments)), _given(arguments))
        try:
            with opened(each_hub(config)) as served, prompted(config) as prompts:
                stop.starting = False
                for each in served:
                    print(_introduction(each, config), flush=True)  # noqa: T201
                serve_all(served, stop, config.duration_s or None, prompts)
        finally:
            stop.starting = False
    except (ImuSimError, FaceModelError, HubKeyError) as error:
        print(f"simulator not started: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def _introduction(served: Served, config: SimulatorConfig) -> str:
    at = f"; faults: imusic fault --at {served.control.path} help" if served.control is not None else ""
    return f"simulated hub at {served.link.path}: {config.motion}, {config.rate_hz} Hz{at}"


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
    "dead": ("names", "units that stop answering: status missing"),
    "faulty": ("names", "units that report a fault"),
    "frozen": ("names", "units whose values stay as they were, though the hub calls them good"),
    "saturated": ("names", "units shaken beyond their range"),
    "missing": ("names", "units that the hub says are not present"),
    "unlisted": ("names", "units that the hub does not mention"),
    "exchanged": ("names", "units whose wires are exchanged, in pairs"),
    "begin_s": ("number", "faults of units begin this long after START, s"),
    "spike_rate_hz": ("number", "impossible values per unit and second"),
    "drop": ("number", "share of the samples that are lost, 0 to 1"),
    "burst": ("number", "how many are lost in a row, on average"),
    "duplicate": ("number", "share that arrive twice, 0 to 1"),
    "reorder": ("number", "share that arrive after the next one, 0 to 1"),
    "corrupt": ("number", "share that arrive with a changed byte, 0 to 1"),
    "garbage_rate_hz": ("number", "bursts of random bytes per second"),
    "stall_at_s": ("number", "fall silent this long after START, s"),
    "stall_s": ("number", "length of that silence, s"),
    "reboot_at_s": ("number", "lose power this long after START, s"),
    "slow_start_s": ("number", "silence after each boot, s"),
    "clock_step_at_s": ("number", "set the hub's clock this long after START, s"),
    "clock_step_s": ("number", "how far ahead, s; less than 0: back"),
    "skew_ppm": ("number", "how much faster the hub's clock runs, parts per million"),
    "jitter_s": ("number", "mean delay of a frame on its way out, s"),
    "wrong_version": ("switch", "speak a protocol version that nobody knows"),
    "no_quaternion": ("switch", "send no orientation, as a hub that does not fuse"),
}

_ABOUT = """\
A face that moves, twelve simulated IMUs on it, and a hub that speaks the protocol of docs/protocol.md to whoever opens
its line: to a driver it is hardware. Ctrl-C ends it."""

_EXAMPLES = """\
examples:
  imusic simulate                                      a hub at /tmp/imusic_hub; then, in another terminal:
  imusic capture --port /tmp/imusic_hub
  imusic simulate --udp 127.0.0.1:5055                 the same over UDP, to: imusic capture --udp 127.0.0.1:5055
  imusic simulate --drop 0.05 --burst 8 --dead mentalis
  imusic fault drop 0.3                                change that hub while it runs; imusic fault help lists all
  imusic fault unplug ; sleep 2 ; imusic fault plug
  imusic simulate --hubs 3                             /tmp/imusic_hub, /tmp/imusic_hub-2 and /tmp/imusic_hub-3
  imusic simulate --hubs 2 --one-face                  two halves, for --port /tmp/imusic_hub,/tmp/imusic_hub-2

NAMES are sensors of the layout, comma separated. All settings: config/imu_sim.yaml; more: docs/simulator.md."""


def _parser(called: str) -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog=called, description=_ABOUT, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, help="settings (default: the package's config/imu_sim.yaml)")
    parser.add_argument("--link", help="path of the link to the pseudo-terminal")
    parser.add_argument("--udp", metavar="HOST:PORT", help="send to a driver on UDP instead")
    parser.add_argument("--name", help="what the hub calls itself; a driver with `hub_id` takes no other")
    parser.add_argument("--hubs", type=int, metavar="N", help="be so many hubs: their names, links, ports count on")
    shared = "the hubs are on one face, each with some of its units: of two the second has the right"
    parser.add_argument("--one-face", action="store_true", default=None, help=shared)
    told = "socket on which `imusic fault` changes faults (default: LINK.control; over UDP none)"
    parser.add_argument("--control", metavar="PATH", help=told)
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
    faults = parser.add_argument_group(
        "faults from the start on", "each may also be changed at run time: `imusic fault`"
    )
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

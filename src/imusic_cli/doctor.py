"""`imusic doctor`: what is missing on this machine and what to do about it.

Nothing is imported before it is looked at, so that the doctor works whatever is missing.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from face_model.errors import ImusicError
from face_model.share import share_dir
from imusic_cli.libraries import LIBRARIES, OPTIONAL, REQUIRED, Library, advice_for

SHIPPED = "shipped"
"""Folder of the package's files where `pip install` put them."""

NODES_ONLY = ("rclpy", "imusic.msg", "aiohttp", "programs")
"""What faces in Python without ROS do without."""


TRACKER_PORT = 6969
"""Where trackers with the SlimeVR firmware look for a server."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        name: what was looked at.
        ok: whether it is as it should be.
        importance: required, or optional.
        found: what was found.
        advice: what to do; empty where all is well.
    """

    name: str
    ok: bool
    importance: str
    found: str
    advice: str = ""


def examine() -> list[Finding]:
    """Look at everything; never raises for what it finds."""
    findings = [
        _python(),
        *(_library(library) for library in LIBRARIES),
        _loads("TensorRT", OPTIONAL, _tensorrt, "only for the engine tensorrt: pip install -r requirements/gpu.txt"),
        _loads("GPU and PyCUDA", OPTIONAL, _gpu, "only for the engine tensorrt, on a machine with an NVIDIA GPU"),
        _loads("sensor layout", REQUIRED, _layout, "install the package again"),
        _loads("model", REQUIRED, _model, "install the package again, or train one: imusic train"),
        _loads("programs", REQUIRED, _programs, "build the package again: make setup, or colcon build"),
        _discovery(),
        _serial_ports(),
        _tracker_port(),
    ]
    return findings if has_nodes() else [_without_nodes(finding) for finding in findings]


def has_nodes() -> bool:
    """Whether this is a checkout or a ROS 2 workspace; `pip install` brings what needs no ROS."""
    try:
        return share_dir().name != SHIPPED
    except FileNotFoundError:  # said by what looks for files
        return True


def _without_nodes(finding: Finding) -> Finding:
    if finding.ok or finding.name not in NODES_ONLY:
        return finding
    return replace(finding, importance=OPTIONAL, advice="only ROS 2 nodes need it, which a checkout or a workspace has")


def _python() -> Finding:
    version = sys.version.split()[0]
    ok = sys.version_info[:2] >= (3, 10)
    return Finding("python", ok, REQUIRED, version, "" if ok else "use Python 3.10 or newer")


def _library(library: Library) -> Finding:
    """Found by looking, not by importing, which takes seconds for some."""
    name, importance = library.module, library.importance
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:  # its parent package is missing
        return Finding(name, False, importance, str(error), library.advice)
    if spec is None:
        return Finding(name, False, importance, f"No module named {name!r}", library.advice)
    return Finding(name, True, importance, _version_of(name))


def _version_of(module: str) -> str:
    distributions = metadata.packages_distributions().get(module.partition(".")[0], [])
    return metadata.version(distributions[0]) if distributions else "present"


def _loads(name: str, importance: str, look: Callable[[], str], advice: str) -> Finding:
    try:
        return Finding(name, True, importance, look())
    except ModuleNotFoundError as error:
        library = advice_for(error.name or "")
        if library is None:
            raise
        return Finding(name, False, importance, f"needs {error.name}", library)
    except (ImusicError, OSError) as error:
        return Finding(name, False, importance, str(error), advice)


def _tensorrt() -> str:
    from face_inference.engines.tensorrt.library import find_library

    library = find_library()
    return f"{library.title} {library.version}"


def _gpu() -> str:
    from face_inference.engines.tensorrt.cuda import find_gpu

    gpu = find_gpu()
    return f"{gpu.name}, compute capability {gpu.compute_capability}, CUDA {gpu.driver}"


def _layout() -> str:
    """Read, not checked: that takes pydantic, which the doctor does without."""
    from face_model.layout import LAYOUTS
    from face_model.settings import read_mapping

    return str(read_mapping(LAYOUTS.find("face_12"), "a sensor layout", LAYOUTS.error)["name"])


def _model() -> str:
    from face_inference.model_folder import load_model

    return load_model("imusic").description.title


def _programs() -> str:
    from imusic_ros.graph import GraphError, executable_path, load_graph

    missing = [p.executable for p in load_graph("demo").processes if not executable_path(p.executable).is_file()]
    if missing:
        raise GraphError(f"missing in {share_dir().parents[1] / 'lib'}: {', '.join(missing)}")
    return str(share_dir())


def _discovery() -> Finding:
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    return Finding("discovery", True, OPTIONAL, f"range {reach}, domain {domain}")


def _tracker_port() -> Finding:
    name = "trackers"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("0.0.0.0", TRACKER_PORT))
        except OSError as error:
            advice = "a running capture or a SlimeVR server: end it before `imusic capture --hub slimevr`"
            return Finding(name, False, OPTIONAL, f"UDP {TRACKER_PORT}: {error.strerror or error}", advice)
    return Finding(name, True, OPTIONAL, f"UDP {TRACKER_PORT} is free for `imusic capture --hub slimevr`")


def _serial_ports() -> Finding:
    ports = sorted(p for pattern in ("ttyUSB*", "ttyACM*") for p in Path("/dev").glob(pattern))
    if not ports:
        return Finding(
            "serial ports", False, OPTIONAL, "no /dev/ttyUSB* or /dev/ttyACM*", "plug a hub in, or `imusic demo`"
        )
    closed = [str(p) for p in ports if not os.access(p, os.R_OK | os.W_OK)]
    if closed:
        advice = "sudo usermod -aG dialout $USER, then log in again"
        return Finding("serial ports", False, OPTIONAL, f"no permission for {', '.join(closed)}", advice)
    return Finding("serial ports", True, OPTIONAL, ", ".join(map(str, ports)))

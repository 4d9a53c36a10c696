"""`imusic doctor`: what is missing on this machine and what to do about it."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from face_inference.engines.tensorrt.cuda import find_gpu
from face_inference.engines.tensorrt.library import find_library
from face_inference.errors import EngineError, InferenceError
from face_inference.model_folder import load_model
from face_model.errors import FaceModelError
from face_model.layout import LAYOUTS
from face_model.share import share_dir
from imusic_cli.libraries import LIBRARIES, OPTIONAL, REQUIRED, Library
from imusic_ros.graph import GraphError, executable_path, load_graph


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
    return [
        _python(),
        *(_library(library) for library in LIBRARIES),
        _found("TensorRT", _tensorrt, "only for the engine tensorrt: pip install -r requirements/gpu.txt"),
        _found("GPU and PyCUDA", _gpu, "only for the engine tensorrt, on a machine with an NVIDIA GPU"),
        _loads("sensor layout", lambda: LAYOUTS.find("face_12").name, "install the package again"),
        _loads("model", lambda: load_model("imusic").description.title, "train one: imusic train"),
        _programs(),
        _discovery(),
        _serial_ports(),
    ]


def _python() -> Finding:
    version = sys.version.split()[0]
    ok = sys.version_info[:2] >= (3, 10)
    return Finding("python", ok, REQUIRED, version, "" if ok else "use Python 3.10 or newer")


def _library(library: Library) -> Finding:
    """Found by looking, not by importing: some take seconds, and a doctor must not fall ill of what it looks at."""
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


def _loads(name: str, load: Callable[[], str], advice: str) -> Finding:
    try:
        return Finding(name, True, REQUIRED, load())
    except (InferenceError, FaceModelError, OSError) as error:
        return Finding(name, False, REQUIRED, str(error), advice)


def _found(name: str, look: Callable[[], str], advice: str) -> Finding:
    try:
        return Finding(name, True, OPTIONAL, look())
    except EngineError as error:
        return Finding(name, False, OPTIONAL, str(error), advice)


def _tensorrt() -> str:
    library = find_library()
    return f"{library.title} {library.version}"


def _gpu() -> str:
    gpu = find_gpu()
    return f"{gpu.name}, compute capability {gpu.compute_capability}, CUDA {gpu.driver}"


def _programs() -> Finding:
    try:
        missing = [p.executable for p in load_graph("demo").processes if not executable_path(p.executable).is_file()]
    except (GraphError, OSError) as error:
        return Finding("programs", False, REQUIRED, str(error), "install the package again")
    if missing:
        found = f"missing in {share_dir().parents[1] / 'lib'}: {', '.join(missing)}"
        return Finding("programs", False, REQUIRED, found, "build the package again")
    return Finding("programs", True, REQUIRED, str(share_dir()))


def _discovery() -> Finding:
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    return Finding("discovery", True, OPTIONAL, f"range {reach}, domain {domain}")


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

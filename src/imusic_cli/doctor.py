"""`imusic doctor`: what is missing on this machine and what to do about it."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from face_inference.engines.tensorrt.cuda import find_gpu
from face_inference.engines.tensorrt.library import find_library
from face_inference.errors import EngineError, InferenceError
from face_inference.model_folder import load_model
from face_model.errors import FaceModelError
from face_model.layout import load_layout
from face_model.share import share_dir
from imusic_ros.graph import GraphError, executable_path, load_graph

REQUIRED, OPTIONAL = "required", "optional"


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
        *(_module(*row) for row in _MODULES),
        _found("TensorRT", _tensorrt, "only for the engine tensorrt: pip install -r requirements/gpu.txt"),
        _found("GPU and PyCUDA", _gpu, "only for the engine tensorrt, on a machine with an NVIDIA GPU"),
        _loads("sensor layout", lambda: load_layout("face_12").name, "install the package again"),
        _loads("model", lambda: load_model("imusic").description.title, "train one: imusic train"),
        _programs(),
        _discovery(),
        _serial_ports(),
    ]


_MODULES = (
    ("rclpy", REQUIRED, "source a ROS 2 distribution's setup.bash, or run `make setup` in a checkout"),
    ("imusic.msg", REQUIRED, "build the package (colcon build, or make setup) and source its setup file"),
    ("onnxruntime", REQUIRED, "pip install onnxruntime"),
    ("serial", REQUIRED, "rosdep install, or pip install pyserial"),
    ("scipy", REQUIRED, "rosdep install, or pip install scipy"),
    ("aiohttp", REQUIRED, "rosdep install, or pip install aiohttp (only the web page needs it)"),
    ("pygltflib", OPTIONAL, "pip install pygltflib; needed for faces in glTF files"),
    ("vqf", OPTIONAL, "pip install vqf; needed where the hub sends no orientation, and by the simulator"),
    ("gruut_lang_en", OPTIONAL, "pip install gruut-lang-en; needed by simulated faces that speak, as in `imusic demo`"),
    ("torch", OPTIONAL, "pip install torch; needed only by `imusic train`"),
    ("launch_ros", OPTIONAL, "part of a ROS 2 distribution; without it use `imusic demo` and `imusic capture`"),
)


def _python() -> Finding:
    version = sys.version.split()[0]
    ok = sys.version_info[:2] >= (3, 10)
    return Finding("python", ok, REQUIRED, version, "" if ok else "use Python 3.10 or newer")


def _module(name: str, importance: str, advice: str) -> Finding:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        return Finding(name, False, importance, str(error), advice)
    return Finding(name, True, importance, str(getattr(module, "__version__", "present")))


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

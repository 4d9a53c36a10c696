"""The libraries that people may have to install themselves, and how: for `imusic doctor` and for what a verb says."""

from __future__ import annotations

from dataclasses import dataclass

REQUIRED, OPTIONAL = "required", "optional"


@dataclass(frozen=True)
class Library:
    """A Python library.

    Attributes:
        module: imported name.
        importance: required, or optional.
        advice: how to get it, and what needs it.
        processes: of a graph that import it.
    """

    module: str
    importance: str
    advice: str
    processes: tuple[str, ...] = ()


OWN = ("imu_driver", "imu_sim", "imusic_cli", "imusic_ros", "imusic_bench")
"""Rooms of this package, beside those that begin with `face_`."""
OLD_BUILD = "the code has changed since it was built: run `make setup`, or colcon build, or pip install again"

LIBRARIES = (
    Library(
        "rclpy",
        REQUIRED,
        "source a ROS 2 distribution's setup.bash, or run `make setup` in a checkout",
        (
            "imu_driver",
            "face_inference",
            "face_viz",
            "recorder",
            "face_reference",
            "face_fusion",
            "face_streams",
            "robot_head",
            "face_affect",
        ),
    ),
    Library("imusic.msg", REQUIRED, "build the package (colcon build, or make setup) and source its setup file"),
    Library("typer", REQUIRED, "pip install 'typer>=0.12.5'"),
    Library("rich", REQUIRED, "rosdep install, or pip install rich"),
    Library("numpy", REQUIRED, "rosdep install, or pip install numpy"),
    Library("yaml", REQUIRED, "rosdep install, or pip install pyyaml"),
    Library(
        "pydantic",
        REQUIRED,
        "pip install 'pydantic>=2'",
        ("imu_driver", "face_viz", "imu_sim", "recorder", "face_streams", "robot_head"),
    ),
    Library("safetensors", REQUIRED, "pip install safetensors", ("face_inference",)),
    Library("onnxruntime", REQUIRED, "pip install onnxruntime", ("face_inference",)),
    Library("serial", REQUIRED, "rosdep install, or pip install pyserial", ("imu_driver", "imu_sim")),
    Library("cobs", REQUIRED, "pip install cobs", ("imu_driver", "imu_sim")),
    Library("mcap", REQUIRED, "pip install 'mcap>=1.6'; recordings need it", ("recorder", "player")),
    Library("scipy", REQUIRED, "rosdep install, or pip install scipy", ("imu_sim",)),
    Library(
        "aiohttp",
        REQUIRED,
        "rosdep install, or pip install aiohttp; the web page and streams need it",
        ("face_viz", "face_streams"),
    ),
    Library(
        "vqf",
        REQUIRED,
        "pip install vqf; where the hub sends no orientation, and the simulated hub, need it",
        ("imu_driver", "imu_sim"),
    ),
    Library("pygltflib", OPTIONAL, "pip install pygltflib; faces in glTF files need it"),
    Library("gruut_lang_en", OPTIONAL, "pip install gruut-lang-en; simulated faces that speak need it, as in the demo"),
    Library("PIL", OPTIONAL, "rosdep install, or pip install pillow; pictures of faces need it"),
    Library("matplotlib", OPTIONAL, "rosdep install, or pip install matplotlib; pages of figures need it"),
    Library("rosbags", REQUIRED, "pip install rosbags; recordings need it", ("player",)),
    Library("pyarrow", OPTIONAL, "pip install 'pyarrow>=14'; takes as Parquet tables need it"),
    Library("psutil", OPTIONAL, "rosdep install, or pip install psutil; `imusic bench` needs it"),
    Library("torch", OPTIONAL, "pip install torch==2.13.0; `imusic train` needs it"),
    Library("mediapipe", OPTIONAL, "pip install mediapipe; a webcam as reference needs it"),
    Library("onnx", OPTIONAL, "pip install onnx; `imusic train` needs it"),
    Library("launch_ros", OPTIONAL, "part of a ROS 2 distribution; without it use `imusic demo` and `imusic capture`"),
)


def advice_for(module: str) -> str | None:
    """How to get a library that could not be imported, or a module of our own; None where it is none of these."""
    top = module.partition(".")[0]
    if top in OWN or top.startswith("face_"):
        return OLD_BUILD
    return next((library.advice for library in LIBRARIES if library.module.partition(".")[0] == top), None)

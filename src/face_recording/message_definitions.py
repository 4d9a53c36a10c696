"""Definitions of messages as they stand in a bag, gathered from the files that ROS packages install."""

from __future__ import annotations

import json
import re
from pathlib import Path

from face_model.share import ament_prefixes
from face_recording.errors import RecordingError

SEPARATOR = "=" * 80
_PRIMITIVES = frozenset(
    {"bool", "byte", "char", "string", "wstring", "float32", "float64"}
    | {f"{sign}int{size}" for sign in ("", "u") for size in (8, 16, 32, 64)}
)
_TYPE = re.compile(r"^\s*([A-Za-z][\w/]*)(?:<=\d+)?(?:\[[^\]]*\])?\s+[a-z]")


def definition_of(type_name: str) -> str:
    """The definition of a type and of all that it holds, in the format `ros2msg` of MCAP.

    Args:
        type_name: as ROS has it, such as `imusic/msg/ImuFrame`.

    Raises:
        RecordingError: a file of it is not installed.

    The format is https://mcap.dev/spec/registry#ros2msg: nested definitions follow, each after a line of `=` and one
    that names it.
    """
    texts: dict[str, str] = {}
    open_names = [type_name]
    while open_names:
        name = open_names.pop(0)
        if name in texts:
            continue
        texts[name] = _file(name, ".msg").read_text(encoding="utf-8")
        open_names += _nested(name, texts[name])
    first, *others = texts
    parts = [texts[first], *(f"MSG: {_short(name)}\n{texts[name]}" for name in others)]
    return f"\n{SEPARATOR}\n".join(part.rstrip("\n") for part in parts) + "\n"


def hash_of(type_name: str) -> str:
    """The type's hash (REP 2016), such as `RIHS01_...`; empty where the distribution installs none (Humble).

    Raises:
        RecordingError: the type is not installed.
    """
    path = _file(type_name, ".msg").with_suffix(".json")
    if not path.is_file():
        return ""
    hashes = json.loads(path.read_text(encoding="utf-8")).get("type_hashes", [])
    return next((str(entry["hash_string"]) for entry in hashes if entry["type_name"] == type_name), "")


def _nested(owner: str, text: str) -> list[str]:
    names = []
    for line in text.splitlines():
        found = _TYPE.match(line.partition("#")[0])
        if found is None or found[1] in _PRIMITIVES:
            continue
        package, _, name = found[1].rpartition("/")
        names.append(f"{package.partition('/')[0] or owner.partition('/')[0]}/msg/{name}")
    return names


def _file(type_name: str, ending: str) -> Path:
    package, _, name = type_name.partition("/")
    for prefix in ament_prefixes():
        path = prefix / "share" / package / f"{name}{ending}"
        if path.is_file():
            return path
    raise RecordingError(
        f"expected the definition of {type_name} in share/{package} of an ament prefix, found none; "
        f"install the package {package} or source its workspace"
    )


def _short(type_name: str) -> str:
    package, _, name = type_name.partition("/msg/")
    return f"{package}/{name}"

"""On what a figure was measured."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

_RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "tensorrt", "tensorrt-rtx-cu13", "tensorrt-rtx-cu12", "pycuda", "torch")
"""Distributions that run networks; those that are not installed are left out."""


def describe_machine() -> dict[str, object]:
    """Processor, cores that we may use, GPUs, how busy it is, and the versions that decide speed."""
    return {
        "cpu": cpu_model(_text("/proc/cpuinfo")) or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "gpus": [_after("Model", path.read_text()) for path in Path("/proc/driver/nvidia/gpus").glob("*/information")],
        "load_1_min": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name.replace("-", "_"): version for name in ("numpy", *_RUNTIMES) if (version := _version(name))},
    }


def cpu_model(cpuinfo: str) -> str:
    """Name of the processor in the text of `/proc/cpuinfo`; empty where the kernel tells none, as on many ARMs."""
    return _after("model name", cpuinfo)


def _after(key: str, text: str) -> str:
    """Value of the first line `key : value`."""
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() == key:
            return value.strip()
    return ""


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace") if Path(path).is_file() else ""


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None

"""Where a process finds its identity in a keystore of SROS 2: each node has an enclave of its own, by its full name."""

from __future__ import annotations

import os
from collections.abc import Mapping

COMMAND_LINE = "imusic"
"""Enclave of the verbs that ask nodes for something, such as `imusic wearer routine`."""


def enclave_arguments(node: str, namespace: str = "", environment: Mapping[str, str] = os.environ) -> list[str]:
    """`--enclave /alice/imu_driver`, to stand behind `--ros-args`; nothing where SROS 2 is not switched on."""
    if environment.get("ROS_SECURITY_ENABLE") != "true":
        return []
    place = namespace.strip("/")
    return ["--enclave", f"/{place}/{node}" if place else f"/{node}"]


def command_line_arguments(namespace: str = "") -> list[str] | None:
    """What a verb hands to `rclpy.init`; None: nothing."""
    found = enclave_arguments(COMMAND_LINE, namespace)
    return ["--ros-args", *found] if found else None

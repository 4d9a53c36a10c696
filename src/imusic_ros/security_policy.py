"""What each node may publish, hear, offer and ask, as a policy of SROS 2: config/security/policy.xml.

    python -m imusic_ros.security_policy --namespace alice > policy.xml    # of a wearer's nodes, for `ros2 security`
    python -m imusic_ros.security_policy --observe alice                   # what the nodes of a running graph have

Names are as in a node: relative to its namespace, `~/` for its own, absolute where they are the same for all. A test
compares the file with the nodes themselves.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from face_model.share import share_dir

VERSION: Final = "0.2.0"
"""Of the format of policies, sros2/policy/schemas/policy.xsd."""

POLICY: Final = "config/security/policy.xml"

_SENSOR_DATA: Final = re.compile(r"imu/[^/]+/data$")


@dataclass(frozen=True)
class Interfaces:
    """Names of one node, sorted.

    Attributes:
        publish: topics.
        subscribe: topics.
        reply: services that it offers.
        request: services that it asks.
        execute: actions that it offers.
        call: actions that it asks.
    """

    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    reply: tuple[str, ...] = ()
    request: tuple[str, ...] = ()
    execute: tuple[str, ...] = ()
    call: tuple[str, ...] = ()


_TAGS: Final = {
    "publish": ("topics", "topic"),
    "subscribe": ("topics", "topic"),
    "reply": ("services", "service"),
    "request": ("services", "service"),
    "execute": ("actions", "action"),
    "call": ("actions", "action"),
}


@dataclass
class Difference:
    """How a node and its policy differ.

    Attributes:
        denied: what the node has and its policy does not allow, as `publish imu/frame`.
        unused: what the policy allows and the node does not have.
    """

    denied: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)


def compared(allowed: Interfaces, found: Interfaces) -> Difference:
    """A policy against what a node has; a name of the policy may hold `*`."""
    difference = Difference()
    for kind in _TAGS:
        patterns, names = getattr(allowed, kind), getattr(found, kind)
        difference.denied += [f"{kind} {n}" for n in names if not any(fnmatchcase(n, p) for p in patterns)]
        difference.unused += [f"{kind} {p}" for p in patterns if not any(fnmatchcase(n, p) for n in names)]
    return difference


def read_policy(path: Path) -> dict[str, Interfaces]:
    """The profiles of a policy, by the node's name."""
    found: dict[str, Interfaces] = {}
    for profile in ET.parse(path).getroot().iter("profile"):
        names: dict[str, list[str]] = {kind: [] for kind in _TAGS}
        for part in profile:
            for kind in _TAGS:
                if part.get(kind) == "ALLOW":
                    names[kind] += [str(name.text) for name in part]
        found[profile.attrib["node"]] = Interfaces(**{kind: tuple(sorted(n)) for kind, n in names.items()})
    return found


def policy_xml(nodes: Mapping[str, Interfaces], namespace: str = "") -> str:
    """A policy with an enclave for each node: `/imu_driver`, or `/alice/imu_driver` in a namespace."""
    place = f"/{namespace.strip('/')}" if namespace.strip("/") else ""
    root = ET.Element("policy", version=VERSION)
    enclaves = ET.SubElement(root, "enclaves")
    for node, interfaces in sorted(nodes.items()):
        enclave = ET.SubElement(enclaves, "enclave", path=f"{place}/{node}")
        profile = ET.SubElement(ET.SubElement(enclave, "profiles"), "profile", ns=place or "/", node=node)
        for kind, (many, one) in _TAGS.items():
            names = getattr(interfaces, kind)
            if names:
                part = ET.SubElement(profile, many, {kind: "ALLOW"})
                for name in names:
                    ET.SubElement(part, one).text = name
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def observed(observer: Any, node: str, namespace: str) -> Interfaces:
    """What a running node has, from outside; `observer` is a node of rclpy.

    Raises:
        NodeNameNonExistentError: no such node is known yet.
    """
    from rclpy.action import graph as actions

    place = f"/{namespace.strip('/')}"

    def own(names: Iterable[str]) -> tuple[str, ...]:
        relative = (_relative(name, node, place) for name in names if "/_action/" not in name)
        return tuple(sorted({_SENSOR_DATA.sub("imu/*/data", name) for name in relative}))

    def names(entries: Sequence[tuple[str, Any]]) -> tuple[str, ...]:
        return own(name for name, _types in entries)

    return Interfaces(
        publish=names(observer.get_publisher_names_and_types_by_node(node, place)),
        subscribe=names(observer.get_subscriber_names_and_types_by_node(node, place)),
        reply=names(observer.get_service_names_and_types_by_node(node, place)),
        request=names(observer.get_client_names_and_types_by_node(node, place)),
        execute=names(actions.get_action_server_names_and_types_by_node(observer, node, place)),
        call=names(actions.get_action_client_names_and_types_by_node(observer, node, place)),
    )


def _relative(name: str, node: str, place: str) -> str:
    prefix = place.rstrip("/") + "/"
    if not name.startswith(prefix) or prefix == "/":
        return name
    name = name.removeprefix(prefix)
    return f"~/{name.removeprefix(node + '/')}" if name.startswith(f"{node}/") else name


def main(argv: Sequence[str] | None = None) -> int:
    """Print a policy."""
    parser = argparse.ArgumentParser(prog="imusic_ros.security_policy", description="Print a policy of SROS 2.")
    parser.add_argument("--namespace", default="", help="of the wearer, in which the nodes are")
    parser.add_argument("--observe", metavar="NAMESPACE", help="of the nodes that run in this namespace, not ours")
    arguments = parser.parse_args(argv)
    nodes = _observed_graph(arguments.observe) if arguments.observe else read_policy(share_dir() / POLICY)
    sys.stdout.write(policy_xml(nodes, arguments.namespace))
    return 0


def _observed_graph(namespace: str, seconds: float = 10.0) -> dict[str, Interfaces]:
    import rclpy

    place = f"/{namespace.strip('/')}"
    rclpy.init()
    observer = rclpy.create_node("policy_observer", enable_rosout=False, start_parameter_services=False)
    try:
        time.sleep(seconds)  # discovery
        names = [name for name, found in observer.get_node_names_and_namespaces() if found == place]
        return {name: observed(observer, name, namespace) for name in names}
    finally:
        observer.destroy_node()
        rclpy.shutdown()


assert {f.name for f in fields(Interfaces)} == set(_TAGS)

if __name__ == "__main__":
    raise SystemExit(main())

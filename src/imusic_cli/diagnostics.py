"""`imusic diagnostics`: what the nodes and sensors of a running graph say of themselves, once."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

import rclpy
import typer
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rich.console import Console
from rich.table import Table

from imusic_cli.errors import CommandError
from imusic_cli.namespace import parsed_namespace
from imusic_ros.enclaves import command_line_arguments

PATIENCE_S: Final = 10.0
"""Waited for the first word, and after it for publishers that discovery shows and that say nothing."""
PERIOD_S: Final = 3.5
"""Listened for so long after the last new name: who missed us announces itself again after 3 s, and then speaks."""
NAMELESS: Final = "_NODE_NAME_UNKNOWN_"
"""What ROS calls the node of a publisher that it found before its node."""

LEVELS: Final = (("OK", "green"), ("WARN", "yellow"), ("ERROR", "red"), ("STALE", "red"))

out = Console(markup=False)


def diagnostics(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="With all values: a node (`imu_driver`), or a sensor (`imu_driver/mentalis`)."
        ),
    ] = None,
    namespace: Annotated[
        str, typer.Option(help="ROS namespace of the running graph.", parser=parsed_namespace, metavar="NAME")
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")
    ] = False,
) -> None:
    """Say once what a running graph says of itself on /diagnostics: nodes, sensors, values.

    Without a name it is one line for each; with names these, and all their values.
    """
    place = namespace.strip("/")
    found = {
        name.removeprefix(f"{place}/" if place else ""): status
        for name, status in _heard().items()
        if name.startswith(f"{place}/") or not place
    }
    chosen = found if not names else {name: found[name] for name in names if name in found}
    missing = [name for name in names or () if name not in found]
    if found and missing:
        there = ", ".join(sorted(found))
        raise CommandError(f"expected {', '.join(missing)} on /diagnostics, found {there}; give one of these names")
    if not found:
        raise CommandError(
            f"expected diagnostics of a graph in the namespace /{place}, found none within {PATIENCE_S:g} s; start "
            "`imusic capture` or `imusic demo` in another terminal, with the same --namespace and ROS_DOMAIN_ID"
        )
    if as_json:
        print(json.dumps({name: _content(status) for name, status in chosen.items()}, indent=2))  # noqa: T201
        return
    table = Table("of", "level", "says")
    for name, status in sorted(chosen.items()):
        word, style = LEVELS[min(ord(status.level), len(LEVELS) - 1)]
        table.add_row(name, f"{word}", status.message, style=None if word == "OK" else style)
    out.print(table)
    for name in names or ():
        values = Table(show_header=False, title=name)
        for pair in chosen[name].values:
            values.add_row(pair.key, pair.value)
        out.print(values)


def _content(status: DiagnosticStatus) -> dict[str, Any]:
    values = {pair.key: pair.value for pair in status.values}
    return {"level": LEVELS[min(ord(status.level), len(LEVELS) - 1)][0], "message": status.message, "values": values}


class Roll:
    """Who was heard on `/diagnostics`, who is there and says nothing, and when it is time to stop listening.

    Args:
        now_s: when listening began, in seconds of a clock that never goes back.
    """

    def __init__(self, now_s: float) -> None:
        self.found: dict[str, DiagnosticStatus] = {}
        self._heard: set[bytes] = set()
        self._publishers: dict[bytes, str] = {}
        self._news_s = self._began_s = now_s
        self._spoke = False

    def hear(self, statuses: Iterable[DiagnosticStatus], publisher: bytes | None, now_s: float) -> None:
        """This publisher said these; the newest of each name is kept."""
        for status in statuses:
            if status.name not in self.found:
                self._news_s = now_s
                if not self._spoke:
                    self._spoke, self._began_s = True, now_s
            self.found[status.name] = status
        if publisher is not None:
            self._heard.add(publisher)

    def know(self, publishers: Mapping[bytes, str], now_s: float) -> None:
        """Discovery shows these publishers of `/diagnostics` now, with their nodes' names, without the first slash."""
        if publishers.keys() - self._publishers.keys():
            self._news_s = now_s
        self._publishers = dict(publishers)

    @property
    def silent(self) -> list[str]:
        """Nodes that publish, of which nothing was heard.

        Where the middleware does not tell whose a message is, its statuses do: they begin with the node's name,
        `ann/imu_driver/skull`, or `driver: sensor` in packages of others.
        """
        return sorted(
            name
            for publisher, name in self._publishers.items()
            if publisher not in self._heard
            and not any(re.match(rf"/?{re.escape(name)}(\W|$)", said) for said in self.found)
        )

    def is_done(self, now_s: float) -> bool:
        """Whether nothing more is to be expected, or `PATIENCE_S` is over; ever true after twice that."""
        if now_s - self._began_s >= PATIENCE_S:
            return True
        return self._spoke and not self.silent and now_s - self._news_s >= PERIOD_S


def _heard() -> dict[str, DiagnosticStatus]:
    """The newest status of each name on `/diagnostics`; a node that is there and says nothing is told as `STALE`."""
    # Without rclpy's handlers Ctrl-C is an ordinary KeyboardInterrupt.
    rclpy.init(args=command_line_arguments(), signal_handler_options=SignalHandlerOptions.NO)
    node = Node(f"diagnostics_{os.getpid()}")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    roll = Roll(time.monotonic())

    def hear(told: DiagnosticArray, about: Mapping[str, Any]) -> None:
        # rclpy of Jazzy does not tell the publisher.
        publisher = about.get("publisher_gid")
        roll.hear(told.status, bytes(publisher["data"]) if publisher else None, time.monotonic())

    try:
        node.create_subscription(DiagnosticArray, "/diagnostics", hear, 50)
        while not roll.is_done(time.monotonic()):
            executor.spin_once(timeout_sec=0.1)
            roll.know(_publishers(node), time.monotonic())
    except ExternalShutdownException as error:
        raise CommandError("ended from outside") from error
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    return roll.found | {
        name: DiagnosticStatus(
            name=name, level=DiagnosticStatus.STALE, message=f"is there, and has said nothing in {PATIENCE_S:g} s"
        )
        for name in roll.silent
    }


def _publishers(node: Node) -> dict[bytes, str]:
    return {
        bytes(each.endpoint_gid): f"{each.node_namespace.rstrip('/')}/{each.node_name}".lstrip("/")
        for each in node.get_publishers_info_by_topic("/diagnostics")
        if each.node_name != NAMELESS
    }

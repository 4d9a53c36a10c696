"""`imusic diagnostics`: what the nodes and sensors of a running graph say of themselves, once."""

from __future__ import annotations

import json
import os
import time
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
PERIOD_S: Final = 2.2
"""Listened for so long after the first word: each node says something once a second."""

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


def _heard() -> dict[str, DiagnosticStatus]:
    """The newest status of each name on `/diagnostics`."""
    found: dict[str, DiagnosticStatus] = {}
    # Without rclpy's handlers Ctrl-C is an ordinary KeyboardInterrupt.
    rclpy.init(args=command_line_arguments(), signal_handler_options=SignalHandlerOptions.NO)
    node = Node(f"diagnostics_{os.getpid()}")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        node.create_subscription(
            DiagnosticArray, "/diagnostics", lambda told: found.update((each.name, each) for each in told.status), 50
        )
        end_s = time.monotonic() + PATIENCE_S
        began = False
        while time.monotonic() < end_s:
            executor.spin_once(timeout_sec=0.1)
            if found and not began:
                began, end_s = True, time.monotonic() + PERIOD_S
    except ExternalShutdownException as error:
        raise CommandError("ended from outside") from error
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    return found

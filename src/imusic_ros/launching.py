"""A graph as a launch description, for people who have `ros2 launch`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, ExecuteProcess, LogInfo, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode

from imusic_ros.enclaves import enclave_arguments
from imusic_ros.graph import Companions, Graph, Process, checked_namespace, gathered, load_graph, own_line
from imusic_ros.page_port import with_free_page

OnExit = Callable[[object, LaunchContext], "Action | None"]
RESPAWN_DELAY_S = 2.0
"""Before a viewer that died is started again."""


def graph_description(
    name: str, *more: Action, other: Mapping[tuple[str, str], str] | None = None, ends_with: str = ""
) -> LaunchDescription:
    """Declare the graph's arguments and start its processes; `more` is done before.

    `other` names graphs that are started instead where an argument has a value: by the argument and that value.
    `ends_with` names the process whose end is that of the launch.

    Lifecycle nodes walk to active by themselves unless `autostart:=false`.
    """
    graph = load_graph(name)
    declared = [
        DeclareLaunchArgument("namespace", default_value="", description="Namespace of all nodes: one per wearer."),
        DeclareLaunchArgument(
            "autostart", default_value="true", description="Configure and activate the nodes; false: a manager does it."
        ),
        *(
            DeclareLaunchArgument(a.name, default_value=a.spec.text(), description=f"{a.group}: {a.spec.help}")
            for a in graph.arguments
        ),
    ]
    return LaunchDescription([*declared, *more, OpaqueFunction(function=_start, args=[graph, other or {}, ends_with])])


def _start(context: LaunchContext, graph: Graph, other: Mapping[tuple[str, str], str], ends_with: str) -> list[Action]:
    def given(name: str, default: str | None = None) -> str:
        return str(LaunchConfiguration(name, default=default).perform(context))

    namespace, autostart = checked_namespace(given("namespace")), given("autostart").lower() in {"true", "1"}
    graph = next((load_graph(name) for (key, value), name in other.items() if given(key) == value), graph)
    # What was left as declared is not set again: each process then takes it from its own file.
    changed = {a.name: given(a.name) for a in graph.arguments if given(a.name) != a.spec.text()}
    processes, moved = with_free_page(graph.started_with(own_line(graph, changed)), "page_port" in changed)
    # launch looks at these two only where an action has no prefix of its own.
    asked, chosen = given("launch-prefix", ""), given("launch-prefix-filter", "")
    said: list[Action] = [LogInfo(msg=moved)] if moved else []
    return said + [
        _action(
            p,
            namespace,
            autostart,
            _end_with_parent() + (asked if re.match(chosen, _program(p)) else ""),
            _end if p.name == ends_with else None,
        )
        for p in gathered(processes)
    ]


def _program(process: Process | Companions) -> str:
    return process.name if isinstance(process, Companions) else process.executable


def _action(
    process: Process | Companions, namespace: str, autostart: bool, prefix: str, on_exit: OnExit | None
) -> Action:
    if isinstance(process, Companions):
        return ExecuteProcess(
            cmd=process.command(namespace, autostart),
            name=process.name,
            output="screen",
            prefix=prefix,
            respawn=True,
            respawn_delay=RESPAWN_DELAY_S,
        )
    if not process.is_node:
        return ExecuteProcess(
            cmd=process.command(namespace), name=process.name, output="screen", prefix=prefix, on_exit=on_exit
        )
    return LifecycleNode(
        package="imusic",
        executable=process.executable,
        exec_name=process.executable,  # in what launch prints; otherwise the first word of the prefix stands there
        name=process.name,
        namespace=namespace,
        parameters=[str(process.file), {**process.overrides, "autostart": autostart}],
        ros_arguments=enclave_arguments(process.name, namespace),
        output="screen",
        prefix=prefix,
        on_exit=on_exit,
        respawn=process.resumed or not process.essential,
        respawn_delay=RESPAWN_DELAY_S,
    )


def _end(_event: object, context: LaunchContext) -> Action | None:
    """End the launch, once: asked again while it ends, launch_ros raises."""
    return None if context.is_shutdown else Shutdown(reason="what all the others are there for has ended")


def _end_with_parent() -> str:
    """Words before a command with which the kernel ends it when its parent has died; none without util-linux.

    A launch that is killed, or told to end by SIGTERM, would leave its processes running.
    """
    program = shutil.which("setpriv")
    return "" if program is None else f"{program} --pdeathsig TERM "

"""What runs, read from `config/graph.yaml`: shared by the launch files and the command line. No ROS in here."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import re
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from face_model.errors import ImusicError
from face_model.settings import read_mapping
from face_model.share import PACKAGE, share_dir
from imusic_ros.companions import NODE
from imusic_ros.enclaves import enclave_arguments
from imusic_ros.parameters import USE_SIM_TIME, ParameterSpec, Value

Values = Mapping[str, object]
NAMESPACE = re.compile(r"/?([A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*/?)?", re.ASCII)
NONE = "none"
"""Value of a parameter without which its process is not started."""
SIMULATED = "simulated"
"""Value of `reference`: the phone of the simulated hub."""
LONGEST_NAMESPACE = 200
"""ROS allows 245 characters, topics included."""


_LINES = itertools.count()
"""Of the simulated hubs that this process starts."""


class GraphError(ImusicError, ValueError):
    """`config/graph.yaml` contradicts itself, or an argument is unknown or of the wrong type."""


@dataclass(frozen=True)
class Process:
    """One process of a graph.

    Attributes:
        name: of the process, and of its node.
        executable: in `lib/imusic`.
        file: its YAML file.
        is_node: whether it is a ROS node; otherwise its settings are command-line flags.
        overrides: values that replace those of the file.
        essential: whether the graph ends with it; otherwise it is started again, and missed meanwhile.
        only_with: its parameter without which it is not started: where that is empty, `none` or false; empty: always
            started.
        companion: class of its node, as MODULE:CLASS, where it may share a process with others; see `Companions`.
        resumed: whether it is started again in this graph although it is essential, as it goes on where it was.
    """

    name: str
    executable: str
    file: Path
    is_node: bool
    overrides: Mapping[str, object]
    essential: bool = True
    only_with: str = ""
    companion: str = ""
    resumed: bool = False

    @property
    def nodes(self) -> frozenset[str]:
        """Names of what it runs."""
        return frozenset({self.name})

    @property
    def wanted(self) -> bool:
        """Whether it is to be started with the values that it has."""
        return not self.only_with or self.setting(self.only_with) not in (None, False, "", NONE)

    def setting(self, key: str) -> object:
        """What holds for one of its parameters: its override, or what stands in its file.

        Raises:
            GraphError: the file cannot be read.
        """
        return self.overrides[key] if key in self.overrides else _values(self).get(key)

    def command(self, namespace: str = "", autostart: bool = True) -> list[str]:
        """Command line that starts this process without `ros2 launch`; nodes bring themselves to active by default."""
        program = str(executable_path(self.executable))
        if not self.is_node:
            values = {**self.overrides, **({"namespace": namespace} if namespace else {})}
            flags = [_flag(key, value) for key, value in values.items()]
            return [program, "--config", str(self.file), *(part for flag in flags for part in flag)]
        command = [program, "--ros-args", "--params-file", str(self.file), "-r", f"__node:={self.name}"]
        if namespace:
            command += ["-r", f"__ns:=/{namespace.strip('/')}"]
        command += enclave_arguments(self.name, namespace)
        for key, value in {**self.overrides, "autostart": autostart}.items():
            command += ["-p", f"{key}:={json.dumps(value)}"]  # JSON is YAML with the type kept
        return command


@dataclass(frozen=True)
class Companions:
    """Nodes that share a process: what it takes to be handed a face by ROS is then paid once, not once for each.

    Attributes:
        processes: what they would be by themselves; none is essential.
    """

    processes: tuple[Process, ...]
    name: str = "companions"
    essential: bool = False
    resumed: bool = False

    @property
    def nodes(self) -> frozenset[str]:
        """Names of what it runs."""
        return frozenset(process.name for process in self.processes)

    def command(self, namespace: str = "", autostart: bool = True) -> list[str]:
        """As a process's."""
        command = [str(executable_path(self.name))]
        for process in self.processes:
            command += [NODE, process.companion, *process.command(namespace, autostart)[1:]]
        return command


def gathered(processes: Sequence[Process]) -> tuple[Process | Companions, ...]:
    """What is started for these processes: those that may share a process do so, where there is more than one.

    Not under SROS2 (`ROS_SECURITY_ENABLE`): rights are those of a process, and each node is to have its own.
    """
    together = tuple(process for process in processes if process.companion)
    if len(together) < 2 or os.environ.get("ROS_SECURITY_ENABLE", "").lower() == "true":
        return tuple(processes)
    return (*(process for process in processes if not process.companion), Companions(together))


@dataclass(frozen=True)
class Argument:
    """A value that people may give when they start a graph.

    Attributes:
        name: of the argument.
        spec: type, bounds and meaning; its default is what stands in this graph where the argument is not given.
        sets: process and parameter that take the value.
        group: heading that it stands under.
    """

    name: str
    spec: ParameterSpec
    sets: tuple[tuple[str, str], ...]
    group: str

    def parsed(self, value: object) -> Value:
        """The value in the argument's type; names are separated by commas.

        Raises:
            GraphError: it is of another type, out of bounds, or none of the choices.
        """
        try:
            return self.spec.parsed(value)
        except ValueError as error:
            raise GraphError(str(error)) from error


@dataclass(frozen=True)
class Graph:
    """A named set of processes and the arguments that concern them."""

    name: str
    processes: tuple[Process, ...]
    arguments: tuple[Argument, ...]

    def started_with(self, values: Values) -> tuple[Process, ...]:
        """Processes with the given argument values; None and empty strings leave the files' values.

        Raises:
            GraphError: an unknown argument, or a value of the wrong type.
        """
        known = {argument.name: argument for argument in self.arguments}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise GraphError(f"graph {self.name}: expected arguments among {sorted(known)}, found {', '.join(unknown)}")
        extra: dict[str, dict[str, object]] = {process.name: {} for process in self.processes}
        for name, text in values.items():
            if text is None or text == "":
                continue
            for process, key in known[name].sets:
                if process in extra:
                    extra[process][key] = known[name].parsed(text)
        told = (replace(p, overrides={**p.overrides, **extra[p.name]}) for p in self.processes)
        return tuple(process for process in told if process.wanted)


def own_line(graph: Graph, values: Values) -> dict[str, object]:
    """`values`, with a line of its own between simulated hub and driver where none is given.

    Several demos then run beside each other, and none takes over another's hub. So has a simulated phone, where
    `reference` asks for one.
    """
    if not any(process.name == "imu_sim" for process in graph.processes):
        return dict(values)
    own = dict(values)
    if not values.get("port") and not values.get("udp"):
        number = next(_LINES)  # one launch may start several
        name = f"imusic_hub_{os.getpid()}" + (f"_{number}" if number else "")
        own["port"] = str(Path(tempfile.gettempdir()) / name)
    if values.get("reference") == SIMULATED and not values.get("phone") and not values.get("reference_listen"):
        own["phone"] = own["reference_listen"] = f"127.0.0.1:{_free_port()}"
    return own


def _free_port() -> int:
    """A UDP port of this machine that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def checked_namespace(text: str) -> str:
    """A ROS namespace as it was given.

    Raises:
        GraphError: ROS takes no such name, https://design.ros2.org/articles/topic_and_service_names.html.
    """
    if not NAMESPACE.fullmatch(text) or len(text) > LONGEST_NAMESPACE:
        raise GraphError(
            f"namespace: expected letters, digits and underscores, each part beginning with no digit, parts separated "
            f"by /, found {text!r}; choose another"
        )
    return text


def load_graph(name: str) -> Graph:
    """Read one graph.

    Raises:
        GraphError: no such graph, or the file contradicts itself.
    """
    content = graph_file()
    graphs = content["graphs"]
    if name not in graphs:
        raise GraphError(f"expected one of the graphs {', '.join(graphs)}, found {name!r}; take one of these")
    overrides: dict[str, dict[str, object]] = {process: {} for process in graphs[name]["processes"]}
    for target, value in graphs[name].get("set", {}).items():
        process, key = _split(target)
        if process not in overrides:
            raise GraphError(f"graph {name}: expected to set what it starts, found {target}; correct config/graph.yaml")
        overrides[process][key] = value
    resumed = graphs[name].get("resumed", [])
    processes = tuple(
        replace(_process(p, content["processes"], overrides[p]), resumed=p in resumed)
        for p in graphs[name]["processes"]
    )
    return Graph(name, processes, tuple(_arguments(name, content, processes)))


def graph_file() -> dict[str, Any]:
    """Content of `config/graph.yaml`. Without pydantic: people do not write it, and the doctor reads it.

    Raises:
        GraphError: it cannot be read.
    """
    return read_mapping(share_dir() / "config" / "graph.yaml", "the list of what runs", GraphError)


def parameter_table(module: str) -> tuple[ParameterSpec, ...]:
    """Parameters of a node by the name of the module that holds them: no room is imported by name here."""
    table: tuple[ParameterSpec, ...] = importlib.import_module(module).PARAMETERS
    return table


def executable_path(executable: str) -> Path:
    """Installed program of this package."""
    return share_dir().parents[1] / "lib" / PACKAGE / executable


def _process(name: str, known: Mapping[str, Any], overrides: Mapping[str, object]) -> Process:
    if name not in known:
        raise GraphError(f"expected one of the processes {', '.join(known)}, found {name!r}")
    entry = known[name]
    is_node = "parameters" in entry
    file = share_dir() / "config" / (f"{name}.yaml" if is_node else str(entry["settings"]))
    return Process(
        name,
        str(entry["executable"]),
        file,
        is_node,
        dict(overrides),
        bool(entry.get("essential", True)),
        str(entry.get("only_with", "")),
        str(entry.get("companion", "")),
    )


def _arguments(graph: str, content: Mapping[str, Any], processes: tuple[Process, ...]) -> Iterator[Argument]:
    started = {process.name: process for process in processes}
    values = {process.name: _values(process) for process in processes}
    for name, entry in content["arguments"].items():
        sets = tuple(target for text in entry["sets"] for target in _targets(text, content))
        first = next(((process, key) for process, key in sets if process in started), None)
        if first is None or graph not in entry.get("only", [graph]):
            continue
        process, key = first
        spec = _spec(name, *sets[0], content) if "help" not in entry else ParameterSpec(name, "", str(entry["help"]))
        default = {**values[process], **started[process].overrides}.get(key, spec.default)
        group = str(entry.get("group", content["processes"][process]["group"]))
        yield Argument(name, replace(spec, name=name, default=default), sets, group)


def _spec(argument: str, process: str, key: str, content: Mapping[str, Any]) -> ParameterSpec:
    table = (*parameter_table(str(content["processes"][process]["parameters"])), USE_SIM_TIME)
    spec = next((spec for spec in table if spec.name == key), None)
    if spec is None:
        raise GraphError(
            f"argument {argument}: expected a parameter of {process}, found {key}; correct config/graph.yaml"
        )
    return spec


def _values(process: Process) -> Mapping[str, Any]:
    """What the process's file says, which people may have edited."""
    content = read_mapping(process.file, f"the settings of {process.name}", GraphError)
    if not process.is_node:
        return content
    values: Mapping[str, Any] = content.get(f"/**/{process.name}", {}).get("ros__parameters", {})
    return values


def _flag(key: str, value: object) -> list[str]:
    """An option of a process that is no node; one that is true or false stands alone."""
    name = f"--{key.replace('_', '-')}"
    if isinstance(value, bool):
        return [name if value else f"--no-{name[2:]}"]
    return [name, str(value)]


def _targets(target: str, content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Process and key; `*` stands for every node."""
    process, key = _split(target)
    if process != "*":
        return [(process, key)]
    return [(name, key) for name, entry in content["processes"].items() if "parameters" in entry]


def _split(target: str) -> tuple[str, str]:
    process, _, key = target.partition(".")
    return process, key

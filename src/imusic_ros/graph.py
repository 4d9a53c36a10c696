"""What runs, read from `config/graph.yaml`: shared by the launch files and the command line. No ROS in here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from face_model.errors import ImusicError
from face_model.share import PACKAGE, share_dir

Values = Mapping[str, object]

NOT_CONFIGURED = "not configured: "
"""How a node begins the log line that says why it cannot be configured."""


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
    """

    name: str
    executable: str
    file: Path
    is_node: bool
    overrides: Mapping[str, object]

    def command(self, namespace: str = "") -> list[str]:
        """Command line that starts this process without `ros2 launch`; nodes bring themselves to active."""
        program = str(executable_path(self.executable))
        if not self.is_node:
            flags = [[f"--{key.replace('_', '-')}", str(value)] for key, value in self.overrides.items()]
            return [program, "--config", str(self.file), *(part for flag in flags for part in flag)]
        command = [program, "--ros-args", "--params-file", str(self.file), "-r", f"__node:={self.name}"]
        if namespace:
            command += ["-r", f"__ns:=/{namespace.strip('/')}"]
        for key, value in {**self.overrides, "autostart": True}.items():
            command += ["-p", f"{key}:={json.dumps(value)}"]  # JSON is YAML with the type kept
        return command


class Names(list[str]):
    """Names separated by commas."""

    def __init__(self, text: object) -> None:
        super().__init__(name.strip() for name in str(text).split(","))


@dataclass(frozen=True)
class Argument:
    """A value that people may give when they start a graph."""

    name: str
    type: type
    sets: tuple[tuple[str, str], ...]
    help: str

    def parsed(self, text: object) -> object:
        """The value in the argument's type.

        Raises:
            GraphError: it is not of that type.
        """
        try:
            return self.type(text)
        except (TypeError, ValueError) as error:
            raise GraphError(f"{self.name}: expected {self.type.__name__}, found {text!r}") from error


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
        return tuple(
            Process(p.name, p.executable, p.file, p.is_node, {**p.overrides, **extra[p.name]}) for p in self.processes
        )


def load_graph(name: str) -> Graph:
    """Read one graph.

    Raises:
        GraphError: no such graph, or the file contradicts itself.
    """
    content = yaml.safe_load((share_dir() / "config" / "graph.yaml").read_text(encoding="utf-8"))
    graphs = content["graphs"]
    if name not in graphs:
        raise GraphError(f"expected one of the graphs {', '.join(graphs)}, found {name!r}")
    overrides: dict[str, dict[str, object]] = {process: {} for process in graphs[name]["processes"]}
    for target, value in graphs[name].get("set", {}).items():
        process, key = _split(target)
        if process not in overrides:
            raise GraphError(f"graph {name} sets {target}, but does not start {process}")
        overrides[process][key] = value
    processes = tuple(_process(p, content["processes"], overrides[p]) for p in graphs[name]["processes"])
    return Graph(name, processes, _arguments(content["arguments"], set(overrides)))


def executable_path(executable: str) -> Path:
    """Installed program of this package."""
    return share_dir().parents[1] / "lib" / PACKAGE / executable


def _process(name: str, known: Mapping[str, Any], overrides: Mapping[str, object]) -> Process:
    if name not in known:
        raise GraphError(f"expected one of the processes {', '.join(known)}, found {name!r}")
    entry = known[name]
    is_node = "parameters" in entry
    file = share_dir() / "config" / str(entry["parameters" if is_node else "settings"])
    return Process(name, str(entry["executable"]), file, is_node, dict(overrides))


def _arguments(entries: Mapping[str, Any], processes: set[str]) -> tuple[Argument, ...]:
    types = {"str": str, "int": int, "float": float, "names": Names}
    arguments = (
        Argument(name, types[entry["type"]], tuple(map(_split, entry["sets"])), str(entry["help"]))
        for name, entry in entries.items()
    )
    return tuple(a for a in arguments if any(process in processes for process, _ in a.sets))


def _split(target: str) -> tuple[str, str]:
    process, _, key = target.partition(".")
    return process, key

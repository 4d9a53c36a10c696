"""`python -m imusic_ros.parameter_docs` writes config/<node>.yaml and docs/parameters.md from the tables of parameters.

A test holds the files to the tables: after a change of a table, run it in a checkout.
"""

from __future__ import annotations

import importlib
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from imusic_ros.graph import GraphError, graph_file, load_graph, parameter_table
from imusic_ros.parameters import ParameterSpec

HERE = "python -m imusic_ros.parameter_docs"
SHOWN_GRAPHS = ("demo", "capture", "sensors", "inference", "replay", "reference", "streams")
"""Those that people start."""


def files() -> dict[str, str]:
    """What the files say, by path in the checkout."""
    tables = {
        name: str(entry["parameters"]) for name, entry in graph_file()["processes"].items() if "parameters" in entry
    }
    yaml_files = {f"config/{node}.yaml": "\n".join(_yaml(node, module)) for node, module in tables.items()}
    return {**yaml_files, "docs/parameters.md": "\n".join(_page(tables))}


def main() -> int:
    """Write the files into the checkout that this file is in."""
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / "package.xml").is_file():
        raise GraphError(f"expected a checkout with package.xml at {checkout}, found none; run it in a checkout")
    for name, text in files().items():
        (checkout / name).write_text(text, encoding="utf-8")
        print(f"wrote {name}")  # noqa: T201
    return 0


def _yaml(node: str, module: str) -> Iterator[str]:
    yield from _comment(_summary(module), "")
    yield from _comment(
        "Live parameters can change while the node runs (`ros2 param set`); the others are read when it is "
        "configured: to change one, run cleanup, set it, configure. Change values here as you like; the comments "
        f"are written by `{HERE}` from src/{module.replace('.', '/')}.py.",
        "",
    )
    yield f"/**/{node}:"
    yield "  ros__parameters:"
    for spec in parameter_table(module):
        yield from _comment(" ".join(part for part in (spec.help, spec.effect, spec.live * "Live.") if part), "    ")
        yield f"    {spec.name}: {json.dumps(spec.default)}"
    yield ""


def _page(tables: dict[str, str]) -> Iterator[str]:
    yield "# Parameters, arguments and options"
    yield ""
    yield f"Written by `{HERE}` from the tables in `src/*/parameters.py` and from"
    yield "[config/graph.yaml](../config/graph.yaml): change it there."
    yield ""
    yield "A value is looked for in this order: command line or launch argument, the node's file in"
    yield "[config/](../config), the default below. *Live* parameters can change while the node runs, with"
    yield "`ros2 param set`; the others are read when the node is configured. Values of the wrong type or out of"
    yield "bounds are refused with a reason."
    for node, module in tables.items():
        yield ""
        yield f"## {node}"
        yield ""
        yield f"{_summary(module)} File: [config/{node}.yaml](../config/{node}.yaml)."
        yield ""
        yield "| parameter | type | default | bounds, unit | live | meaning |"
        yield "|---|---|---|---|---|---|"
        for spec in parameter_table(module):
            meaning = " ".join(part for part in (spec.description, spec.effect) if part)
            yield _row(f"`{spec.name}`", spec.type_name, _shown(spec), spec.range, "live" * spec.live, meaning)
    yield ""
    yield "## Arguments of launch files, options of the command line"
    yield ""
    yield "Launch files take them as `NAME:=VALUE`, verbs of `./imusic` as `--NAME VALUE` with `-` for `_`; what each"
    yield "starts stands in [config/graph.yaml](../config/graph.yaml). `./imusic replay` has options of its own;"
    yield "`./imusic demo` takes a port of its own, so that several run beside each other."
    graphs = {name: {a.name: a for a in load_graph(name).arguments} for name in SHOWN_GRAPHS}
    entries = graph_file()["arguments"]
    yield ""
    yield f"| argument | sets | {' | '.join(f'default in `{name}`' for name in SHOWN_GRAPHS)} |"
    yield f"|---|---|{'---|' * len(SHOWN_GRAPHS)}"
    for name, entry in entries.items():
        defaults = [_shown(graph[name].spec) if name in graph else "" for graph in graphs.values()]
        yield _row(f"`{name}`", ", ".join(f"`{target}`" for target in entry["sets"]), *defaults)
    yield ""


def _summary(module: str) -> str:
    return str(importlib.import_module(module).__doc__)


def _shown(spec: ParameterSpec) -> str:
    return f"`{json.dumps(spec.default)}`"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _comment(text: str, indent: str) -> list[str]:
    start = f"{indent}# "
    return textwrap.wrap(
        text, 120, initial_indent=start, subsequent_indent=start, break_long_words=False, break_on_hyphens=False
    )


if __name__ == "__main__":
    sys.exit(main())

"""The program `companions`: several nodes in one process, so that a face wakes one and not one for each of them.

    companions --node MODULE:CLASS --ros-args ... --node MODULE:CLASS --ros-args ...

Each node has the arguments that it has as a program of its own, and is the same to all others: its name, lifecycle,
parameters and topics. `imusic_ros.graph` writes the command line, config/graph.yaml says who is a companion.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from imusic_ros.program import prepare

if TYPE_CHECKING:
    from imusic_ros.managed_node import ManagedNode

NODE = "--node"


def main() -> int:
    """Run the nodes of the command line; 2 where it names none, else as `imusic_ros.process.run_together`."""
    prepare()
    try:
        nodes = split(sys.argv[1:])
    except ValueError as error:
        print(f"companions: {error}", file=sys.stderr)  # noqa: T201
        return 2
    from imusic_ros.process import run_together

    return run_together([partial(_make, node, arguments) for node, arguments in nodes], [])


def split(words: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Nodes of a command line as `MODULE:CLASS`, each with its own arguments.

    Raises:
        ValueError: it is not of this form.
    """
    starts = [i for i, word in enumerate(words) if word == NODE]
    if not starts or starts[0] != 0:
        raise ValueError(
            f"expected {NODE} MODULE:CLASS --ros-args ... for each node, found {' '.join(words) or 'none'}"
        )
    nodes = []
    for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
        name = words[start + 1] if start + 1 < end else ""
        if not all(part for part in name.partition(":")):
            raise ValueError(f"expected MODULE:CLASS after {NODE}, found {name!r}; name a class of nodes")
        nodes.append((name, list(words[start + 2 : end])))
    return nodes


def _make(name: str, arguments: list[str]) -> ManagedNode:
    import importlib

    from imusic_ros.managed_node import ConfigurationError

    module, _, kind = name.partition(":")
    try:
        create: Callable[..., ManagedNode] = getattr(importlib.import_module(module), kind)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{name}: {error}; install what is missing, or leave it out") from error
    return create(cli_args=arguments, use_global_arguments=False)

"""Verbs that run a graph until Ctrl-C: their options are the graph's arguments, the rest stands in `run`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from imusic_cli.namespace import parsed_namespace
from imusic_ros.graph import Argument, GraphError, load_graph

NAMESPACE = "ROS namespace of all nodes: one per wearer."


def graph_verb(
    name: str,
    summary: str,
    namespace: str = NAMESPACE,
    needs_namespace: bool = False,
    positional: str = "",
    hidden: tuple[str, ...] = (),
) -> Callable[..., None]:
    """A verb with an option for each argument of a graph.

    Args:
        name: of the graph.
        summary: one line for the help.
        namespace: help of the option `--namespace`.
        needs_namespace: whether that option must be given.
        positional: argument that is no option and must be given; empty: none.
        hidden: arguments that the help leaves out.
    """

    def verb(**values: Any) -> None:
        # Only now: a wrong argument is told before the libraries that run the graph are loaded.
        from imusic_cli.run import run_graph

        raise typer.Exit(run_graph(name, values, values.pop("namespace")))

    options = [
        _given(a.name, _positional(a))
        if a.name == positional
        else _given(a.name, _option(a, a.name in hidden), default=None, kind=_kind(a))
        for a in load_graph(name).arguments
    ]
    default = inspect.Parameter.empty if needs_namespace else ""
    options.append(_given("namespace", typer.Option(help=namespace, parser=parsed_namespace, metavar="NAME"), default))
    options.sort(key=lambda option: option.default is not inspect.Parameter.empty)
    # Typer reads a verb's options from its signature, and their types from its annotations.
    verb.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    verb.__annotations__ = {option.name: option.annotation for option in options}
    verb.__name__, verb.__doc__ = name, summary
    return verb


def _given(name: str, how: Any, default: Any = inspect.Parameter.empty, kind: Any = str) -> inspect.Parameter:
    place = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(name, place, default=default, annotation=Annotated[kind, how])


def _kind(argument: Argument) -> Any:
    """What typer makes of the text: a switch takes none."""
    return bool | None if isinstance(argument.spec.default, bool) else str


def _option(argument: Argument, hidden: bool) -> Any:
    spec = argument.spec
    if isinstance(spec.default, bool):
        flag = f"--{argument.name.replace('_', '-')}"
        return typer.Option(
            f"{flag}/--no-{flag[2:]}", help=spec.help, show_default=False, rich_help_panel=argument.group, hidden=hidden
        )
    return typer.Option(
        f"--{argument.name.replace('_', '-')}",
        help=spec.help,
        parser=_parser(argument),
        metavar=spec.type_name.upper(),
        show_default=spec.text() or False,
        rich_help_panel=argument.group,
        hidden=hidden,
    )


def _positional(argument: Argument) -> Any:
    return typer.Argument(help=argument.spec.help, parser=_parser(argument), metavar=argument.name.upper())


def _parser(argument: Argument) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return argument.parsed(text)
        except GraphError as error:
            raise typer.BadParameter(str(error)) from error

    return parse


demo = graph_verb(
    "demo",
    "Watch a simulated face: hub, driver, inference and web page, no hardware needed.",
    hidden=("port", "baud", "udp", "phone"),  # of the lines between simulated hub, phone and their listeners
)
capture = graph_verb("capture", "Capture a face from a hub.")
sensors = graph_verb(
    "sensors",
    "One of several wearers: driver and page, whose face `imusic inference` computes together with the others'.",
    namespace="The wearer's ROS namespace, as `imusic inference` is told it.",
    needs_namespace=True,
)
reference = graph_verb(
    "reference",
    "Publish a phone's or a webcam's face on face/reference; `capture` and `demo` do so with --reference.",
    positional="reference",
)
stream = graph_verb(
    "streams",
    "Send the face of a running graph or replay to animation tools; `capture` and `demo` do so with --stream.",
    positional="stream",
)
inference = graph_verb(
    "inference",
    "Compute the faces of several wearers in one process, each in the namespace of their `imusic sensors`.",
    namespace="ROS namespace that those of the wearers are in.",
    positional="wearers",
)

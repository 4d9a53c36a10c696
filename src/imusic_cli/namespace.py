"""The option `--namespace` of all verbs."""

from __future__ import annotations

import typer

from imusic_ros.graph import GraphError, checked_namespace


def parsed_namespace(text: str) -> str:
    """A value of the option.

    Raises:
        typer.BadParameter: ROS takes no such namespace.
    """
    try:
        return checked_namespace(text)
    except GraphError as error:
        raise typer.BadParameter(str(error)) from error

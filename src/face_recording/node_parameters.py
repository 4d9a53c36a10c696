"""Reads the parameters of other nodes, without waiting for them."""

from __future__ import annotations

import contextlib
from typing import Any

from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python


class ParameterReader:
    """Asks each node once; `values` fills as they answer.

    Args:
        node: that asks.
        names: of nodes that are asked wherever they are found in `places`.
        places: namespaces, absolute.

    Attributes:
        values: parameters by the full names of nodes.
    """

    def __init__(self, node: Node, names: tuple[str, ...], places: set[str]) -> None:
        self.values: dict[str, dict[str, Any]] = {}
        self._node, self._names, self._places = node, names, places
        self._clients: dict[str, tuple[Any, Any]] = {}
        self._asked: set[str] = set()

    def look(self) -> None:
        """Ask the nodes that are there by now."""
        for name, place in self._node.get_node_names_and_namespaces():
            full = f"{place.rstrip('/')}/{name}"
            if name in self._names and place in self._places and full not in self._asked:
                self._ask(full)

    def close(self) -> None:
        """Ask no more."""
        for full in list(self._clients):
            self._forget(full)

    def _ask(self, full: str) -> None:
        if full not in self._clients:
            self._clients[full] = (
                self._node.create_client(ListParameters, f"{full}/list_parameters"),
                self._node.create_client(GetParameters, f"{full}/get_parameters"),
            )
        lister, getter = self._clients[full]
        if lister.service_is_ready() and getter.service_is_ready():
            self._asked.add(full)
            lister.call_async(ListParameters.Request()).add_done_callback(lambda told: self._on_names(full, told))

    def _on_names(self, full: str, told: Any) -> None:
        if told.exception() is not None or full not in self._clients:
            return
        names = list(told.result().result.names)
        request = GetParameters.Request(names=names)
        asked = self._clients[full][1].call_async(request)
        asked.add_done_callback(lambda answer: self._on_values(full, names, answer))

    def _on_values(self, full: str, names: list[str], told: Any) -> None:
        if told.exception() is not None or full not in self._clients:
            return
        values = map(parameter_value_to_python, told.result().values)
        self.values[full] = {name: _plain(value) for name, value in zip(names, values, strict=False)}

    def _forget(self, full: str) -> None:
        for client in self._clients.pop(full):
            with contextlib.suppress(ValueError):
                self._node.destroy_client(client)


def _plain(value: Any) -> Any:
    """A value as YAML has it."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return [_plain(item) for item in value]

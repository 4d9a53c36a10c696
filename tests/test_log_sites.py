"""One place in the code logs with one severity: rclpy raises in the node where a call site changes it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SEVERITIES = {"debug", "info", "warn", "warning", "error", "fatal", "critical"}


def loose_log_methods(source: str) -> Iterator[int]:
    """Lines on which a log's method is anything but called at once by its name, so that a call may mean another one."""
    tree = ast.parse(source)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in SEVERITIES:
            loose = _is_log(node.value) and id(node) not in called
        else:
            by_name = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr"
            loose = by_name and _is_log(node.args[0])
        if loose:
            yield node.lineno


def _is_log(node: ast.expr) -> bool:
    return "log" in ast.unparse(node).lower()


@pytest.mark.parametrize(
    "line",
    [
        "(log.info if ok else log.warning)(text)",
        "(self._log.info if ok else self._log.warning)(text)",
        "say = node.get_logger().info",
        "tell(log.error)",
        "getattr(self.get_logger(), name)(text)",
    ],
)
def test_the_check_finds(line: str) -> None:
    assert list(loose_log_methods(line)) != []


@pytest.mark.parametrize("line", ["log.info(text)", "self.get_logger().warning(text)", "result.error", "dialog_error"])
def test_the_check_lets_pass(line: str) -> None:
    assert list(loose_log_methods(line)) == []


def test_no_log_method_is_chosen_at_a_call() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{line}"
        for layer in ("src", "lab")
        for path in sorted(REPOSITORY.glob(f"{layer}/**/*.py"))
        for line in loose_log_methods(path.read_text(encoding="utf-8"))
    ]
    assert found == []

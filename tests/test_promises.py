"""Every promise of docs/promises.md names tests that exist, and says how they were seen failing."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
PAGE = TESTS.parent / "docs" / "promises.md"
PROMISED = {*range(1, 10), *range(11, 16), *range(17, 21), 22}
ROW = re.compile(r"^\| (\d+) \|(.+)\|(.+)\|(.+)\|$", re.MULTILINE)
NAMED = re.compile(r"`([\w/]+\.py)(?:::(\w+))?`")


def rows() -> dict[int, tuple[str, str, str]]:
    found = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {int(number): (promise.strip(), tests.strip(), seen.strip()) for number, promise, tests, seen in found}


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_no_promise_is_left_out() -> None:
    assert rows().keys() == PROMISED


@pytest.mark.parametrize("number", sorted(PROMISED))
def test_a_promise_names_tests_that_exist_and_how_they_fail(number: int) -> None:
    promise, tests, seen = rows()[number]
    named = NAMED.findall(tests)
    assert promise
    assert seen
    assert named
    assert not NAMED.sub("", tests).strip(), "nothing but names of tests"
    for file, name in named:
        assert (TESTS / file).is_file(), file
        assert not name or name in functions_of(file), f"{file} has no {name}"

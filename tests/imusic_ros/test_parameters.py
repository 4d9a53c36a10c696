"""Tables of parameters: what they refuse, what comes from them, and what reading them costs."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from face_inference.engines import choice
from imusic_ros import parameter_docs
from imusic_ros.graph import graph_file, parameter_table
from imusic_ros.parameters import ParameterSpec, Value

ROOT = Path(__file__).resolve().parents[2]
TABLES = {name: entry["parameters"] for name, entry in graph_file()["processes"].items() if "parameters" in entry}
SPECS = [(node, spec) for node, module in TABLES.items() for spec in parameter_table(module)]
specs = pytest.mark.parametrize("spec", [s for _, s in SPECS], ids=[f"{node}.{s.name}" for node, s in SPECS])


@specs
def test_a_table_is_whole(spec: ParameterSpec) -> None:
    assert spec.refusal(spec.default) is None
    assert spec.parsed(spec.text()) == spec.default
    assert type(spec.parsed(spec.text())) is type(spec.default)
    assert spec.description.endswith(".")
    assert (spec.minimum is None) == (spec.maximum is None)
    if isinstance(spec.default, int | float) and not isinstance(spec.default, bool):
        assert spec.minimum is not None, "numbers have bounds"
        assert spec.unit or spec.name == "port"


@pytest.mark.parametrize("name", parameter_docs.files())
def test_yaml_files_and_the_page_of_parameters_are_those_of_the_tables(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == parameter_docs.files()[name], f"run {parameter_docs.HERE}"


@pytest.mark.parametrize("node", TABLES)
def test_the_yaml_file_is_yaml_with_every_default(node: str) -> None:
    content = yaml.safe_load(parameter_docs.files()[f"config/{node}.yaml"])
    assert content[f"/**/{node}"]["ros__parameters"] == {s.name: s.default for s in parameter_table(TABLES[node])}


def test_writing_them_changes_nothing_in_a_clean_checkout(capsys: pytest.CaptureFixture[str]) -> None:
    before = {name: (ROOT / name).read_bytes() for name in parameter_docs.files()}
    assert parameter_docs.main() == 0
    assert before == {name: (ROOT / name).read_bytes() for name in before}
    assert "docs/parameters.md" in capsys.readouterr().out


def test_tables_and_graphs_are_read_without_ros_numpy_and_pydantic() -> None:
    code = f"""
import sys
from importlib import import_module
from imusic_ros.graph import load_graph
for module in {list(TABLES.values())!r}: import_module(module)
load_graph("demo")
import json
print(json.dumps([m for m in ("rclpy", "rcl_interfaces", "numpy", "pydantic", "torch") if m in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_engines_are_those_that_can_be_chosen() -> None:
    engines = {s.name: s for s in parameter_table("face_inference.parameters")}["engine"].choices
    assert set(engines) == {"auto", choice.DEFAULT, *choice.PROVIDERS, "tensorrt", "pytorch"}
    assert importlib.import_module("face_inference.parameters").ENGINES == choice.ENGINES


def test_hubs_are_those_that_can_be_made() -> None:
    kinds = {s.name: s for s in parameter_table("imu_driver.parameters")}["hub"].choices
    assert set(kinds) == set(importlib.import_module("imu_driver.hubs").HUBS)


RATE = ParameterSpec("rate_hz", 100, "Rate.", 1, 1000, unit="Hz")


@pytest.mark.parametrize(
    ("spec", "text", "value"),
    [
        (RATE, "60", 60),
        (RATE, 60, 60),
        (ParameterSpec("gain", 1.0, "Gain."), "2", 2.0),
        (ParameterSpec("on", True, "On."), "False", False),
        (ParameterSpec("on", True, "On."), True, True),
        (ParameterSpec("names", [""], "Names."), "a, b", ["a", "b"]),
        (ParameterSpec("names", [""], "Names."), ["a"], ["a"]),
    ],
)
def test_text_becomes_a_value_of_the_type(spec: ParameterSpec, text: object, value: Value) -> None:
    assert spec.parsed(text) == value
    assert type(spec.parsed(text)) is type(value)


@pytest.mark.parametrize(
    ("spec", "text", "message"),
    [
        (RATE, "fast", "rate_hz: expected a whole number, found 'fast'; correct it"),
        (RATE, "2.5", "expected a whole number"),
        (RATE, 2.5, "expected a whole number"),
        (RATE, "0", "rate_hz: expected 1 to 1000 Hz, found 0; stay within these bounds"),
        (ParameterSpec("gain", 1.0, "Gain."), "nan", "expected a finite number, found nan"),
        (ParameterSpec("on", True, "On."), "yes", "expected true or false, found 'yes'"),
        (ParameterSpec("mode", "a", "Mode.", choices=("a", "b")), "c", "expected one of a, b, found 'c'; take one"),
    ],
)
def test_what_is_none_is_refused_with_what_was_expected(spec: ParameterSpec, text: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spec.parsed(text)


@given(text=st.text(max_size=12), which=st.sampled_from([spec for _, spec in SPECS]))
def test_no_text_raises_anything_else(text: str, which: ParameterSpec) -> None:
    try:
        value = which.parsed(text)
    except ValueError:
        return
    assert type(value) is type(which.default)
    assert which.refusal(value) is None


VALUES: dict[type, st.SearchStrategy[Value]] = {
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(),
    str: st.text(max_size=20),
    list: st.lists(st.text(max_size=5)),
}


@given(data=st.data())
def test_any_value_is_within_bounds_or_refused_with_the_reason(data: st.DataObject) -> None:
    _, spec = data.draw(st.sampled_from(SPECS))
    value = data.draw(VALUES[type(spec.default)])
    refusal = spec.refusal(value)
    if refusal is not None:
        assert refusal.startswith(f"{spec.name}: expected ")
        assert "found" in refusal
        return
    if spec.choices:
        assert value in spec.choices
    if isinstance(value, float):
        assert math.isfinite(value)
    if isinstance(value, int | float) and spec.minimum is not None and spec.maximum is not None:
        assert spec.minimum <= value <= spec.maximum


def test_texts_longer_than_any_path_are_refused() -> None:
    for value in ("x" * 4097, ["a", "x" * 5000]):
        assert "expected at most 4096 characters" in str(ParameterSpec("p", value, "P.").refusal(value))
    assert ParameterSpec("p", "", "P.").refusal("x" * 4096) is None

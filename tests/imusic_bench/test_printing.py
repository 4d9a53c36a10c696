"""What is printed."""

from __future__ import annotations

import json

import pytest

from imusic_bench.machine import cpu_model, describe_machine
from imusic_bench.printing import show, text


def test_json_is_one_object_with_rows_and_machine(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"a": 1.0, "b": None}], "title", True, model="m")
    assert json.loads(capsys.readouterr().out) == {
        "rows": [{"a": 1.0, "b": None}],
        "model": "m",
        "machine": describe_machine() | {"load_1_min": pytest.approx(describe_machine()["load_1_min"], abs=1.0)},
    }


def test_the_table_has_every_key_and_value(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "x", "p50_ms": 1.2345, "grows": False, "seconds": 77}]
    more = {"delay": {"p50_ms": 0.5, "lost": 3}, "missing": {"tensorrt": "no GPU", "window": "no graph"}}
    show(rows, "delays", False, hidden=("seconds",), **more)
    printed = capsys.readouterr().out
    assert "missing: tensorrt: no GPU\nmissing: window: no graph\n" in printed
    for word in ("delays", "name", "p50", "ms", "grows", "x", "1.23", "no", "delay: p50_ms 0.500, lost 3"):
        assert word in printed
    assert "77" not in printed


def test_nothing_is_cut_off_where_a_table_has_no_width(capsys: pytest.CaptureFixture[str]) -> None:
    keys = ("transport", "rate_hz", "reached_hz", "load", "p50_ms", "p99_ms", "p999_ms", "max_ms", "look_ahead_ms")
    show([dict.fromkeys(keys, "longest")], "delays", False)
    assert capsys.readouterr().out.count("longest") == len(keys)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "yes"),
        (3, "3"),
        (0.1234, "0.123"),
        (0.00012, "1e-04"),
        (0.0, "0.000"),
        (1.2345, "1.23"),
        (12.345, "12.3"),
        (-1234.6, "-1235"),
        ("a", "a"),
    ],
)
def test_cells(value: object, expected: str) -> None:
    assert text(value) == expected


def test_processor_name_is_read_where_the_kernel_tells_it() -> None:
    assert cpu_model("processor\t: 0\nmodel\t\t: 143\nmodel name\t: Fast CPU @ 2.0GHz\n") == "Fast CPU @ 2.0GHz"
    assert cpu_model("processor\t: 0\nBogoMIPS\t: 50.0\n") == ""


def test_the_machine_names_what_decides_speed() -> None:
    machine = describe_machine()
    assert {"cpu", "cores", "gpus", "python", "numpy", "onnxruntime", "load_1_min"} <= set(machine)

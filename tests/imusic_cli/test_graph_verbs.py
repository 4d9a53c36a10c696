"""Options of the verbs that run a graph: those of its arguments, with type, bounds, default and help."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")

from imusic_cli.verbs import command_of
from imusic_ros.graph import load_graph

pytestmark = pytest.mark.ros
Run = Callable[..., tuple[int, str]]
Calls = list[tuple[str, dict[str, object], str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a verb: its exit status, and what it printed on a wide terminal."""
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 240)
    monkeypatch.setenv("NO_COLOR", "1")

    def call(verb: str, *arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            command_of(verb).main(list(arguments), prog_name=f"imusic {verb}")
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return call


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Calls:
    calls: Calls = []

    def run_graph(name: str, values: dict[str, object], namespace: str) -> int:
        calls.append((name, {key: value for key, value in values.items() if value is not None}, namespace))
        load_graph(name).started_with(values)
        return 0

    monkeypatch.setattr("imusic_cli.run.run_graph", run_graph)
    return calls


@pytest.mark.parametrize("verb", ["demo", "capture", "sensors", "inference"])
def test_help_shows_every_argument_under_its_heading_with_its_default(run: Run, verb: str) -> None:
    status, shown = run(verb, "--help")
    assert status == 0
    hidden = {"port", "baud", "udp", "phone"} if verb == "demo" else set()
    for argument in load_graph(verb).arguments:
        option = f"--{argument.name.replace('_', '-')} "
        if argument.name == "wearers":
            option = "WEARERS"
        assert (option in shown) is (argument.name not in hidden), argument.name
        if argument.name not in hidden and argument.name != "wearers":
            assert argument.group in shown
            (line,) = (line for line in shown.splitlines() if re.search(rf" {option}", line))
            assert argument.spec.help[:40] in line
    assert ("--rate" in shown) is (verb != "inference")


def test_values_reach_the_graph_with_their_types(run: Run, started: Calls) -> None:
    assert run("capture", "--rate", "60", "--page-port", "0", "--namespace", "alice")[0] == 0
    assert run("inference", "alice,bob", "--engine", "onnxruntime")[0] == 0
    assert run("demo")[0] == 0
    assert started == [
        ("capture", {"rate": 60, "page_port": 0}, "alice"),
        ("inference", {"wearers": ["alice", "bob"], "engine": "onnxruntime"}, ""),
        ("demo", {}, ""),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("capture", "--rate", "5000"), "rate: expected 1 to 1000 Hz, found 5000"),
        (("capture", "--baud", "fast"), "baud: expected a whole number, found 'fast'"),
        (("demo", "--engine", "magic"), "engine: expected one of auto"),
        (("capture", "--namespace", "a b"), "namespace: expected letters, digits and underscores"),
        (("demo", "--rate", "[/]"), "rate: expected a whole number, found '[/]'"),
        (("demo", "--face", "[bold]x", "--prot"), "No such option: --prot"),
        (("sensors",), "Missing option '--namespace'"),
        (("inference",), "Missing argument 'WEARERS'"),
    ],
)
def test_wrong_usage_is_refused_before_anything_starts(
    run: Run, started: Calls, arguments: tuple[str, ...], message: str
) -> None:
    status, shown = run(*arguments)
    assert status == 2
    assert message in " ".join(shown.replace("\u2502", " ").split())
    assert started == []

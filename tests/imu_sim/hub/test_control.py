"""Telling a hub that runs what shall go wrong: lines, the socket that carries them, and the verb."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imu_sim.errors import SimulatorConfigError
from imu_sim.hub.commands import HELP, Commands
from imu_sim.hub.config import SimulatorConfig, each_hub
from imu_sim.hub.control import ControlSocket, tell
from imu_sim.hub.fault_verb import the_only_hub
from imu_sim.hub.faults import Faults
from imu_sim.hub.pty_link import PtyLink
from imu_sim.hub.simulated_hub import SimulatedHub


@pytest.fixture
def hub(make_hub: Callable[..., SimulatedHub]) -> SimulatedHub:
    return make_hub(Faults(drop=0.1))


@pytest.fixture
def link(tmp_path: Path) -> Iterator[PtyLink]:
    made = PtyLink(tmp_path / "hub")
    yield made
    made.close()


@pytest.fixture
def commands(hub: SimulatedHub, link: PtyLink) -> Commands:
    return Commands(hub, link)


def test_faults_change_by_name_and_clear_goes_back_to_the_start(commands: Commands, hub: SimulatedHub) -> None:
    assert commands.obey("drop 0.5 burst 4 dead mentalis,skull wrong_version on skew_ppm -30") == "ok"
    assert hub.faults == Faults(drop=0.5, burst=4.0, dead=("mentalis", "skull"), wrong_version=True, skew_ppm=-30.0)
    assert commands.obey("dead none wrong_version off skew_ppm default burst default") == "ok"
    assert hub.faults == Faults(drop=0.5)
    assert json.loads(commands.obey("show"))["faults"] == {"drop": 0.5}
    assert commands.obey("clear") == "ok"
    assert hub.faults == Faults(drop=0.1)
    assert commands.obey("help") == HELP
    assert commands.obey("  ") == "ok"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("drup 0.5", "expected a fault .* found 'drup'"),
        ("drop", "drop: expected a value after it"),
        ("drop much", "drop: expected one number, found 'much'"),
        ("drop 2", "drop: expected 0 to 1, found 2"),
        ("drop nan", "drop: expected a number"),
        ("dead nose", "dead: expected sensors of the layout .* found nose"),
        ("wrong_version maybe", "expected on or off"),
        ("stall", "stall: expected one number"),
        ("reboot now", "reboot: expected nothing after it"),
        ("drop 0.9 dead nose", "found nose"),
    ],
)
def test_what_makes_no_sense_is_told_and_changes_nothing(
    commands: Commands, hub: SimulatedHub, line: str, words: str
) -> None:
    answer = commands.obey(line)
    assert answer.startswith("error: ")
    assert "\n" not in answer
    assert re.search(words, answer)
    assert hub.faults == Faults(drop=0.1)


def test_the_line_is_cut_and_mended(commands: Commands, link: PtyLink, hub: SimulatedHub) -> None:
    device = link.device
    assert commands.obey("unplug") == "ok"
    assert not link.path.is_symlink()
    assert json.loads(commands.obey("show"))["plugged"] is False
    assert commands.obey("unplug") == "ok"
    assert link.read() == b""
    link.write([b"nobody"])
    assert commands.obey("plug") == "ok"
    assert link.path.readlink() == link.device
    assert link.connected is False
    assert commands.obey("reboot") == "ok"
    assert json.loads(commands.obey("show"))["reboots"] == hub.reboots == 1
    assert device.parent == link.device.parent


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_line_does_harm(commands: Commands, line: str) -> None:
    answer = commands.obey(line)
    assert answer == "ok" or answer.startswith(("error: expected", "error: fault", "error: ", "{")) or answer == HELP


class Served:
    """A socket that is served in a thread until it is left."""

    def __init__(self, path: Path, obey: Callable[[str], str]) -> None:
        self.control = ControlSocket(path, obey)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while not self._over.is_set():
            self.control.hear()
            self._over.wait(0.005)

    def __enter__(self) -> ControlSocket:
        self._thread.start()
        return self.control

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.control.close()


def test_lines_and_answers_over_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "hub.control"
    heard: list[str] = []

    def obey(line: str) -> str:
        heard.append(line)
        return "error: no such fault" if line == "bad" else f"heard {line}"

    with Served(path, obey):
        assert path.stat().st_mode & 0o077 == 0, "nobody else may say so"
        assert tell(path, "drop 0.2\n dead none") == "heard drop 0.2 dead none"
        with pytest.raises(SimulatorConfigError, match=r"^no such fault"):
            tell(path, "bad")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            caller.connect(str(path))
            caller.sendall(b"one\ntwo\nthr")
            got = b""
            while got.count(b"\n\n") < 2:
                got += caller.recv(100)
            assert got == b"heard one\n\nheard two\n\n"
            caller.sendall(b"\xff" * 5000)
            assert caller.recv(100) == b"", "whoever never ends a line is hung up on"
        with pytest.raises(SimulatorConfigError, match=r"another simulated hub that runs has it"):
            ControlSocket(path, obey)
    assert not path.exists()
    with pytest.raises(SimulatorConfigError, match=r"start one with `imusic simulate`"):
        tell(path, "show")


def test_a_socket_that_was_left_behind_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "hub.control"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
    ControlSocket(path, str).close()
    path.write_text("mine")
    with pytest.raises(SimulatorConfigError, match="a file that is no socket"):
        ControlSocket(path, str)
    assert path.read_text() == "mine"


def test_many_hubs_count_on() -> None:
    config = SimulatorConfig(hubs=3, link="/tmp/h", seed=5, name="n")
    every = each_hub(config)
    assert [c.link for c in every] == ["/tmp/h", "/tmp/h-2", "/tmp/h-3"]
    assert [c.control for c in every] == ["/tmp/h.control", "/tmp/h-2.control", "/tmp/h-3.control"]
    assert [(c.name, c.seed, c.subject) for c in every] == [("n", 5, 0), ("n-2", 6, 1), ("n-3", 7, 2)]
    udp = each_hub(replace(config, udp="127.0.0.1:5000"))
    assert [(c.udp, c.control) for c in udp] == [("127.0.0.1:5000", ""), ("127.0.0.1:5001", ""), ("127.0.0.1:5002", "")]
    told = each_hub(replace(config, udp="127.0.0.1:5000", control="/tmp/c"))
    assert [c.control for c in told] == ["/tmp/c", "/tmp/c-2", "/tmp/c-3"]


def test_without_at_it_is_the_usual_hub_or_the_only_one(tmp_path: Path) -> None:
    usual = tmp_path / "imusic_hub.control"
    assert the_only_hub(usual) == usual
    demo = ControlSocket(tmp_path / "imusic_hub_17.control", lambda _: "ok")
    (tmp_path / "imusic_hub_9.control").touch()  # no hub
    try:
        assert the_only_hub(usual) == demo.path
        other = ControlSocket(tmp_path / "imusic_hub_18.control", lambda _: "ok")
        with pytest.raises(SimulatorConfigError, match=r"expected one simulated hub, found 2: .*_17.*_18.*--at"):
            the_only_hub(usual)
        other.close()
        with_link = ControlSocket(usual, lambda _: "ok")
        assert the_only_hub(usual) == usual
        with_link.close()
    finally:
        demo.close()

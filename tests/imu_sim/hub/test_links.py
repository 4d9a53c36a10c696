"""Real pseudo-terminals, sockets and processes; nothing here asserts a duration."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from imu_driver.hubs.imusic_v1.protocol import Hello, HelloRequest, Sample, Start, StreamParser, encode
from imu_sim.errors import SimulatorConfigError
from imu_sim.hub import server
from imu_sim.hub.process import main
from imu_sim.hub.pty_link import PtyLink
from imu_sim.hub.udp_link import UdpLink

ROOT = Path(__file__).resolve().parents[3]
FRAME = bytes(range(256))


@pytest.fixture
def link(tmp_path: Path) -> Iterator[PtyLink]:
    made = PtyLink(tmp_path / "ports" / "hub")
    yield made
    made.close()


def test_bytes_pass_unchanged_both_ways_and_after_reopening(link: PtyLink) -> None:
    for _ in range(3):
        with serial.Serial(str(link.path), 921600, timeout=2.0) as port:
            assert link.connected
            link.write([FRAME, FRAME])
            assert port.read(512) == FRAME + FRAME
            port.write(FRAME)
            assert link.read() == FRAME
        assert not link.connected
        assert link.read() == b""
        link.write([FRAME])  # nobody there: not kept for the next one


def test_a_driver_that_does_not_read_cannot_block_the_hub(link: PtyLink) -> None:
    slave = os.open(link.path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(slave)
    for _ in range(1000):
        link.write([FRAME] * 4)
    assert link.dropped > 1000
    os.close(slave)


def test_link_replaces_a_stale_one_and_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "hub"
    path.symlink_to("/dev/pts/none")
    link = PtyLink(path)
    assert path.readlink() == link.device
    link.close()
    assert not path.is_symlink()


def test_link_of_a_successor_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "hub"
    first = PtyLink(path)
    path.unlink()
    path.symlink_to("/dev/pts/another")
    first.close()
    assert path.readlink() == Path("/dev/pts/another")


def test_a_file_in_the_way_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("precious")
    with pytest.raises(SimulatorConfigError, match="found a file"):
        PtyLink(path)
    assert path.read_text() == "precious"


def test_udp_packs_frames_and_hears_only_its_host() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
        host.bind(("127.0.0.1", 0))
        host.settimeout(2.0)
        link = UdpLink(*host.getsockname())
        link.write([FRAME] * 7)
        first, sender = host.recvfrom(65535)
        assert first == FRAME * 5  # 1280 bytes: a sixth would pass 1400
        assert host.recv(65535) == FRAME * 2
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"hello", ("127.0.0.1", sender[1]))
        host.sendto(FRAME, ("127.0.0.1", sender[1]))
        received = b""
        while not received:
            received = link.read()
        assert received == FRAME
        assert link.foreign == 1
        link.close()


def test_udp_to_nobody_does_no_harm() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        address = gone.getsockname()
    link = UdpLink(*address)
    for _ in range(5):
        link.write([FRAME])
        assert link.read() == b""
    link.close()


@pytest.fixture
def run_simulator() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'lab'}", "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", "imu_sim.hub.process", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def stream(read: Callable[[], bytes], wanted: int) -> tuple[list[Sample], Hello]:
    parser, samples, hello = StreamParser(), [], None
    while len(samples) < wanted:
        for packet in parser.feed(read()):
            if isinstance(packet, Sample):
                samples.append(packet)
            elif isinstance(packet, Hello):
                hello = packet
    # A line that is opened anew may begin in the middle of a frame.
    assert sum(parser.rejects.values()) <= 1
    assert hello is not None
    return samples, hello


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_process_serves_a_serial_port_and_ends_cleanly(
    run_simulator: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "hub"
    process = run_simulator("--link", str(path), "--rate", "200", "--ros-args", "-p", "x:=1")
    assert process.stdout is not None
    assert str(path) in process.stdout.readline()
    for _ in range(2):
        with serial.Serial(str(path), 921600, timeout=0.2) as port:
            port.write(encode(HelloRequest(1)) + encode(Start(2)))
            samples, hello = stream(lambda: port.read(port.in_waiting or 1), 50)
        assert hello.rate_hz == 200
        assert [s.sequence for s in samples[-10:]] == list(range(samples[-10].sequence, samples[-1].sequence + 1))
    process.send_signal(number)
    _, errors = process.communicate(timeout=20.0)
    assert process.returncode == 0
    assert errors == ""
    assert not path.is_symlink()


def test_process_speaks_udp_for_a_given_time(run_simulator: Callable[..., subprocess.Popen[str]]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
        host.bind(("127.0.0.1", 0))
        host.settimeout(30.0)
        process = run_simulator("--udp", f"127.0.0.1:{host.getsockname()[1]}", "--duration", "3")
        _, hub = host.recvfrom(65535)  # HELLO at boot tells where the hub is
        host.sendto(encode(HelloRequest(1)) + encode(Start(2)), hub)
        samples, _ = stream(lambda: host.recv(65535), 20)
        assert samples[0].sequence == 0
        _, errors = process.communicate(timeout=30.0)
        assert (process.returncode, errors) == (0, "")


def test_a_signal_while_starting_ends_it_cleanly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def slow_start(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the signal was not heeded")

    monkeypatch.setattr(server, "build_hub", slow_start)
    before = signal.getsignal(signal.SIGINT)
    assert main(["--link", str(tmp_path / "hub")]) == 0
    assert capsys.readouterr().err == ""
    assert not (tmp_path / "hub").is_symlink()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_hub_does_not_take_over_the_link_of_one_that_runs(tmp_path: Path) -> None:
    link = tmp_path / "hub"
    first = PtyLink(link)
    device = link.readlink()
    with pytest.raises(SimulatorConfigError, match="found a simulated one that runs; give this one another --link"):
        PtyLink(link)
    assert link.readlink() == device
    first.close()
    PtyLink(link).close()
    link.symlink_to("/dev/pts/999999")  # of a hub that was killed
    PtyLink(link).close()

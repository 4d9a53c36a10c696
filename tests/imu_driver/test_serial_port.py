"""Serial ports over real pseudo-terminals."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from imu_driver.hubs.imusic_v1.protocol import Ping, StreamParser, encode
from imu_driver.serial_port import SerialTransport
from imu_driver.terminals import worker_in
from imu_driver.transport import BusyError, DeniedError, LostError, NotFoundError, TransportError


@pytest.fixture
def pty() -> Iterator[tuple[int, str]]:
    master, slave = os.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    yield master, name
    try:
        os.close(master)
    except OSError as error:
        assert error.errno == errno.EBADF, "only a test that closed it itself may leave it closed"  # noqa: PT017


def test_bytes_both_ways(pty: tuple[int, str]) -> None:
    master, name = pty
    transport = SerialTransport(name, 921600)
    transport.open()
    # All byte values: the line must be raw.
    every = bytes(range(256))
    os.write(master, every)
    received = b""
    while len(received) < 256:
        piece = transport.read(5.0)
        assert piece, "nothing arrived"
        received += piece
    assert received == every
    transport.write(encode(Ping(7)))
    assert StreamParser().feed(os.read(master, 100)) == [Ping(7)]
    assert transport.read(0.0) == b""
    transport.close()
    transport.close()


def test_a_read_ends_when_bytes_arrive(pty: tuple[int, str]) -> None:
    master, name = pty
    transport = SerialTransport(name, 921600)
    transport.open()
    waiting = threading.Timer(0.05, os.write, (master, b"late"))
    waiting.start()
    # Far below the timeout: the test would take ten minutes if reads waited for a full buffer.
    assert transport.read(600.0).startswith(b"l")
    waiting.join()
    transport.close()


def test_unplugged(pty: tuple[int, str]) -> None:
    master, name = pty
    transport = SerialTransport(name, 921600)
    transport.open()
    os.close(master)
    with pytest.raises(LostError, match="picked up again"):
        transport.read(1.0)
    with pytest.raises(LostError):
        transport.write(b"x")
    transport.close()
    with pytest.raises(LostError, match="not open"):
        transport.read(0.0)


def test_missing() -> None:
    with pytest.raises(NotFoundError, match="plug the hub in"):
        SerialTransport("/dev/does-not-exist", 921600).open()


def test_busy(pty: tuple[int, str]) -> None:
    first, second = SerialTransport(pty[1], 921600), SerialTransport(pty[1], 921600)
    first.open()
    with pytest.raises(BusyError, match="another program"):
        second.open()
    first.close()
    second.open()
    second.close()


def test_a_terminal_that_somebody_works_in_is_left_alone(pty: tuple[int, str], tmp_path: Path) -> None:
    link = tmp_path / "hub"
    link.symlink_to(pty[1])
    # The first terminal that a leader of a session opens is its own.
    script = "import os, sys; os.open(sys.argv[1], os.O_RDWR); print('up', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, pty[1]]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == "up\n"
        with pytest.raises(BusyError, match=rf"the terminal of .*, process {shell.pid}, no hub's"):
            SerialTransport(str(link), 921600).open()
        shell.kill()
    assert worker_in(str(tmp_path)) == worker_in(str(tmp_path / "none")) == ""


def test_permission_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise serial.SerialException(errno.EACCES, "could not open port: Permission denied")

    monkeypatch.setattr("imu_driver.serial_port.serial.Serial", refuse)
    with pytest.raises(DeniedError, match="dialout"):
        SerialTransport("/dev/ttyUSB0", 921600).open()


def test_not_a_serial_port(tmp_path: Path) -> None:
    plain = tmp_path / "file"
    plain.touch()
    with pytest.raises(TransportError, match="serial port"):
        SerialTransport(str(plain), 921600).open()


def test_bad_baud(pty: tuple[int, str]) -> None:
    with pytest.raises(TransportError, match="settings"):
        SerialTransport(pty[1], -1).open()


def test_no_descriptor_is_leaked(pty: tuple[int, str]) -> None:
    transport = SerialTransport(pty[1], 921600)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(100):
        transport.open()
        transport.close()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208

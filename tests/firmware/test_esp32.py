"""The ESP32 example runs on this computer, on stand-ins for its chip, and drives the driver."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from compiled_firmware import FIRMWARE, HERE, LIBRARY, built, compile_c
from face_model.frames import GRAVITY_M_S2
from face_model.imu_sample import STATUS_MISSING, STATUS_VALID, ImuSample
from face_model.layout import load_layout
from imu_driver.hub import ConnectionState, Hub
from imu_driver.hub_key import write_header
from imu_driver.hubs import make_hub, sealed
from imu_driver.serial_port import SerialTransport
from imu_driver.transport import Transport

LAYOUT = load_layout("face_12")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("esp32"))


def compiled(folder: Path, *options: str | Path) -> Path:
    """The example as a program of this computer."""
    path = folder / "esp_on_host"
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    probe = path.with_suffix(".c")
    probe.write_text("int main(void) { return 0; }\n")
    if compile_c(*sanitizers, probe, "-o", path).returncode:
        sanitizers = []
    main = FIRMWARE / "esp32/main"
    sources = [*sorted(main.glob("*.c")), *sorted(LIBRARY.glob("*.c")), HERE / "esp_on_host.c"]
    built("-O1", "-g", "-pthread", *options, *sanitizers, "-I", HERE / "stubs", "-I", main, *sources, "-o", path)
    return path


@contextmanager
def connected(program: Path, port: Path, *arguments: str, key: bytes | None = None) -> Iterator[Hub]:
    """A session of the driver with the example."""
    child = subprocess.Popen([program, port, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stderr is not None
        said = child.stdout.readline()
        assert said.startswith("hub at"), child.stderr.read()
        line: Transport = SerialTransport(str(port), 921_600)
        session = make_hub("imusic_v1", line if key is None else sealed("imusic_v1", line, key), LAYOUT, 100)
        yield session
        session.close()
        assert child.poll() is None, child.stderr.read()
    finally:
        child.send_signal(signal.SIGKILL)
        _, complaints = child.communicate()
    assert complaints == ""


def samples(session: Hub, count: int) -> list[ImuSample]:
    found: list[ImuSample] = []
    for _ in range(50_000):
        found += session.step()
        if len(found) >= count:
            return found
    pytest.fail(f"no samples: {session.problem}")


def test_the_driver_meets_a_hub_with_twelve_units(program: Path, tmp_path: Path) -> None:
    with connected(program, tmp_path / "hub") as session:
        found = samples(session, 300)
        assert session.state is ConnectionState.CONNECTED
        identity = session.identity
        assert identity is not None
        assert identity.name == "imusic-esp32"
        assert [sensor.place for sensor in identity.sensors] == list(LAYOUT.names)
        assert all(sensor.present and sensor.part == "QMI8658" for sensor in identity.sensors)
        assert not any(session.figures().rejected.values())
        outcome = session.identify(3)
        while not outcome.done():
            session.step()
        assert not outcome.result().ok
        assert "no lights" in outcome.result().message
    valid = np.array([sample.status & STATUS_VALID != 0 for sample in found])
    assert valid.mean() > 0.99  # a burst that three measurements cut in two is no measurement
    newest = next(sample for sample in reversed(found) if (sample.status & STATUS_VALID != 0).all())
    np.testing.assert_allclose(newest.specific_force[:, 0], GRAVITY_M_S2, rtol=0.01)
    np.testing.assert_allclose(np.rad2deg(newest.angular_velocity), np.tile([3.0, -5.0, 1.25], (12, 1)), atol=0.1)


def test_a_missing_unit_stops_nobody(program: Path, tmp_path: Path) -> None:
    with connected(program, tmp_path / "hub", "5") as session:
        found = samples(session, 100)
        assert session.identity is not None
        assert [sensor.id for sensor in session.identity.sensors if not sensor.present] == [5]
    status = np.array([sample.status for sample in found])
    assert (status[:, 5] & STATUS_MISSING != 0).all()
    assert (np.delete(status, 5, axis=1) & STATUS_VALID != 0).mean() > 0.95  # a busy machine may be late for a sample


def test_offsets_are_learned_on_a_table(program: Path, tmp_path: Path) -> None:
    with connected(program, tmp_path / "hub", "-1", "table") as session:
        newest = samples(session, 50)[-1]
    usable = newest.status & STATUS_VALID != 0
    assert usable.sum() >= 11
    assert np.abs(np.rad2deg(newest.angular_velocity[usable])).max() < 0.15


def test_with_a_key(tmp_path: Path) -> None:
    key = bytes(range(100, 132))
    write_header(tmp_path / "hub_key.h", key)
    program = compiled(tmp_path, "-DHUB_HAS_KEY=1", "-I", tmp_path)
    with connected(program, tmp_path / "hub", key=key) as session:
        assert len(samples(session, 100)) >= 100
        assert not any(session.figures().rejected.values())
    with connected(program, tmp_path / "another", key=bytes(32)) as session:
        for _ in range(20_000):
            assert not session.step()
            if session.state is ConnectionState.ERROR:
                break
        assert "another key" in session.problem

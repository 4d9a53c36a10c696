"""Trackers of an emulator that was not written here drive a face; tests/imu_driver/hubs/slimevr has their recording."""

from __future__ import annotations

import lzma
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from face_capture import SourceError, open_capture
from face_model import arkit
from face_model.face_state import FaceState
from face_model.layout import LAYOUTS, load_layout
from imu_driver.hub import ConnectionState
from imu_driver.hubs import make_hub
from imu_driver.recorded_bytes import RecordedBytesTransport

RECORDED = Path(__file__).parents[1] / "imu_driver/hubs/slimevr"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slimevr") / "trackers.bytes"
    path.write_bytes(lzma.decompress((RECORDED / "emulated_trackers.bytes.xz").read_bytes()))
    return path


@pytest.fixture(scope="module")
def layout_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """face_12 with `unit` at each sensor, as a user writes it."""
    written = yaml.safe_load(LAYOUTS.find("face_12").read_text(encoding="utf-8"))
    for number, sensor in enumerate(written["sensors"]):
        sensor["unit"] = f"A4:E5:7C:00:00:{number // 2 + 1:02X}/{number % 2}"
    path = tmp_path_factory.mktemp("layout") / "mine.yaml"
    path.write_text(yaml.safe_dump(written), encoding="utf-8")
    return path


def test_every_datagram_is_understood(recording: Path, layout_file: Path) -> None:
    layout = load_layout(layout_file)
    hub = make_hub("slimevr", RecordedBytesTransport(recording), layout, 100)
    samples = []
    while hub.state is not ConnectionState.ENDED:
        samples += hub.step()
    figures = hub.figures()
    assert (figures.lost, figures.out_of_order, figures.rejected, figures.reboots) == (0, 0, {}, 0)
    assert figures.connections == 1
    assert hub.identity is not None
    assert {sensor.part for sensor in hub.identity.sensors} == {"BNO085"}
    assert list(hub.notices) == []
    assert len(samples) == pytest.approx(1200, abs=25)
    assert np.mean([sample.valid.mean() for sample in samples]) > 0.995
    force = np.linalg.norm([sample.specific_force for sample in samples[:200]], axis=2)
    np.testing.assert_allclose(force[:, 0].mean(), 9.81, atol=0.2)  # its bias


def test_they_drive_the_face(recording: Path, layout_file: Path) -> None:
    with open_capture(f"recorded:{recording}", hub="slimevr", layout=str(layout_file)) as capture:
        faces = [face for face in capture if face.state is not FaceState.CALIBRATING]
    stored = np.load(RECORDED / "emulated_trackers_weights.npz")
    true = stored["weights"].astype(np.float32)
    rows = [(face.weights.array, true[face.sequence // 4]) for face in faces if face.sequence // 4 < len(true)]
    assert len(rows) > 800
    measured, wanted = (np.array(part) for part in zip(*rows, strict=True))
    for name, least in (
        ("mouthSmileLeft", 0.95),
        ("mouthSmileRight", 0.95),
        ("jawOpen", 0.8),
        ("browOuterUpLeft", 0.8),
    ):
        index = arkit.INDEX[name]
        assert np.corrcoef(measured[:, index], wanted[:, index])[0, 1] > least, name
    assert np.abs(measured - wanted).mean() < np.abs(wanted).mean()  # which a face at rest has


def test_without_units_the_trackers_are_named(recording: Path) -> None:
    layout = replace(load_layout("face_12"), name="mine")
    hub = make_hub("slimevr", RecordedBytesTransport(recording), layout, 100)
    while hub.state is not ConnectionState.ERROR:
        assert hub.state is not ConnectionState.ENDED
        hub.step()
    for _ in range(500):
        hub.step()
    assert "a4:e5:7c:00:00:06/1 (BNO085)" in hub.problem
    assert "in a copy of the layout mine" in hub.problem


def test_trackers_come_by_udp_only() -> None:
    with pytest.raises(SourceError, match="udp://HOST:PORT"):
        open_capture("/dev/ttyUSB0", hub="slimevr")

"""What a source's text means, and what is said where it means nothing."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_capture import SourceError
from face_capture import simulator as simulator_module
from face_capture.sources import open_source
from imu_driver.recorded_bytes import MAGIC
from imu_driver.serial_port import SerialTransport
from imu_driver.udp import UdpTransport


def test_a_path_is_a_serial_port() -> None:
    transport = open_source("/dev/ttyUSB7", "face_12", baud=115_200).transport
    assert isinstance(transport, SerialTransport)
    assert (transport.port, transport.baud) == ("/dev/ttyUSB7", 115_200)


def test_udp_is_an_address_to_listen_on() -> None:
    transport = open_source("udp://0.0.0.0:9870", "face_12").transport
    assert isinstance(transport, UdpTransport)
    assert (transport.host, transport.port) == ("0.0.0.0", 9870)


@pytest.mark.parametrize("text", ["", "ttyUSB0", "udp://", "udp://here", "udp://a:99999", "tcp://a:1"])
def test_what_means_nothing_is_an_error_that_shows_it(text: str) -> None:
    with pytest.raises(SourceError, match="expected"):
        open_source(text, "face_12")


@given(st.text(st.characters(exclude_characters="\0")))
def test_any_text_is_a_transport_or_a_source_error(text: str) -> None:
    if text.partition(":")[0] == "simulated":
        return
    with contextlib.suppress(SourceError):
        open_source(text, "face_12").close()


def test_a_recording_must_be_one(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"something else")
    for path in (tmp_path / "missing", other):
        with pytest.raises(SourceError, match=path.name):
            open_source(f"recorded:{path}", "face_12")


def test_a_recording_is_not_recorded_again(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="live"):
        open_source("recorded:a", "face_12", record=tmp_path / "b")


def test_a_live_source_is_recorded_into_a_file(tmp_path: Path) -> None:
    open_source("/dev/ttyUSB7", "face_12", record=tmp_path / "b").close()
    assert (tmp_path / "b").read_bytes() == MAGIC


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="another path"):
        open_source("/dev/ttyUSB7", "face_12", record=tmp_path / "no_folder" / "b")


def test_without_the_laboratory_there_is_no_simulated_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator_module, "HUB_PROCESS", "no_such_laboratory.hub")
    with pytest.raises(SourceError, match="imu_sim"):
        open_source("simulated", "face_12")

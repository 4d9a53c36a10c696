"""Files with a hub's key: only their owner can read them, and nothing of them is ever said."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from imu_driver.hub_key import HubKeyError, load_key, make_key_file, write_header


def test_a_made_key_is_the_owners_and_is_read_back(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        key = make_key_file(tmp_path / "key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert load_key(tmp_path / "key") == key
    assert len(key) == 32
    assert make_key_file(tmp_path / "another") != key


def test_a_header_for_the_firmware(tmp_path: Path) -> None:
    key = make_key_file(tmp_path / "key")
    write_header(tmp_path / "hub_key.h", key)
    text = (tmp_path / "hub_key.h").read_text()
    assert bytes(int(byte, 16) for byte in re.findall(r"0x([0-9a-f]{2})", text)) == key
    assert stat.S_IMODE((tmp_path / "hub_key.h").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o660, 0o610])
def test_a_key_that_others_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    make_key_file(path)
    path.chmod(mode)
    with pytest.raises(HubKeyError, match=rf"found mode {mode:04o}: `chmod 600 .*key`"):
        load_key(path)


@pytest.mark.parametrize(
    "text",
    ["", "abc", "0" * 63, "0" * 65, f"{'0' * 64}\n{'1' * 64}", "g" * 64, "# only a remark", "\x00" * 64, "ä" * 64],
)
def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(HubKeyError, match="expected one line of 64 hexadecimal digits") as caught:
        load_key(path)
    assert len(text) < 60 or text[:20] not in str(caught.value)


def test_remarks_and_spaces_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(f"\n# the hub in the lab\n  {'aB' * 32}  \r\n")
    path.chmod(0o600)
    assert load_key(path) == bytes.fromhex("ab" * 32)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    for path, words in (
        (tmp_path / "none", "imusic key"),
        (tmp_path, "expected a file"),
        (tmp_path / "fifo", "a file"),
    ):
        with pytest.raises(HubKeyError, match=words):
            load_key(path)
    with pytest.raises(HubKeyError, match="cannot be read"):
        load_key("a\0b")


def test_the_folder_of_a_key_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    key = make_key_file(tmp_path / "config" / "imusic" / "hub.key")
    assert load_key(tmp_path / "config" / "imusic" / "hub.key") == key
    assert (tmp_path / "config" / "imusic").stat().st_mode & 0o777 == 0o700


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    key = make_key_file(tmp_path / "key")
    with pytest.raises(HubKeyError, match="expected no such file"):
        make_key_file(tmp_path / "key")
    with pytest.raises(HubKeyError, match="cannot be written"):
        make_key_file(tmp_path / "key" / "key")
    assert load_key(tmp_path / "key") == key

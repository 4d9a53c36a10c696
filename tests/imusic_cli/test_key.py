"""`imusic key`: a key is made once, read again, and never shown."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="no typer: run make setup")

import typer
from typer.testing import CliRunner

from imu_driver.hub_key import HubKeyError, load_key
from imusic_cli.key import key

APP = typer.Typer()
APP.command()(key)


def test_a_key_and_its_header(tmp_path: Path) -> None:
    path, header = tmp_path / "key", tmp_path / "hub_key.h"
    first = CliRunner().invoke(APP, [str(path)])
    assert first.exit_code == 0
    made = load_key(path)
    second = CliRunner().invoke(APP, [str(path), "--header", str(header)])
    assert second.exit_code == 0
    assert load_key(path) == made, "an old key stays"
    assert stat.S_IMODE(header.stat().st_mode) == 0o600
    assert made.hex() not in first.output + second.output


def test_what_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(APP, [str(tmp_path / "file" / "key")])
    assert isinstance(result.exception, HubKeyError)

"""The firmware's library, compiled once."""

from __future__ import annotations

import ctypes

import pytest

from compiled_firmware import load


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The library as shared object; skips where there is no C compiler."""
    return load(tmp_path_factory.mktemp("firmware"))

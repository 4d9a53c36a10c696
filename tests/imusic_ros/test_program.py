"""The first moments of a node's process."""

from __future__ import annotations

import os

import pytest

from imusic_ros.program import THREAD_COUNTS, limit_threads


def test_numpy_gets_one_thread_unless_somebody_wants_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in THREAD_COUNTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    limit_threads()
    assert {name: os.environ[name] for name in THREAD_COUNTS} == {
        "OMP_NUM_THREADS": "3",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }

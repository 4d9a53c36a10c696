"""Trainings of seconds, shared by the tests of this room."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs PyTorch, running does not")
pytest.importorskip("onnx", reason="export needs the package onnx, running does not")

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def small():
    """The module `small_training`."""
    import small_training

    return small_training


@pytest.fixture
def log_of():
    """Log entries of a run folder."""

    def read(folder: Path) -> list[dict]:
        return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]

    return read


@pytest.fixture(scope="session")
def small_run(small, tmp_path_factory):
    """Run folder and networks of an uninterrupted small training of a GRU."""
    folder = tmp_path_factory.mktemp("small") / "run"
    return folder, small.train_network(small.small_config(), small.SmallDataset(), folder)


@pytest.fixture(scope="session")
def small_diffusion_run(small, tmp_path_factory):
    """The same of a diffusion network, distilled."""
    folder = tmp_path_factory.mktemp("small") / "run"
    return folder, small.train_network(small.small_config(small.DIFFUSION), small.SmallDataset(), folder)

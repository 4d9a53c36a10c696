"""Trainings of seconds, shared by the tests of this room."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

MISSING = [name for name in ("torch", "onnx") if importlib.util.find_spec(name) is None]


class SkippedModule(pytest.Module):
    """A file of tests that cannot be imported here. A skip at the top of this file would stop a run of one of them."""

    def collect(self):
        pytest.skip(f"training needs {' and '.join(MISSING)}, running does not", allow_module_level=True)


def pytest_pycollect_makemodule(module_path, parent):
    return SkippedModule.from_parent(parent, path=module_path) if MISSING else None


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

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest

from face_inference.engines.tensorrt import library as module
from face_inference.engines.tensorrt.library import ErrorLog, find_library
from face_inference.errors import EngineError


class Logger:
    """Stands for the library's base class."""

    Severity = SimpleNamespace(ERROR=1, INTERNAL_ERROR=0, INFO=3)


def installed(monkeypatch, **found):
    """Modules by name: a version, or what importing them raises."""

    def load(name):
        what = found.get(name, ImportError(f"No module named '{name}'"))
        if isinstance(what, Exception):
            raise what
        return SimpleNamespace(
            __version__=what, ILogger=Logger, ComputeCapability=SimpleNamespace(__members__={"NONE": 0, "SM120": 1})
        )

    find_library.cache_clear()
    monkeypatch.setattr(module.importlib, "import_module", load)


@pytest.fixture(autouse=True)
def _forget():
    yield
    find_library.cache_clear()


def test_the_full_library_goes_before_the_one_for_rtx(monkeypatch):
    installed(monkeypatch, tensorrt="10.9.0", tensorrt_rtx="1.7.1")
    found = find_library()
    assert (found.title, found.version, found.for_rtx) == ("TensorRT", "10.9.0", False)
    assert found.compute_capabilities == ()


@pytest.mark.parametrize("full", ["8.6.1", OSError("libnvinfer.so.10: cannot open shared object file")])
def test_one_that_is_too_old_or_broken_gives_way(monkeypatch, full):
    installed(monkeypatch, tensorrt=full, tensorrt_rtx="1.7.1")
    found = find_library()
    assert (found.title, found.for_rtx, found.compute_capabilities) == ("TensorRT for RTX", True, ("12.0",))


def test_with_none_it_says_what_to_install(monkeypatch):
    installed(monkeypatch, tensorrt="8.6.1")
    with pytest.raises(EngineError, match=r"8\.6\.1, which is older than 10; No module named 'tensorrt_rtx'.*gpu\.txt"):
        find_library()


def test_a_folder_of_that_name_is_no_library(monkeypatch):
    installed(monkeypatch)
    monkeypatch.setattr(importlib, "import_module", lambda name: SimpleNamespace())
    with pytest.raises(EngineError, match="__version__"):
        find_library()


def test_only_errors_are_kept_and_only_the_last(monkeypatch):
    installed(monkeypatch, tensorrt="10.9.0")
    found = find_library()
    assert found.errors.take() == "no reason given"
    for severity, line in ((3, "hello"), (1, " bad "), (0, "worse"), (0, "worse")):
        found.logger.log(severity, line)
    assert found.errors.take() == "bad; worse"
    assert found.errors.take() == "no reason given"
    log = ErrorLog()
    for i in range(100):
        log.add(str(i))
    assert log.take().split("; ")[-1] == "99"
    assert len(log.take().split("; ")) < 10

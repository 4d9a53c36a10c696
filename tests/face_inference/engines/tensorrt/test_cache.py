from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_inference.engines.tensorrt import cache as module
from face_inference.engines.tensorrt.cache import (
    MAGIC,
    MOST_FILES,
    EngineCache,
    EngineFileError,
    EngineKey,
    cache_folder,
    read_engine_file,
    write_engine_file,
)

KEY = EngineKey("imusic", "engine", "a" * 64, "b" * 64, "TensorRT", "10.9.0", "float16", 4, "a GPU")
PAYLOAD = bytes(range(256)) * 3


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A file and its content."""
    path = tmp_path_factory.mktemp("engines") / "one.engine"
    write_engine_file(path, KEY, PAYLOAD)
    return path, path.read_bytes()


@pytest.fixture
def cache(tmp_path):
    return EngineCache(tmp_path / "engines")


def test_what_is_kept_comes_back(cache):
    assert cache.load(KEY) == (None, f"none in {cache.folder} yet")
    assert cache.store(KEY, PAYLOAD) == f"kept in {cache.folder / KEY.file_name}"
    payload, found = cache.load(KEY)
    assert payload == PAYLOAD
    assert found == f"from {cache.folder / KEY.file_name}"
    assert [path.name for path in cache.folder.iterdir()] == [KEY.file_name]


@given(data=st.data())
def test_a_change_at_any_place_is_found(whole, tmp_path_factory, data):
    _, content = whole
    at = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[at] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "changed.engine"
    path.write_bytes(changed)
    with pytest.raises(EngineFileError):
        read_engine_file(path, KEY)


@given(size=st.integers(0, 2000), more=st.binary(max_size=8))
def test_a_file_cut_off_or_grown_is_refused(whole, tmp_path_factory, size, more):
    _, content = whole
    changed = content[:size] + more
    path = tmp_path_factory.getbasetemp() / "cut.engine"
    path.write_bytes(changed)
    if changed == content:
        assert read_engine_file(path, KEY) == PAYLOAD
    else:
        with pytest.raises(EngineFileError):
            read_engine_file(path, KEY)


@given(content=st.binary(max_size=300), prefix=st.sampled_from([b"", MAGIC, MAGIC + b"\x02\0\0\0"]))
def test_any_other_file_is_refused(tmp_path_factory, content, prefix):
    path = tmp_path_factory.getbasetemp() / "any.engine"
    path.write_bytes(prefix + content)
    with pytest.raises(EngineFileError):
        read_engine_file(path, KEY)


@pytest.mark.parametrize("header", [b"[]", b"{}", b'{"key":1,"size":0,"sha256":""}', b"[" * 60_000])
def test_a_header_of_another_kind_is_refused(tmp_path, header):
    path = tmp_path / "odd.engine"
    path.write_bytes(MAGIC + len(header).to_bytes(4, "little") + header)
    with pytest.raises(EngineFileError, match="header"):
        read_engine_file(path, KEY)


@pytest.mark.parametrize("name", asdict(KEY))
def test_each_field_of_the_key_decides_and_is_named(whole, name):
    path, _ = whole
    value = getattr(KEY, name)
    other = replace(KEY, **{name: value + 1 if isinstance(value, int) else value + "x"})
    assert other.digest != KEY.digest
    with pytest.raises(EngineFileError, match=f"{name} {value!r} instead of"):
        read_engine_file(path, other)


def test_a_foreign_file_under_the_right_name_is_not_trusted(cache):
    foreign = replace(KEY, target="another GPU")
    cache.store(foreign, PAYLOAD)
    (cache.folder / foreign.file_name).rename(cache.folder / KEY.file_name)
    payload, found = cache.load(KEY)
    assert payload is None
    assert "target 'another GPU' instead of 'a GPU'" in found


def test_a_folder_that_is_a_file_is_no_crash(tmp_path):
    (tmp_path / "engines").write_text("in the way")
    cache = EngineCache(tmp_path / "engines")
    assert cache.load(KEY)[0] is None
    assert cache.store(KEY, PAYLOAD).startswith("not kept: expected to write")


def test_a_folder_in_the_place_of_a_file_is_no_crash(cache):
    (cache.folder / KEY.file_name / "x").mkdir(parents=True)
    assert cache.load(KEY)[0] is None
    assert cache.store(KEY, PAYLOAD).startswith("not kept")


def test_a_full_disk_leaves_the_old_file_and_no_rest(cache, monkeypatch):
    cache.store(KEY, PAYLOAD)

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in cache.store(KEY, b"new")
    assert cache.load(KEY)[0] == PAYLOAD
    assert [path.name for path in cache.folder.iterdir()] == [KEY.file_name]


def test_only_so_many_files_of_a_model_are_kept_and_those_in_use_stay(cache):
    cache.store(replace(KEY, model="another"), PAYLOAD)
    for faces in range(MOST_FILES):
        key = replace(KEY, faces=faces)
        cache.store(key, PAYLOAD)
        os.utime(cache.folder / key.file_name, (1000 + faces, 1000 + faces))
    assert cache.load(replace(KEY, faces=0))[0]  # now the one used last
    cache.store(replace(KEY, faces=MOST_FILES), PAYLOAD)
    left = {faces for faces in range(MOST_FILES + 1) if cache.load(replace(KEY, faces=faces))[0]}
    assert left == set(range(MOST_FILES + 1)) - {1}
    assert cache.load(replace(KEY, model="another"))[0], "another model's files are its own"


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "imusic" / "engines"
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    for unset in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert cache_folder() == tmp_path / "me" / ".cache" / "imusic" / "engines"


def test_a_user_without_a_home_is_told(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(EngineFileError, match="set XDG_CACHE_HOME"):
        cache_folder()


@pytest.mark.parametrize("name", ["", "../../etc", "a b/ü", "x" * 300])
def test_any_model_name_makes_a_file_name(name):
    file = module.EngineKey(**{**asdict(KEY), "model": name}).file_name
    assert "/" not in file
    assert len(file) < 100

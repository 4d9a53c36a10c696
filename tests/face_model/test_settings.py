"""The reader of settings: what is found, what is refused in which words, and that nothing else is ever raised."""

from __future__ import annotations

import math
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from face_model.errors import ImusicError, SettingsError
from face_model.settings import MAX_BYTES, SettingsKind, read_mapping


@dataclass(frozen=True)
class Part:
    width: float = 1.0
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Thing:
    name: str
    count: int = 3
    mode: Literal["fast", "slow"] = "fast"
    part: Part = field(default_factory=Part)
    parts: dict[str, Part] = field(default_factory=dict)
    limit: float | None = None

    def __post_init__(self) -> None:
        if self.count == 13:
            raise ValueError("expected another count, found 13; take 12")


class ThingError(ImusicError):
    pass


THINGS = SettingsKind("thing", Thing, ThingError, folder="layouts")


def test_a_good_file_becomes_the_dataclass_with_whole_numbers_for_fractions(tmp_path: Path) -> None:
    path = tmp_path / "thing.yaml"
    path.write_text("name: a\npart: {width: 2, names: [x]}\nparts: {p: {width: 3.5}}\nlimit: null\n")
    thing = THINGS.load(path)
    assert thing == Thing("a", part=Part(2.0, ("x",)), parts={"p": Part(3.5)})
    assert isinstance(thing.part.width, float)
    assert THINGS.load(str(path)) == thing


def test_keys_left_out_are_those_of_the_base_in_every_section() -> None:
    base = Thing("base", count=7, part=Part(5.0, ("x",)))
    assert THINGS.checked({"part": {"width": 6}}, base) == Thing("base", count=7, part=Part(6.0, ("x",)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"nmae": "a"}, "nmae: expected a known key, found nmae; did you mean name?"),
        ({"name": "a", "zzz": 1}, "zzz: expected a known key, found zzz; the keys here are name, count, mode, part, "),
        ({"name": "a", "part": {"withd": 1}}, "part.withd: expected a known key, found withd; did you mean width?"),
        ({"name": "a", "parts": {"p": {"withd": 1}}}, "parts.p.withd: expected a known key, found withd; did you mean"),
        ({}, "name: expected a value, found none; add this key"),
        ({"name": 3}, "name: expected text, found 3; correct this value"),
        ({"name": "a", "count": "3"}, "count: expected a whole number, found '3'; correct this value"),
        ({"name": "a", "count": True}, "count: expected a whole number, found True"),
        ({"name": "a", "mode": "odd"}, "mode: expected 'fast' or 'slow', found 'odd'"),
        ({"name": "a", "part": {"width": math.inf}}, "part.width: expected a finite number, found inf"),
        ({"name": "a", "part": 3}, "part: expected a mapping of keys to values, found 3"),
        ({"name": "a", "part": {"names": ["x", 3]}}, "part.names.1: expected text, found 3"),
        ({"name": "a", "count": 13}, "expected another count, found 13; take 12"),
        ({"name": "a", 3: 4}, "expected text as key, found 3; put it in quotes"),
        ([1], "expected a mapping of keys to values, found [1]; write key: value"),
    ],
)
def test_what_is_wrong_is_told_with_file_key_expected_found_and_what_to_do(
    tmp_path: Path, content: Any, message: str
) -> None:
    path = tmp_path / "thing.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ThingError) as caught:
        THINGS.load(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    with pytest.raises(ThingError) as caught:
        THINGS.checked(content)
    assert str(caught.value).startswith(message)


BILLION = "a: &a [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)
"""Some lines of aliases that stand for a hundred million values."""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "expected YAML"),
        ("a: !!python/object:os.system {}", "expected YAML"),
        ("a: 2020-13-45", "expected YAML"),
        ("a: 2020-01-02", "expected text, numbers, true, false or null, found datetime"),
        ("a: !!binary aGk=", "found b'hi'"),
        ("a: &x [*x]", "32 levels deep"),
        ("a: " + "[" * 2000, "expected YAML"),
        (BILLION, "at most 100000 values"),
        ("a: " + "1" * 6000, "expected YAML"),
        ("? [1, 2]\n: 3", "expected"),
    ],
)  # fmt: skip
def test_hostile_yaml_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message) as caught:
        read_mapping(path, "a thing")
    assert str(path) in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    big, latin = tmp_path / "big.yaml", tmp_path / "latin.yaml"
    big.write_bytes(b"#" * (MAX_BYTES + 1))
    latin.write_bytes(b"name: \xff")
    for path, message in ((big, "at most 1 MiB"), (latin, "expected YAML"), (tmp_path, "found no file")):
        with pytest.raises(ThingError, match=message):
            THINGS.load(path)


def test_a_name_is_looked_up_and_a_path_is_not(tmp_path: Path) -> None:
    assert THINGS.find("face_12").name == "face_12.yaml"
    assert "face_12" in THINGS.names()
    with pytest.raises(ThingError, match=r"config/layouts/nowhere\.yaml.*or one of the shipped names: .*face_12"):
        THINGS.find("nowhere")
    for path in ("./face_12", "face_12.yaml", "~/nowhere/face_12.yml"):
        with pytest.raises(ThingError, match="found no file"):
            THINGS.find(path)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates(), st.binary(max_size=4)
)
keys = st.one_of(st.sampled_from(["name", "count", "mode", "part", "parts", "limit", "width", "names"]), st.text())
values = st.recursive(scalars, lambda v: st.lists(v, max_size=4) | st.dictionaries(keys, v, max_size=5), max_leaves=12)


@given(content=values)
def test_no_content_raises_anything_but_the_typed_error(content: Any) -> None:
    with suppress(ThingError):
        assert isinstance(THINGS.checked(content), Thing)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode), values.map(lambda v: repr(v).encode()))
)
def test_no_bytes_raise_anything_but_the_typed_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(data)
    with suppress(ThingError):
        assert isinstance(THINGS.load(path), Thing)


def _without_pydantic(code: str) -> str:
    """What a Python that has no pydantic prints for `code`."""
    blocked = "import sys; sys.modules['pydantic'] = None; "
    done = subprocess.run([sys.executable, "-c", blocked + code], capture_output=True, text=True, check=True)
    return done.stdout


def test_without_pydantic_a_file_is_refused_in_one_line_and_the_rest_works() -> None:
    told = _without_pydantic(
        "from face_model.layout import load_layout, LayoutError\n"
        "try: load_layout()\nexcept LayoutError as error: print(error)"
    )
    assert "face_12.yaml: expected pydantic 2 to check a sensor layout" in told
    assert "pip install 'pydantic>=2'" in told
    assert "imusic" in _without_pydantic(
        "from face_inference.model_folder import load_model\n"
        "from imusic_ros.graph import load_graph\n"
        "load_graph('demo'); print(load_model('imusic').description.title)"
    )


@pytest.mark.parametrize("name", ["~nobody_has_this_name/x.yaml", "x" * 300, "x" * 300 + ".yaml"])
def test_what_cannot_be_a_file_is_refused_like_one_that_is_missing(name: str) -> None:
    with pytest.raises(ThingError, match="found no file"):
        THINGS.load(name)


def test_a_name_that_is_nearly_one_is_told_it() -> None:
    with pytest.raises(ThingError, match="did you mean face_12"):
        THINGS.load("face_13")


def test_too_large_a_file_is_told_its_size_and_not_its_syntax(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"# " + b"x" * MAX_BYTES)
    with pytest.raises(SettingsError, match="at most 1 MiB") as refused:
        read_mapping(path, "a thing")
    assert "syntax" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("name: a\ncount: 1\nname: b\n", "'name' on lines 1 and 3"),
        ("name: a\npart:\n  width: 1.0\n  names: []\n  width: 2.0\n", "'width' on lines 3 and 5"),
        ("{name: a, 'name': b}", "'name' on lines 1 and 1"),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_its_lines(tmp_path: Path, text: str, lines: str) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=f"twice.yaml: expected each key once, found {lines}; remove one of them"):
        read_mapping(path, "a thing")


def test_the_same_key_in_two_places_and_merged_keys_are_no_repetition(tmp_path: Path) -> None:
    path = tmp_path / "merged.yaml"
    path.write_text("a: &a {width: 1.0}\nb:\n  <<: *a\n  width: 2.0\n")
    assert read_mapping(path, "a thing") == {"a": {"width": 1.0}, "b": {"width": 2.0}}

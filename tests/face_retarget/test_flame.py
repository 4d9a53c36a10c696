"""Coefficients of a FLAME-like model: what is known is found again; files that are not what they seem are refused.

The licensed models cannot be shipped: the model here has their layout and is made of this package's own head.
"""

from __future__ import annotations

import os
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csc_matrix

from face_model import arkit
from face_model.faces import load_rig
from face_retarget.errors import RetargetError
from face_retarget.flame.arrays_of_pickle import arrays_of_pickle
from face_retarget.flame.fit import FlameMap, fit_map, load_map, save_map
from face_retarget.flame.model_file import HeadModel, load_model_file
from flame_like import SHAPES, FlameLike, flame_like


@pytest.fixture(scope="module")
def made() -> FlameLike:
    return flame_like()


@pytest.fixture(scope="module")
def file(made: FlameLike, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("flame") / "generic_model.npz"
    np.savez(path, **made.arrays, part2num=np.array({"head": 1}, dtype=object))
    return path


@pytest.fixture(scope="module")
def model(file: Path) -> HeadModel:
    return load_model_file(file, first_expression=300)


@pytest.fixture(scope="module")
def found(model: HeadModel) -> FlameMap:
    return fit_map(load_rig(), model)


def test_a_file_is_read_in_this_packages_axes(model: HeadModel, made: FlameLike) -> None:
    assert (model.kind, len(model.expressions), len(model.vertices)) == ("FLAME", 12, len(made.arrays["v_template"]))
    left, right = model.eyes
    assert left[1] - right[1] == pytest.approx(0.064, abs=0.012)
    assert model.vertices[model.eyeball == 1].mean(axis=0) == pytest.approx(left, abs=1e-3)


def test_known_coefficients_are_found_again(found: FlameMap, made: FlameLike) -> None:
    errors = []
    for column, name in enumerate(SHAPES):
        got, want = found.expression[:, arkit.INDEX[name]], made.coefficients[:, column]
        errors.append(float(np.linalg.norm(got - want)))  # of a length of 1
        assert errors[-1] < 0.35, name
        assert found.explained[arkit.INDEX[name]] > 0.9, name
    assert np.mean(errors) < 0.15


def test_an_opening_mouth_turns_the_jaw_down_about_the_ears(found: FlameMap) -> None:
    x, y, z = found.jaw[:, arkit.INDEX["jawOpen"]]
    assert 0.1 < x < 0.8
    assert abs(y) + abs(z) < 0.1 * x
    assert found.explained[arkit.INDEX["jawOpen"]] > 0.6


def test_what_the_model_cannot_show_gets_no_coefficients(found: FlameMap) -> None:
    for name in ("eyeLookOutLeft", "eyeLookUpRight"):  # eyeballs, which are not the skin's
        shape = arkit.INDEX[name]
        assert not found.expression[:, shape].any()
        assert not found.jaw[:, shape].any()


def test_a_map_goes_through_a_file_and_gives_coefficients_for_one_face_and_many(
    found: FlameMap, tmp_path: Path
) -> None:
    save_map(found, tmp_path / "map.npz")
    again = load_map(tmp_path / "map.npz")
    assert (again.kind, again.model, again.sha256, again.ridge) == ("FLAME", found.model, found.sha256, found.ridge)
    row = np.zeros(arkit.COUNT)
    row[arkit.INDEX["mouthSmileLeft"]] = 0.5
    expression, jaw = again.coefficients(row)
    assert expression == pytest.approx(0.5 * found.expression[:, arkit.INDEX["mouthSmileLeft"]])
    assert jaw.shape == (3,)
    many, jaws = again.coefficients(np.stack([row, 2 * row, np.full(arkit.COUNT, np.nan)]))
    assert many[1] == pytest.approx(2 * expression)
    assert not many[2].any()
    assert jaws.shape == (3, 3)
    with pytest.raises(ValueError, match="expected 52 weights"):
        again.coefficients(np.zeros(51))


def test_a_file_of_something_else_is_no_map(tmp_path: Path, file: Path) -> None:
    for name, content in (("empty.npz", b""), ("text.npz", b"hello")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RetargetError, match="imusic retarget flame"):
            load_map(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"weights": np.zeros((10, 7))}, "expected one of these numbers of joints"),
        ({"shapedirs": np.zeros((4, 3, 400))}, "expected shapedirs of shape"),
        ({"f": np.array([[0, 1, 10**7]])}, "fit each other"),
    ],
)
def test_parts_that_do_not_fit_are_told(made: FlameLike, tmp_path: Path, change: dict[str, Any], told: str) -> None:
    np.savez(tmp_path / "m.npz", **(made.arrays | change))
    with pytest.raises(RetargetError, match=told):
        load_model_file(tmp_path / "m.npz", first_expression=300)


def test_a_number_of_columns_that_nobody_knows_is_asked_about(file: Path) -> None:
    with pytest.raises(RetargetError, match="--first-expression"):
        load_model_file(file)
    with pytest.raises(RetargetError, match=r"expected a FLAME or SMPL-X model with v_template"):
        load_model_file(_npz(file.parent / "other.npz"))
    with pytest.raises(RetargetError, match=r"\.pkl or \.npz"):
        load_model_file(file.with_suffix(".obj"))


def _npz(path: Path) -> Path:
    np.savez(path, a=np.zeros(3))
    return path


def test_a_pickle_of_old_is_read_without_running_it(
    made: FlameLike, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As FLAME's: Python 2, chumpy around arrays, a sparse regressor, names beside them."""
    chumpy = types.ModuleType("chumpy.ch")

    class Ch:
        def __init__(self, x: Any) -> None:
            self.x = x

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    chumpy.Ch = Ch  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
    monkeypatch.setitem(sys.modules, "chumpy.ch", chumpy)
    content = {
        **made.arrays,
        "shapedirs": Ch(made.arrays["shapedirs"]),
        "v_template": Ch(np.asfortranarray(made.arrays["v_template"])),
        "J_regressor": csc_matrix(made.arrays["J_regressor"]),
        "bs_type": "lrotmin",
        "names": np.array(["a", None], dtype=object),
    }
    for protocol in (0, 2, 4, 5):
        path = tmp_path / f"model{protocol}.pkl"
        path.write_bytes(pickle.dumps(content, protocol))
        monkeypatch.delitem(sys.modules, "chumpy.ch")
        arrays = arrays_of_pickle(path)
        monkeypatch.setitem(sys.modules, "chumpy.ch", chumpy)
        for name, array in made.arrays.items():
            assert np.array_equal(arrays[name], array), name
        assert "bs_type" not in arrays
        assert "names" not in arrays
    assert load_model_file(tmp_path / "model2.pkl", 300).sha256 != load_model_file(tmp_path / "model4.pkl", 300).sha256


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch exploded",)


@pytest.mark.parametrize(
    "content", [_Bomb(), {"v_template": _Bomb()}, {"a": print}, [1], {"a": np.random.RandomState(1)}]
)
def test_a_pickle_that_names_anything_else_is_refused_and_nothing_runs(
    content: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(RetargetError, match="expected"):
        arrays_of_pickle(path)
    assert not (tmp_path / "exploded").exists()


def test_damaged_pickles_are_refused(tmp_path: Path) -> None:
    whole = pickle.dumps({"a": np.arange(100.0)})
    random = np.random.default_rng(0)
    for i in range(300):
        damaged = bytearray(whole[: random.integers(1, len(whole))] if i % 2 else whole)
        damaged[random.integers(0, len(damaged))] = random.integers(0, 256)
        path = tmp_path / "bad.pkl"
        path.write_bytes(damaged)
        try:
            arrays_of_pickle(path)
        except RetargetError:
            continue

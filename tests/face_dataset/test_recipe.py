from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_dataset.recipe import load_recipe, recipe_from
from face_model.share import share_dir
from imu_sim.errors import RecipeError

GENERATED = {"split": "train", "wearers": 1, "generated": {"seconds": [2.0, 3.0]}}


def with_takes(**changes: Any) -> dict[str, Any]:
    return {"name": "x", "takes": {"a": GENERATED | changes}}


@pytest.mark.parametrize("path", sorted((share_dir() / "config" / "datasets").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_recipe_can_be_read_by_name(path: Path) -> None:
    assert load_recipe(path.stem).name == path.stem


names = st.sampled_from(["a", "b2", "head", "QMI8658", "some-face.glb"])
shares = st.dictionaries(names, st.floats(0.01, 10.0), min_size=1, max_size=3)
groups = st.fixed_dictionaries(
    {"split": st.sampled_from(["train", "validation", "test"]), "wearers": st.integers(1, 9)},
    optional={
        "variation": st.fixed_dictionaries(
            {}, optional={"mirror_share": st.floats(0.0, 1.0), "stretch": st.floats(1.0, 2.0)}
        ),
        "faces": shares,
        "routine": st.booleans(),
        "licence": st.text(max_size=5),
    },
)
motions = st.one_of(
    st.fixed_dictionaries({"generated": st.fixed_dictionaries({"seconds": st.just([2.0, 3.0])})}),
    st.fixed_dictionaries(
        {"recorded": st.fixed_dictionaries({"files": st.lists(names, min_size=1), "required": st.booleans()})}
    ),
)
recipes = st.fixed_dictionaries(
    {"name": names, "takes": st.dictionaries(names, st.builds(lambda a, b: a | b, groups, motions), min_size=1)},
    optional={"seed": st.integers(0, 2**32), "faces": shares, "parts": shares, "hub": st.just({"rate_hz": 60.0})},
)


@given(content=recipes)
def test_what_a_recipe_says_it_is_reads_as_the_same_recipe(content: dict[str, Any]) -> None:
    recipe = recipe_from(content)
    assert recipe_from(recipe.to_dict()) == recipe
    assert recipe.to_dict().keys() >= content.keys()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "expected a mapping"),
        ({"takes": {"a": GENERATED}}, "name: "),
        ({"name": "x", "takes": {}}, "takes: "),
        (with_takes() | {"sead": 3}, "sead: expected a known key, found sead; did you mean seed"),
        (with_takes() | {"hub": {"rate": 3}}, r"hub\.rate: expected a known key, found rate; did you mean rate_hz"),
        (with_takes(generated={"secondz": [1, 2]}), r"takes\.a\.generated\.secondz: expected a known key"),
        (with_takes(generated={"seconds": [5.0, 2.0]}), "shortest <= longest"),
        (with_takes(recorded={"files": ["a.csv"]}), "exactly one of"),
        (with_takes(wearers=0), r"takes\.a\.wearers: .*found 0"),
        (with_takes(wearers="many"), r"takes\.a\.wearers: .*'many'"),
        (with_takes(split="dev"), r"takes\.a\.split: .*'train', 'validation' or 'test'.*'dev'"),
        (with_takes() | {"faces": {"head": 0.0}}, r"faces\.head: "),
        (with_takes() | {"hub": {"loss": float("nan")}}, r"hub\.loss: "),
        (with_takes() | {"hub": {"fusion": {"8d": 1.0}}}, r"hub\.fusion\.8d"),
        (with_takes() | {"name": "../evil"}, "name: "),
    ],
)
def test_a_bad_recipe_is_refused_in_one_line(content: Any, match: str) -> None:
    with pytest.raises(RecipeError, match=match) as caught:
        recipe_from(content)
    assert "\n" not in str(caught.value)


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"nowhere\.yaml.*shipped names: imusic, small"):
        load_recipe("nowhere")
    path = tmp_path / "odd.yaml"
    path.write_text("takes: [")
    with pytest.raises(RecipeError, match=r"odd\.yaml"):
        load_recipe(path)
    path.write_text("name: x")
    with pytest.raises(RecipeError, match=r"odd\.yaml: takes: "):
        load_recipe(path)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from face_dataset.plan import FIRST_SUBJECT, plan_takes
from face_dataset.recipe import recipe_from
from face_model.errors import LiveLinkError
from face_model.routine import DURATION_S
from imu_sim.errors import RecipeError

GENERATED = {"split": "train", "wearers": 40, "generated": {"seconds": [2.0, 6.0]}}


def recipe_of(*, takes: dict[str, Any], **changes: Any) -> Any:
    return recipe_from({"name": "x", "seed": 3, "takes": takes} | changes)


def recorded(split: str = "train", required: bool = False, wearers: int = 2, file: str = "person_x_talk.csv") -> Any:
    return {"split": split, "wearers": wearers, "recorded": {"files": [file], "required": required, "rest_s": 1.0}}


def test_a_takes_choices_depend_on_seed_and_index_alone() -> None:
    more = {"a": GENERATED, "b": GENERATED | {"split": "validation", "wearers": 5}}
    one, two = plan_takes(recipe_of(takes={"a": GENERATED})), plan_takes(recipe_of(takes=more))
    assert one.takes == two.takes[:40]
    assert plan_takes(recipe_of(takes={"a": GENERATED})).identity() == one.identity()
    other = plan_takes(recipe_of(takes={"a": GENERATED}, seed=4))
    assert not {take.wearer_seed for take in one.takes} & {take.wearer_seed for take in other.takes}


def test_choices_follow_shares_and_ranges() -> None:
    shares = {"QMI8658": 3.0, "BMI270": 1.0}
    takes = {"a": GENERATED | {"wearers": 400, "variation": {"mirror_share": 0.25, "stretch": 1.2}}}
    plan = plan_takes(
        recipe_of(takes=takes, parts=shares, hub={"loss": 0.1, "jitter_s": 1e-3, "fusion": {"6d": 1, "9d": 1}})
    )
    count = len(plan.takes)
    assert sum(take.part == "QMI8658" for take in plan.takes) / count == pytest.approx(0.75, abs=0.07)
    assert sum(take.mirrored for take in plan.takes) / count == pytest.approx(0.25, abs=0.07)
    assert len({take.wearer_seed for take in plan.takes}) == count
    assert min(take.wearer_seed for take in plan.takes) >= FIRST_SUBJECT
    assert all(1 / 1.2 <= take.stretch <= 1.2 for take in plan.takes)
    assert all(2.0 <= take.duration_s / take.stretch <= 6.0 for take in plan.takes)
    assert sum(take.fusion == "9d" for take in plan.takes) / count == pytest.approx(0.5, abs=0.08)
    assert 8e-4 < max(take.jitter_s for take in plan.takes) <= 1e-3
    assert 0.08 < max(take.loss for take in plan.takes) <= 0.1
    assert len({take.person for take in plan.takes}) == count, "every performance is a person of its own"


def test_recorded_motion_is_worn_by_every_wearer(recorded_dir: Path) -> None:
    plan = plan_takes(recipe_of(takes={"r": recorded(wearers=3)}), recorded_dir)
    assert [take.source for take in plan.takes] == ["person_x_talk.csv"] * 3
    assert {take.person for take in plan.takes} == {"person_x"}
    assert plan.takes[0].duration_s == pytest.approx(2.0 + 2 * 1.0, abs=0.1)
    before = plan.inputs["person_x_talk.csv"]
    (recorded_dir / "person_x_talk.csv").write_text((recorded_dir / "person_x_talk.csv").read_text() + "\n")
    assert plan_takes(recipe_of(takes={"r": recorded()}), recorded_dir).inputs["person_x_talk.csv"] != before


def test_each_wearers_routine_follows_in_a_take_of_its_own(recorded_dir: Path) -> None:
    varied = {"mirror_share": 0.5, "stretch": 1.3}
    takes = {
        "g": GENERATED | {"wearers": 20, "routine": True, "variation": varied},
        "r": recorded("test", wearers=3) | {"routine": True, "variation": varied},
    }
    plan = plan_takes(recipe_of(takes=takes, hub={"loss": 0.1}, parts={"QMI8658": 1, "BMI270": 1}), recorded_dir)
    assert len(plan.takes) == 2 * (20 + 3)
    same = ("group", "split", "person", "family", "wearer_seed", "motion_seed", "part", "layout", "fusion", "skew_ppm")
    for take, routine in zip(plan.takes[::2], plan.takes[1::2], strict=True):
        assert [getattr(take, name) for name in same] == [getattr(routine, name) for name in same]
        assert take.source != routine.source == "routine"
        assert (routine.duration_s, routine.mirrored, routine.stretch) == (DURATION_S, False, 1.0)
        assert take.sensor_seed != routine.sensor_seed
    assert [take.index for take in plan.takes] == list(range(len(plan.takes)))
    assert len({take.wearer_seed for take in plan.takes}) == 23


def test_absent_motion_is_left_out_or_required(tmp_path: Path) -> None:
    both = {"r": recorded(), "g": GENERATED}
    plan = plan_takes(recipe_of(takes=both), tmp_path)
    assert plan.left_out == ("person_x_talk.csv",)
    assert {take.group for take in plan.takes} == {"g"}
    with pytest.raises(RecipeError, match=r"person_x_talk\.csv.*--recorded"):
        plan_takes(recipe_of(takes={"r": recorded(required=True), "g": GENERATED}), tmp_path)
    with pytest.raises(RecipeError, match="found only recorded motion that is absent"):
        plan_takes(recipe_of(takes={"r": recorded()}))


def test_a_person_in_two_splits_is_refused(recorded_dir: Path) -> None:
    other = recorded_dir / "person_x_other.csv"
    other.write_text((recorded_dir / "person_x_talk.csv").read_text())
    takes = {"a": recorded("train"), "b": recorded("test", file=other.name)}
    with pytest.raises(RecipeError, match="found person_x in train and test"):
        plan_takes(recipe_of(takes=takes), recorded_dir)


def test_a_bad_recording_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "person_x_talk.csv").write_text("nothing of the kind\n")
    with pytest.raises(LiveLinkError, match="person_x_talk"):
        plan_takes(recipe_of(takes={"r": recorded()}), tmp_path)


def test_unknown_parts_layouts_and_faces_are_refused() -> None:
    with pytest.raises(ValueError, match="MPU9999"):
        plan_takes(recipe_of(takes={"a": GENERATED}, parts={"MPU9999": 1.0}))
    with pytest.raises(ValueError, match="face_99"):
        plan_takes(recipe_of(takes={"a": GENERATED}, layouts={"face_99": 1.0}))
    with pytest.raises(ValueError, match=r"nobody\.glb"):
        plan_takes(recipe_of(takes={"a": GENERATED}, faces={"nobody.glb": 1.0}))


def test_whose_face_a_file_shows_follows_from_its_name_or_the_recipe(recorded_dir: Path) -> None:
    """Two slates of one phone are one person, unless the recipe knows better."""
    names = ["MySlate_1_iPhone.csv", "MySlate_2_iPhone.csv"]
    text = (recorded_dir / "person_x_talk.csv").read_text()
    for name in names:
        (recorded_dir / name).write_text(text)

    def takes(**people: str) -> dict[str, Any]:
        return {
            split: {"split": split, "wearers": 1, "recorded": {"files": [name], **people}}
            for split, name in zip(("train", "test"), names, strict=True)
        }

    with pytest.raises(RecipeError, match="`people`"):
        plan_takes(recipe_of(takes=takes()), recorded_dir)
    told = takes()
    told["test"]["recorded"]["people"] = {names[1]: "bob"}
    plan = plan_takes(recipe_of(takes=told), recorded_dir)
    assert [take.person for take in plan.takes] == ["MySlate_iPhone", "bob"]

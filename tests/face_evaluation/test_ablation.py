from __future__ import annotations

from face_evaluation.ablation import dead_in_turn, fewer_and_fewer, without
from face_model.layout import load_layout


def test_a_dead_sensor_never_sent_anything(recorded):
    take = recorded(seconds=3.0)
    dead = without(take, ("chin", "no such sensor"))
    assert not dead.valid[:, take.sensor_names.index("chin")].any()
    assert dead.valid.sum() == take.valid.sum() - len(take.valid)
    assert take.valid.all()


def test_each_skin_sensor_is_dead_once():
    names = load_layout("face_12").names
    trials = list(dead_in_turn(names, "skull"))
    assert [missing for _, (missing,) in trials] == [name for name in names if name != "skull"]


def test_subsets_keep_both_sides_and_the_reference():
    names = load_layout("face_12").names
    found = dict(fewer_and_fewer(names, "skull"))
    assert [11 - len(missing) for missing in found.values()] == [9, 7, 5, 3]
    kept = set(names) - set(found["3 skin sensors"])
    assert kept == {"skull", "zygomaticus_left", "zygomaticus_right", "mentalis"}
    for missing in found.values():
        assert len([n for n in missing if n.endswith("_left")]) == len([n for n in missing if n.endswith("_right")])
    assert list(fewer_and_fewer(("skull", "chin", "brow"), "skull")) == []

from __future__ import annotations

from pathlib import Path

import pytest

from face_model import arkit
from face_model.errors import LiveLinkError
from imu_sim.errors import ImuSimError
from imu_sim.generator import generate
from imu_sim.realism.motion_study import MotionComparison, compare_motion, motion_section


def write_take(path: Path, seed: int, seconds: float = 8.0, head: bool = False) -> None:
    """A generated performance as a Live Link Face CSV."""
    motion = generate(seed, seconds)
    names = [name[0].upper() + name[1:] for name in arkit.BLENDSHAPES] + ["HeadYaw", "HeadPitch", "HeadRoll"]
    lines = [",".join(["Timecode", "BlendshapeCount", *names])]
    for k, weights in enumerate(motion.weights):
        second, tick = divmod(k, 60)
        angles = (0.001 * k, 0.0, 0.0) if head else (0.0, 0.0, 0.0)
        lines.append(f"10:00:{second:02d}:{tick:06.3f},61," + ",".join(f"{v:.6f}" for v in (*weights, *angles)))
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> MotionComparison:
    folder = tmp_path_factory.mktemp("recorded")
    for name, seed, head in (("ann_x_1", 1, False), ("ann_x_2", 2, False), ("bob_y_1", 3, True)):
        write_take(folder / f"{name}.csv", seed, head=head)
    return compare_motion(folder, performances=2, seconds=20.0)


def test_takes_are_pooled_by_person(study: MotionComparison) -> None:
    assert {name: len(takes) for name, takes in study.recorded.items()} == {"ann_x": 2, "bob_y": 1}
    assert study.of_recorded["ann_x"].seconds == pytest.approx(16.0, abs=0.1)
    assert study.of_generated.seconds == pytest.approx(40.0, abs=0.1)
    # Simulated head motion is not taken for the person's own.
    assert study.of_recorded["ann_x"].head_deg_s != study.of_recorded["ann_x"].head_deg_s
    assert study.of_recorded["bob_y"].head_deg_s == pytest.approx(3.4, abs=0.2)


def test_everything_is_compared_with_everybody(study: MotionComparison) -> None:
    compared = study.compared()
    assert list(compared) == ["generated to ann_x", "generated to bob_y", "bob_y to ann_x"]
    names = [d.name for d in compared["generated to ann_x"]]
    assert len(names) == len(set(names)) > 15


def test_the_section_shows_figures_and_tables(study: MotionComparison) -> None:
    pytest.importorskip("matplotlib", reason="no matplotlib: pip install matplotlib")
    section = motion_section(study)
    assert "synthetic" in section.text[0]
    assert len(section.figures) == 6
    assert all(f.png.startswith(b"\x89PNG") and len(f.png) > 5000 and f.caption for f in section.figures)
    assert len(section.tables[-1].rows) == arkit.COUNT


def test_folders_without_takes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImuSimError, match="found none"):
        compare_motion(tmp_path)
    (tmp_path / "a_b.csv").write_text("nonsense\n")
    with pytest.raises(LiveLinkError):
        compare_motion(tmp_path)


@pytest.mark.shared
def test_generated_motion_is_about_as_far_from_people_as_they_are_from_each_other(shared: Path) -> None:
    compared = compare_motion(shared / "data" / "motion_arkit", performances=8).compared()
    people = {d.name: d.value for d in compared["person_b to person_a"]}
    for name in ("generated to person_a", "generated to person_b"):
        found = {d.name: d.value for d in compared[name]}
        assert found["weights, Wasserstein"] < 1.2 * people["weights, Wasserstein"]
        assert found["correlation of shapes, mean difference"] < 1.5 * people["correlation of shapes, mean difference"]
        assert 0.5 < found["speed while moving, 95th percentile"] < 1.5
        assert 0.5 < found["mean weight"] < 1.5
        assert 0.6 < found["blinks a minute"] < 1.8
        assert 0.8 < found["blink duration, median"] < 1.5

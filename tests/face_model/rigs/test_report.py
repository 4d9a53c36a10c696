from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from face_model import arkit
from face_model.errors import FaceModelError
from face_model.layout import load_layout
from face_model.rig import FaceRig
from face_model.rigs.closure import lid_gaps_m, lip_gap_m
from face_model.rigs.load import load_face
from face_model.rigs.report import RigReport, Severity, inspect_face, inspect_rig
from face_model.skin import skin_patches, unplaced
from imu_sim.head import build_head


def changed(rig: FaceRig, **shapes: np.ndarray) -> FaceRig:
    """The rig with other displacements for some shapes."""
    deltas = rig.deltas.copy()
    for name, delta in shapes.items():
        deltas[arkit.INDEX[name]] = delta
    return replace(rig, deltas=deltas)


def warnings(report: RigReport) -> dict[str, str]:
    return {f.subject: f.text for f in report.findings if f.severity is Severity.WARNING}


def of(rig: FaceRig, name: str) -> np.ndarray:
    return rig.deltas[arkit.INDEX[name]]


def test_the_generated_head_passes() -> None:
    report = inspect_rig(build_head())
    assert report.usable
    assert len(report.present) == 52
    assert not warnings(report)


@pytest.mark.shared
def test_ict_facekit_lacks_a_tongue_and_overcloses_its_mouth(ict: Path) -> None:
    report = inspect_face(load_face(ict))
    assert report.usable
    assert report.absent == ["tongueOut"]
    assert set(warnings(report)) == {"jawOpen + mouthClose"}


def test_sides_that_are_exchanged(head: FaceRig) -> None:
    report = inspect_rig(
        changed(head, mouthSmileLeft=of(head, "mouthSmileRight"), mouthSmileRight=of(head, "mouthSmileLeft"))
    )
    found = warnings(report)
    assert set(found) == {"mouthSmileLeft", "mouthSmileRight"}
    assert "on the right" in found["mouthSmileLeft"]
    assert report.usable


@pytest.mark.parametrize(
    ("name", "expected"), [("jawOpen", "up, expected down"), ("jawLeft", "to the right"), ("eyeLookUpLeft", "down")]
)
def test_motion_the_wrong_way(head: FaceRig, name: str, expected: str) -> None:
    assert expected in warnings(inspect_rig(changed(head, **{name: -of(head, name)})))[name]


def test_motion_too_small_and_too_large(head: FaceRig) -> None:
    rig = changed(head, browInnerUp=0.01 * of(head, "browInnerUp"), cheekPuff=10.0 * of(head, "cheekPuff"))
    found = warnings(inspect_rig(rig))
    assert "moves nothing farther" in found["browInnerUp"]
    assert "at most" in found["cheekPuff"]


def test_lids_that_stay_open_and_lids_that_cross(head: FaceRig) -> None:
    assert np.abs(lid_gaps_m(head, "left")).max() < 0.001  # type: ignore[arg-type]
    half = changed(head, eyeBlinkLeft=0.5 * of(head, "eyeBlinkLeft"))
    assert 0.002 < lid_gaps_m(half, "left").min() < 0.008  # type: ignore[union-attr]
    assert "lids stay" in warnings(inspect_rig(half))["eyeBlinkLeft"]
    far = changed(head, eyeBlinkLeft=1.7 * of(head, "eyeBlinkLeft"))
    assert "lids cross" in warnings(inspect_rig(far))["eyeBlinkLeft"]
    assert "eyeBlinkRight" not in warnings(inspect_rig(far))


def test_lips_that_do_not_close(head: FaceRig) -> None:
    open_ = changed(head, mouthClose=0.5 * of(head, "mouthClose"))
    assert lip_gap_m(open_) > 0.005
    assert "lips stay" in warnings(inspect_rig(open_))["jawOpen + mouthClose"]


def test_nan_is_an_error_and_nothing_else_is_tried(head: FaceRig) -> None:
    broken = of(head, "jawOpen").copy()
    broken[5, 1] = np.nan
    report = inspect_rig(changed(head, jawOpen=broken))
    assert not report.usable
    assert [(f.subject, f.severity) for f in report.findings] == [("jawOpen", Severity.ERROR)]


def test_absent_shapes_matter_where_sensors_would_see_them(head: FaceRig) -> None:
    zero = np.zeros_like(of(head, "jawOpen"))
    report = inspect_rig(changed(head, cheekPuff=zero, tongueOut=zero))
    severities = {f.subject: f.severity for f in report.findings}
    assert severities["cheekPuff"] is Severity.WARNING
    assert severities["tongueOut"] is Severity.NOTE
    assert report.absent == ["cheekPuff", "tongueOut"]


def test_triangles_without_area(head: FaceRig) -> None:
    flat = head.triangles.copy()
    flat[: len(flat) // 10, 2] = flat[: len(flat) // 10, 1]
    assert "no area" in warnings(inspect_rig(replace(head, triangles=flat)))["triangles"]


def test_what_the_reader_decided_is_told(glb: Path) -> None:
    text = " ".join(f.text for f in inspect_face(load_face(glb)).findings)
    assert "z forward, x to the wearer's left, y up" in text
    assert "unit: m" in text
    assert "between the ears" in text


def test_a_face_without_skin_under_a_board_is_not_usable(head: FaceRig) -> None:
    """What the check calls usable, the simulation can glue boards to."""
    layout = load_layout()
    assert unplaced(head, layout) == {}
    forehead = head.neutral[head.triangles].mean(axis=1)[:, 2] > head.neutral[head.landmarks["pupil_left"], 2] + 0.03
    bald = replace(head, triangles=head.triangles[~forehead])
    report = inspect_rig(bald)
    assert not report.usable
    (finding,) = [f for f in report.findings if f.severity is Severity.ERROR]
    assert "frontalis_left" in finding.text
    with pytest.raises(FaceModelError):
        skin_patches(bald, layout)


def test_skin_of_hardly_any_vertices_is_refused_in_words(head: FaceRig) -> None:
    corners = head.neutral[[head.landmarks["pupil_left"], head.landmarks["pupil_right"], head.landmarks["chin"]]]
    few = np.concatenate([corners + np.float32([0.2, 0, 0]), corners + np.float32([0.2, 0, 0.1])])
    plate = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    tiny = replace(
        head,
        neutral=np.concatenate([few * np.float32([1, 8, 8]), head.neutral]),
        triangles=plate,
        deltas=np.concatenate([np.zeros((arkit.COUNT, 6, 3), np.float32), head.deltas], axis=1),
        colors=np.concatenate([np.zeros((6, 3), np.uint8), head.colors]),
        parts={"skin": slice(0, 6), "rest": slice(6, 6 + len(head.neutral))},
        landmarks={name: vertex + 6 for name, vertex in head.landmarks.items()},
        lip_vertices=head.lip_vertices + 6,
    )
    found = unplaced(tiny, load_layout())
    assert found
    assert all("found" in text for text in found.values())


@pytest.mark.shared
def test_the_shared_face_takes_every_board(ict: Path) -> None:
    assert unplaced(load_face(ict).rig, load_layout()) == {}

"""What a rig is worth: which shapes it has, and what about them cannot be right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, observability
from face_model.layout import load_layout
from face_model.rig import FaceRig
from face_model.rigs.closure import lid_gaps_m, lip_gap_m
from face_model.rigs.load import LoadedFace
from face_model.skin import unplaced

Floats = NDArray[np.float64]

LEAST_MM: Final = 0.3
"""A shape whose greatest motion is smaller than this shows nothing; a guess."""
MOST_MM: Final = {"jawOpen": 65.0, "mouthClose": 65.0, "tongueOut": 80.0}
MOST_OTHER_MM: Final = 30.0
"""No muscle moves skin farther. Mouths open to about 50 mm (Z. K. Zawawi et al., 2003); the others are guesses."""
GAP_MM: Final = 2.0
CROSS_MM: Final = 3.0
"""How far closed lids and lips may stay apart or cross at the middle of the eye and of the mouth; guesses."""
SMALLEST_M2: Final = 1e-12
"""Triangles below a thousandth of a square millimetre have no direction that can be trusted."""

TOWARDS: Final[Mapping[str, tuple[str, int, float]]] = {
    "jawOpen": ("chin", 2, -1.0),
    "jawForward": ("chin", 0, 1.0),
    "jawLeft": ("chin", 1, 1.0),
    "jawRight": ("chin", 1, -1.0),
    "mouthLeft": ("lip_upper", 1, 1.0),
    "mouthRight": ("lip_upper", 1, -1.0),
    "mouthSmileLeft": ("mouth_corner_left", 2, 1.0),
    "mouthSmileRight": ("mouth_corner_right", 2, 1.0),
    "mouthFrownLeft": ("mouth_corner_left", 2, -1.0),
    "mouthFrownRight": ("mouth_corner_right", 2, -1.0),
    "eyeLookUpLeft": ("pupil_left", 2, 1.0),
    "eyeLookUpRight": ("pupil_right", 2, 1.0),
    "eyeLookDownLeft": ("pupil_left", 2, -1.0),
    "eyeLookDownRight": ("pupil_right", 2, -1.0),
    "eyeLookInLeft": ("pupil_left", 1, -1.0),
    "eyeLookInRight": ("pupil_right", 1, 1.0),
    "eyeLookOutLeft": ("pupil_left", 1, 1.0),
    "eyeLookOutRight": ("pupil_right", 1, -1.0),
}
"""Where shapes move a landmark: axis of `face_head` and sign."""
DIRECTIONS: Final = (("backward", "forward"), ("to the right", "to the left"), ("down", "up"))


class Severity(str, Enum):
    """How bad a finding is."""

    ERROR = "error"
    """The rig cannot be used."""
    WARNING = "warning"
    """It can be used, and will look or move wrong there."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True)
class Finding:
    """One thing about a rig.

    Attributes:
        severity: how bad it is.
        subject: a shape, or what else it is about.
        text: what was found, what was expected.
    """

    severity: Severity
    subject: str
    text: str


@dataclass(frozen=True)
class RigReport:
    """What `inspect_rig` found.

    Attributes:
        name: of the rig.
        vertices: how many.
        triangles: how many.
        parts: name to number of vertices.
        present: shapes that move something, of the 52.
        absent: the others.
        reach_mm: how far each present shape moves the vertex that it moves most, mm.
        findings: worst first.
    """

    name: str
    vertices: int
    triangles: int
    parts: Mapping[str, int]
    present: Sequence[str]
    absent: Sequence[str]
    reach_mm: Mapping[str, float]
    findings: Sequence[Finding]

    @property
    def usable(self) -> bool:
        """Whether nothing is an error."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


def inspect_rig(rig: FaceRig) -> RigReport:
    """Check a rig: its shapes, their sides, directions and sizes, its triangles, lids and lips. Raises nothing."""
    reach = 1000.0 * np.linalg.norm(rig.deltas, axis=2).max(axis=1, initial=0.0)
    present = [name for name, far in zip(arkit.BLENDSHAPES, reach, strict=True) if far > 0.0 or np.isnan(far)]
    absent = [name for name in arkit.BLENDSHAPES if name not in present]
    findings = list(_not_finite(rig))
    if not findings:
        for check in (_places, _absent, _sides, _directions, _sizes, _triangles, _lids, _lips):
            findings += check(rig)
    return RigReport(
        name=rig.name,
        vertices=len(rig.neutral),
        triangles=len(rig.triangles),
        parts={name: part.stop - part.start for name, part in rig.parts.items()},
        present=present,
        absent=absent,
        reach_mm={name: round(float(reach[arkit.INDEX[name]]), 2) for name in present},
        findings=_worst_first(findings),
    )


def inspect_face(face: LoadedFace) -> RigReport:
    """Check a rig from a file; what the reader found and decided is added to the findings."""
    report = inspect_rig(face.rig)
    notes = [*face.pose.text, *face.notes]
    if face.unknown:
        more = f" and {len(face.unknown) - 8} more" if len(face.unknown) > 8 else ""
        notes.append(f"shapes that are none of the 52: {', '.join(face.unknown[:8])}{more}")
    found = [Finding(Severity.NOTE, "file", note) for note in notes]
    if face.pose.mirrored:
        text = "shapes named left lie on the right throughout; left and right are the wearer's: exchange the names"
        found.insert(0, Finding(Severity.WARNING, "file", text))
    return replace(report, findings=_worst_first([*report.findings, *found]))


def _worst_first(findings: Sequence[Finding]) -> list[Finding]:
    order = list(Severity)
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def _not_finite(rig: FaceRig) -> Iterator[Finding]:
    arrays = {"neutral": rig.neutral} | dict(zip(arkit.BLENDSHAPES, rig.deltas, strict=True))
    arrays |= {f"corrective {c.pair}": c.delta for c in rig.correctives}
    for name, array in arrays.items():
        if count := int(np.count_nonzero(~np.isfinite(array).all(axis=-1))):
            yield Finding(Severity.ERROR, name, f"{count} vertices are NaN or infinite")


def _places(rig: FaceRig) -> Iterator[Finding]:
    """Boards of the package's layout that find no skin: without them nothing can be simulated or shown on this face."""
    lost = unplaced(rig, load_layout())
    if lost:
        yield Finding(
            Severity.ERROR,
            "places",
            f"no skin for {', '.join(lost)}: {next(iter(lost.values()))}. Places follow from the pupils and the mouth: "
            "if those are where they should be, the face lacks skin there; else write them into a sidecar file",
        )


def _absent(rig: FaceRig) -> Iterator[Finding]:
    for i, name in enumerate(arkit.BLENDSHAPES):
        if not rig.deltas[i].any():
            severity = Severity.WARNING if i in observability.OBSERVABLE else Severity.NOTE
            yield Finding(severity, name, "not in this face: it stays still where the model says this shape")


def _sides(rig: FaceRig) -> Iterator[Finding]:
    """Shapes named left that move the right side: mirrored names are the commonest mistake in face rigs."""
    skin = rig.parts["skin"]
    corners = [rig.neutral[rig.landmarks[f"mouth_corner_{side}"], 1] for side in ("left", "right")]
    across = rig.neutral[skin, 1] - np.mean(corners)
    for i, name in enumerate(arkit.BLENDSHAPES):
        side = next((s for s in ("Left", "Right") if name.endswith(s)), "")
        squared = np.sum(rig.deltas[i, skin].astype(np.float64) ** 2, axis=1)
        if not side or name.startswith(("jaw", "mouthLeft", "mouthRight", "eyeLook")) or not squared.any():
            continue
        own = float(squared[across > 0.0 if side == "Left" else across < 0.0].sum() / squared.sum())
        if own < 0.5:
            yield Finding(
                Severity.WARNING,
                name,
                f"{100 * (1 - own):.0f} % of its motion is on the {'right' if side == 'Left' else 'left'}; "
                f"left and right are the wearer's, not the viewer's: exchange the names",
            )


def _directions(rig: FaceRig) -> Iterator[Finding]:
    for name, (landmark, axis, sign) in TOWARDS.items():
        moved = float(rig.deltas[arkit.INDEX[name], rig.landmarks[landmark], axis]) * 1000.0
        if moved * sign < -LEAST_MM:
            wanted, found = (DIRECTIONS[axis][way] for way in (int(sign > 0), int(moved > 0)))
            yield Finding(Severity.WARNING, name, f"moves {landmark} {abs(moved):.1f} mm {found}, expected {wanted}")


def _sizes(rig: FaceRig) -> Iterator[Finding]:
    reach = 1000.0 * np.linalg.norm(rig.deltas, axis=2).max(axis=1, initial=0.0)
    for name, far in zip(arkit.BLENDSHAPES, reach, strict=True):
        most = MOST_MM.get(name, MOST_OTHER_MM)
        if 0.0 < far < LEAST_MM:
            yield Finding(
                Severity.WARNING, name, f"moves nothing farther than {far:.2f} mm, expected {LEAST_MM} or more"
            )
        elif far > most:
            yield Finding(Severity.WARNING, name, f"moves a vertex by {far:.0f} mm, expected {most:.0f} at most")


def _triangles(rig: FaceRig) -> Iterator[Finding]:
    a, b, c = (rig.neutral[rig.triangles[:, k]].astype(np.float64) for k in range(3))
    thin = int(np.count_nonzero(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1) < SMALLEST_M2))
    if thin:
        share = thin / len(rig.triangles)
        severity = Severity.WARNING if share > 0.01 else Severity.NOTE
        yield Finding(severity, "triangles", f"{thin} of {len(rig.triangles)} have no area")


def _lids(rig: FaceRig) -> Iterator[Finding]:
    for side in ("Left", "Right"):
        name = f"eyeBlink{side}"
        if not rig.deltas[arkit.INDEX[name]].any():
            continue
        gaps = lid_gaps_m(rig, side.lower())
        if gaps is None:
            yield Finding(Severity.NOTE, name, "the lids' opening was not found, so it was not checked that they close")
            continue
        yield from _closure(name, "lids", 1000.0 * gaps)


def _lips(rig: FaceRig) -> Iterator[Finding]:
    if not all(rig.deltas[arkit.INDEX[name]].any() for name in ("jawOpen", "mouthClose")):
        return
    yield from _closure("jawOpen + mouthClose", "lips", np.array([1000.0 * lip_gap_m(rig)]))


def _closure(subject: str, what: str, gaps_mm: Floats) -> Iterator[Finding]:
    if gaps_mm.max() > GAP_MM:
        yield Finding(Severity.WARNING, subject, f"the {what} stay {gaps_mm.max():.1f} mm apart, expected them to meet")
    if gaps_mm.min() < -CROSS_MM:
        yield Finding(Severity.WARNING, subject, f"the {what} cross by {-gaps_mm.min():.1f} mm, expected them to meet")

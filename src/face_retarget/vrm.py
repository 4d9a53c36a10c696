"""ARKit weights to the expressions of VRM 1.0, and to the names of VRM 0.x that VMC speaks.

A VRM model need not have ARKit's shapes; what every one has are the presets: ten of the mouth and of emotions, blinks
and looks. Blinks and looks are ARKit's eye shapes. The ten are fitted: `ANCHORS` says which ARKit weights each of them
stands for at 1, and a face is taken for the non-negative mixture of these that is nearest to it. So two that share a
shape do not count it twice: a smile is `happy` and adds no `ee`; an open mouth with raised brows is `surprised`, and
`aa` only what is left of it. A face of one anchor gives 1 for that and 0 for the others, and nothing jumps.

The anchors are ours: visemes by how the vowels are spoken (aa open, ih narrow, ou rounded, ee spread, oh open and
rounded), emotions by the action units of P. Ekman and W. Friesen, EMFACS: happy 6+12, angry 4+5+7+23, sad 1+4+15,
surprised 1+2+5+26; relaxed, which they do not have, is a smile without raised cheeks. Sources of VRM's names:
https://github.com/vrm-c/vrm-specification, VRMC_vrm-1.0 expressions and VRM 0.0 blendShapeMaster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from face_model import arkit
from face_retarget.weights_row import weights_row

Floats = NDArray[np.float64]

MOUTH: Final = ("aa", "ih", "ou", "ee", "oh")
EMOTIONS: Final = ("happy", "angry", "sad", "relaxed", "surprised")
BLINKS: Final = ("blink", "blinkLeft", "blinkRight")
LOOKS: Final = ("lookUp", "lookDown", "lookLeft", "lookRight")
EXPRESSIONS: Final = (*EMOTIONS, *MOUTH, *BLINKS, *LOOKS, "neutral")
"""VRM 1.0's preset expressions, all 18."""

VRM0_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{"happy": "Joy", "angry": "Angry", "sad": "Sorrow", "relaxed": "Fun", "surprised": "Surprised"},
        **{"aa": "A", "ih": "I", "ou": "U", "ee": "E", "oh": "O"},
        **{"blink": "Blink", "blinkLeft": "Blink_L", "blinkRight": "Blink_R"},
        **{"lookUp": "LookUp", "lookDown": "LookDown", "lookLeft": "LookLeft", "lookRight": "LookRight"},
        "neutral": "Neutral",
    }
)
"""Names of VRM 0.x as VMC sends them. It has no preset for surprised: models that have it call it so."""

_BOTH = ("Left", "Right")


def _shapes(**weights: float) -> dict[str, float]:
    """ARKit weights; a name without its side stands for both sides."""
    row: dict[str, float] = {}
    for name, weight in weights.items():
        row |= {name: weight} if name in arkit.INDEX else {f"{name}{side}": weight for side in _BOTH}
    return row


ANCHORS: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "aa": _shapes(jawOpen=0.7, mouthLowerDown=0.25, mouthUpperUp=0.1),
        "ih": _shapes(jawOpen=0.15, mouthLowerDown=0.35, mouthUpperUp=0.3, mouthStretch=0.15),
        "ou": _shapes(mouthPucker=0.8, mouthFunnel=0.25, jawOpen=0.1),
        "ee": _shapes(mouthStretch=0.6, mouthDimple=0.3, jawOpen=0.2, mouthLowerDown=0.2),
        "oh": _shapes(mouthFunnel=0.7, jawOpen=0.4, mouthPucker=0.15),
        "happy": _shapes(mouthSmile=0.8, cheekSquint=0.7, eyeSquint=0.3),
        "angry": _shapes(browDown=0.9, eyeSquint=0.3, mouthPress=0.4, noseSneer=0.3),
        "sad": _shapes(browInnerUp=0.6, browDown=0.2, mouthFrown=0.8, mouthShrugLower=0.3),
        "relaxed": _shapes(mouthSmile=0.5, mouthDimple=0.2),
        "surprised": _shapes(browInnerUp=0.7, browOuterUp=0.9, eyeWide=0.7, jawOpen=0.35),
    }
)
"""ARKit weights that each expression stands for at 1."""

FAINT: Final = 0.02
"""Expressions below this are 0, and those above begin there: weights of a face at rest are not quite 0."""

_USED: Final = tuple(sorted({arkit.INDEX[name] for anchor in ANCHORS.values() for name in anchor}))
_NAMES: Final = tuple(ANCHORS)


def _matrix() -> Floats:
    matrix = np.zeros((len(_USED), len(ANCHORS)))
    for column, anchor in enumerate(ANCHORS.values()):
        for name, weight in anchor.items():
            matrix[_USED.index(arkit.INDEX[name]), column] = weight
    return matrix


_MATRIX: Final = _matrix()


def expressions(weights: Sequence[float] | NDArray[np.floating], looks: bool = True) -> dict[str, float]:
    """A face as VRM 1.0's preset expressions, each 0 to 1.

    Those of the mouth add up to 1 at most, and so do emotions; `blink` stands for the part of the blinks that both eyes
    share and is 0 here, because `blinkLeft` and `blinkRight` say all of it and a model adds the three up. `neutral` is
    what emotions leave. Where the model's own `override` settings block or blend the mouth under an emotion, its player
    does that.

    Args:
        weights: (52,) in `arkit.BLENDSHAPES` order; read as 0 to 1, what is no number as 0.
        looks: whether gaze is told; off where IMUs guess it, or where the player turns the eyes' bones.

    Raises:
        ValueError: not 52 weights.
    """
    row = weights_row(weights)
    # mouthClose undoes what jawOpen does to the lips: what is seen of an open mouth is what is left.
    seen = row.copy()
    seen[_JAW] = max(0.0, row[_JAW] - row[_CLOSE])
    fitted, _ = nnls(_MATRIX, seen[list(_USED)])
    found = dict(zip(_NAMES, fitted.tolist(), strict=True))
    for group in (MOUTH, EMOTIONS):
        total = sum(found[name] for name in group)
        for name in group:
            found[name] = max(0.0, found[name] / max(total, 1.0) - FAINT) / (1.0 - FAINT)
    told = {name: found[name] for name in (*EMOTIONS, *MOUTH)}
    told |= {"blink": 0.0, "blinkLeft": float(row[_BLINK[0]]), "blinkRight": float(row[_BLINK[1]])}
    gaze = dict.fromkeys(LOOKS, 0.0)
    if looks:
        for name, shapes in _LOOK_SHAPES.items():
            gaze[name] = float(row[list(shapes)].mean())
    told |= gaze
    return told | {"neutral": max(0.0, 1.0 - sum(told[name] for name in EMOTIONS))}


def vrm0_expressions(weights: Sequence[float] | NDArray[np.floating], looks: bool = True) -> dict[str, float]:
    """As `expressions`, by the names of VRM 0.x; `Neutral` is 0, because a player would add it to the others."""
    told = {VRM0_NAMES[name]: value for name, value in expressions(weights, looks).items()}
    return told | {"Neutral": 0.0}


_JAW: Final = arkit.INDEX["jawOpen"]
_CLOSE: Final = arkit.INDEX["mouthClose"]
_BLINK: Final = (arkit.INDEX["eyeBlinkLeft"], arkit.INDEX["eyeBlinkRight"])
_LOOK_SHAPES: Final = {
    "lookUp": (arkit.INDEX["eyeLookUpLeft"], arkit.INDEX["eyeLookUpRight"]),
    "lookDown": (arkit.INDEX["eyeLookDownLeft"], arkit.INDEX["eyeLookDownRight"]),
    "lookLeft": (arkit.INDEX["eyeLookOutLeft"], arkit.INDEX["eyeLookInRight"]),
    "lookRight": (arkit.INDEX["eyeLookInLeft"], arkit.INDEX["eyeLookOutRight"]),
}
"""Both eyes' shapes for one direction, the wearer's left and right."""

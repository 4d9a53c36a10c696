"""Which shapes come together and which exclude each other, in people's faces and in ARKit's eyes.

After recorded takes of one person (the correlations and slopes that `imusic study` shows): muscles that people cannot
part, and what the tracker does not tell apart. Amounts are lowered against the slopes, because there the companions of
companions are counted too.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from face_model import arkit
from imu_sim.motion import Floats
from imu_sim.performance.action_units import stem, weights_of


def _matrix(table: Mapping[str, Mapping[str, float]]) -> Floats:
    """(52, 52): a row per shape of the table. A side acts on its own side, and with half its strength on the middle."""
    matrix = np.zeros((arkit.COUNT, arkit.COUNT))
    for name, others in table.items():
        for source in stem(name):
            row = weights_of(others)
            if len(stem(name)) == 2:
                side, other = ("Left", "Right") if source.endswith("Left") else ("Right", "Left")
                for index, target in enumerate(arkit.BLENDSHAPES):
                    row[index] *= 1.0 if target.endswith(side) else 0.0 if target.endswith(other) else 0.5
            matrix[arkit.INDEX[source]] = row
    return matrix


COMPANIONS = _matrix(
    {
        "mouthSmile": {"cheekSquint": 0.12, "mouthDimple": 0.12, "mouthUpperUp": 0.28, "mouthLowerDown": 0.15,
                       "mouthShrugUpper": 0.15},
        "jawOpen": {"mouthLowerDown": 0.45, "mouthStretch": 0.42, "mouthFunnel": 0.06, "mouthClose": 0.1,
                    "jawForward": 0.06},
        "mouthFunnel": {"mouthPucker": 0.3},
        "mouthPucker": {"mouthFunnel": 0.3, "mouthShrugLower": 0.25, "cheekPuff": 0.2, "mouthClose": 0.12,
                        "jawOpen": 0.1, "mouthFrown": 0.15},
        "mouthLeft": {"jawLeft": 0.12, "mouthFunnel": 0.15},
        "mouthRight": {"jawRight": 0.12, "mouthFunnel": 0.15},
        "mouthFrown": {"mouthRollLower": 0.25, "mouthRollUpper": 0.35, "mouthClose": 0.4, "jawOpen": 0.35,
                       "mouthPucker": 0.3},
        "mouthStretch": {"mouthLowerDown": 0.3, "jawForward": 0.06},
        "mouthUpperUp": {"noseSneer": 0.35, "mouthShrugUpper": 0.35, "cheekSquint": 0.2},
        "mouthLowerDown": {"mouthUpperUp": 0.2, "mouthStretch": 0.3, "mouthShrugUpper": 0.2, "jawForward": 0.08},
        "mouthPress": {"mouthShrugLower": 0.8, "mouthRollLower": 0.5, "mouthDimple": 0.3, "cheekSquint": 0.12,
                       "browDown": 0.15},
        "mouthDimple": {"mouthPress": 0.25, "mouthShrugLower": 0.2, "cheekSquint": 0.15},
        "mouthRollLower": {"mouthRollUpper": 0.35, "mouthPress": 0.25, "mouthShrugLower": 0.2},
        "mouthRollUpper": {"mouthRollLower": 0.35, "mouthClose": 0.35, "jawOpen": 0.3, "mouthFrown": 0.3},
        "mouthShrugLower": {"mouthPress": 0.3, "mouthRollLower": 0.15},
        "cheekPuff": {"mouthPucker": 0.25, "mouthFunnel": 0.2, "mouthShrugLower": 0.4, "mouthPress": 0.35,
                      "mouthRollLower": 0.3},
        "browInnerUp": {"browOuterUp": 0.35},
        "browOuterUp": {"browInnerUp": 0.5, "eyeWide": 0.2},
        "browDown": {"noseSneer": 0.3, "cheekSquint": 0.25, "eyeSquint": 0.25, "mouthPress": 0.08, "eyeBlink": 0.2},
        "noseSneer": {"browDown": 0.4, "cheekSquint": 0.45, "eyeSquint": 0.25, "mouthUpperUp": 0.25,
                      "mouthPress": 0.08, "eyeBlink": 0.15},
        "cheekSquint": {"noseSneer": 0.45, "eyeSquint": 0.4, "mouthUpperUp": 0.15, "browDown": 0.2, "mouthPress": 0.08},
        "eyeSquint": {"cheekSquint": 0.2, "browDown": 0.25, "eyeBlink": 0.25},
        "tongueOut": {"jawOpen": 0.3, "mouthLowerDown": 0.15},
    }
)  # fmt: skip
"""Weight of the column's shape that comes along with a full weight of the row's."""

ANTAGONISTS = _matrix(
    {
        "jawOpen": {"mouthShrugLower": 0.7, "mouthPress": 0.8, "mouthRollLower": 0.4, "mouthRollUpper": 0.3,
                    "mouthDimple": 0.4, "noseSneer": 0.3, "browDown": 0.3, "cheekPuff": 0.8},
        "mouthLowerDown": {"mouthShrugLower": 0.8, "mouthPress": 0.7, "mouthRollLower": 0.6, "mouthPucker": 0.5,
                           "mouthFrown": 0.4, "cheekPuff": 0.5},
        "mouthUpperUp": {"mouthRollUpper": 0.7, "mouthFrown": 0.5, "mouthClose": 0.5, "mouthPucker": 0.3},
        "mouthSmile": {"mouthFunnel": 0.6, "mouthPucker": 0.7, "mouthFrown": 0.8},
        "mouthFunnel": {"mouthSmile": 0.3, "mouthDimple": 0.5, "mouthRollUpper": 0.5},
        "mouthPucker": {"mouthLowerDown": 0.6, "mouthSmile": 0.5, "mouthStretch": 0.5, "mouthDimple": 0.5},
        "mouthPress": {"mouthLowerDown": 0.6, "mouthUpperUp": 0.4, "mouthStretch": 0.4, "mouthFunnel": 0.4},
        "mouthRollUpper": {"mouthUpperUp": 0.6, "mouthShrugLower": 0.5, "mouthPress": 0.4},
        "mouthRollLower": {"mouthLowerDown": 0.6},
        "mouthShrugLower": {"mouthLowerDown": 0.6, "mouthStretch": 0.4, "mouthClose": 0.4},
        "mouthFrown": {"mouthSmile": 0.6, "mouthShrugUpper": 0.5, "noseSneer": 0.5, "mouthUpperUp": 0.4},
        "browDown": {"browInnerUp": 0.6, "browOuterUp": 0.7, "eyeWide": 0.6, "mouthStretch": 0.3, "jawOpen": 0.2},
        "browOuterUp": {"browDown": 0.5, "noseSneer": 0.4, "eyeSquint": 0.4},
        "noseSneer": {"browInnerUp": 0.4, "browOuterUp": 0.4},
        "eyeSquint": {"eyeWide": 0.8, "jawOpen": 0.15, "mouthLowerDown": 0.2},
    }
)  # fmt: skip
"""Share by which a full weight of the row's shape holds the column's down: lips cannot press while they part."""

TONUS = weights_of(
    {
        "mouthFunnel": 0.1, "mouthStretch": 0.12, "mouthShrugUpper": 0.1, "browInnerUp": 0.05, "noseSneer": 0.05,
        "mouthLowerDown": 0.04, "mouthUpperUp": 0.03, "jawForward": 0.04, "mouthPucker": 0.03, "mouthShrugLower": 0.04,
        "mouthDimple": 0.03, "mouthRollLower": 0.02, "mouthRollUpper": 0.02, "mouthPress": 0.02, "eyeSquint": 0.03,
        "cheekSquint": 0.02, "jawOpen": 0.02, "mouthLeft": 0.02, "mouthRight": 0.01, "cheekPuff": 0.01,
    }
)  # fmt: skip
"""Typical weights (52,) of a face at rest in recorded takes, their 10th percentile: the tracker's idea of neutral is
not the person's."""

_SIDEWAYS = ((arkit.INDEX["jawLeft"], arkit.INDEX["jawRight"]), (arkit.INDEX["mouthLeft"], arkit.INDEX["mouthRight"]))


def couple(weights: Floats, companions: Floats, antagonists: Floats) -> Floats:
    """What a face makes of intended `weights` (T, 52): companions join, antagonists hold each other down.

    Jaw and mouth are on one side of the middle at a time, whatever the matrices say.
    """
    joined = 1.0 - (1.0 - weights) * (1.0 - np.clip(weights @ companions, 0.0, 1.0))
    coupled = joined * (1.0 - np.clip(weights @ antagonists, 0.0, 0.95))
    for left, right in _SIDEWAYS:
        offset = coupled[:, left] - coupled[:, right]
        coupled[:, left], coupled[:, right] = np.maximum(offset, 0.0), np.maximum(-offset, 0.0)
    return np.asarray(coupled)

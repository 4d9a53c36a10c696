"""Facial expressions by name, as ARKit weights: what a script is written with.

Action units (AU) in the comments; amounts set by eye. A name without `Left` or `Right` that exists only as a pair means
both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from imu_sim.motion import Floats
from imu_sim.performance.action_units import EMOTIONS, action_units, weights_of

POSES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        # joy
        "smile": {"mouthSmile": 0.75, "cheekSquint": 0.45, "eyeSquint": 0.3, "mouthDimple": 0.12},  # AU 6+12
        "polite_smile": {"mouthSmile": 0.42, "mouthPress": 0.15, "mouthDimple": 0.1},  # AU 12
        "grin": {
            "mouthSmile": 0.9, "cheekSquint": 0.65, "eyeSquint": 0.45, "mouthUpperUp": 0.35, "mouthLowerDown": 0.3,
            "jawOpen": 0.1, "noseSneer": 0.08,
        },  # AU 6+12+25
        "laugh": {
            "mouthSmile": 0.95, "cheekSquint": 0.8, "eyeSquint": 0.6, "jawOpen": 0.42, "mouthUpperUp": 0.4,
            "mouthLowerDown": 0.35, "noseSneer": 0.15, "browInnerUp": 0.1,
        },  # AU 6+12+26
        # surprise and fear
        "surprise": {
            "browInnerUp": 0.85, "browOuterUp": 0.8, "eyeWide": 0.65, "jawOpen": 0.45, "mouthFunnel": 0.18,
        },  # AU 1+2+5+26
        "brow_raise": {"browInnerUp": 0.7, "browOuterUp": 0.75, "eyeWide": 0.2},  # AU 1+2
        "fear": {
            "browInnerUp": 0.8, "browDown": 0.25, "eyeWide": 0.7, "mouthStretch": 0.6, "jawOpen": 0.2,
            "mouthLowerDown": 0.25,
        },  # AU 1+2+4+5+20+25
        # sadness and doubt
        "sad": {"browInnerUp": 0.6, "mouthFrown": 0.6, "mouthShrugLower": 0.3, "eyeSquint": 0.15},  # AU 1+15+17
        "frown": {"mouthFrown": 0.75, "mouthShrugLower": 0.35, "browDown": 0.25},  # AU 4+15+17
        "doubt": {
            "mouthShrugLower": 0.6, "mouthShrugUpper": 0.45, "mouthFrown": 0.3, "browInnerUp": 0.3, "browOuterUp": 0.3,
        },  # AU 17, the "facial shrug"
        # anger and disgust
        "anger": {
            "browDown": 0.85, "noseSneer": 0.35, "eyeSquint": 0.35, "mouthPress": 0.5, "mouthFrown": 0.25,
            "jawForward": 0.2,
        },  # AU 4+7+23
        "snarl": {
            "browDown": 0.75, "noseSneer": 0.75, "mouthUpperUp": 0.55, "mouthLowerDown": 0.4, "jawOpen": 0.12,
            "eyeSquint": 0.35,
        },  # AU 4+9+10+25
        "disgust": {
            "noseSneer": 0.8, "mouthUpperUp": 0.45, "browDown": 0.5, "cheekSquint": 0.35, "eyeSquint": 0.35,
            "mouthFrown": 0.3,
        },  # AU 9+10
        "contempt_left": {"mouthSmileLeft": 0.4, "mouthDimpleLeft": 0.5, "cheekSquintLeft": 0.15},  # AU L14
        # one-sided
        "smirk_left": {"mouthSmileLeft": 0.75, "cheekSquintLeft": 0.4, "mouthLeft": 0.15, "eyeSquintLeft": 0.2},
        "smirk_right": {"mouthSmileRight": 0.75, "cheekSquintRight": 0.4, "mouthRight": 0.15, "eyeSquintRight": 0.2},
        "wink_left": {"eyeBlinkLeft": 1.0, "cheekSquintLeft": 0.6, "mouthSmileLeft": 0.35, "browDownLeft": 0.2},
        "wink_right": {"eyeBlinkRight": 1.0, "cheekSquintRight": 0.6, "mouthSmileRight": 0.35, "browDownRight": 0.2},
        "sceptic_left": {"browOuterUpLeft": 0.85, "browInnerUp": 0.25, "browDownRight": 0.5, "mouthPress": 0.2},
        "sceptic_right": {"browOuterUpRight": 0.85, "browInnerUp": 0.25, "browDownLeft": 0.5, "mouthPress": 0.2},
        "sneer_left": {"noseSneerLeft": 0.7, "mouthUpperUpLeft": 0.6, "cheekSquintLeft": 0.2},
        "sneer_right": {"noseSneerRight": 0.7, "mouthUpperUpRight": 0.6, "cheekSquintRight": 0.2},
        # mouth
        "pucker": {"mouthPucker": 0.95, "mouthFunnel": 0.15},  # AU 18
        "funnel": {"mouthFunnel": 0.8, "jawOpen": 0.2},  # AU 22
        "cheek_puff": {"cheekPuff": 0.9, "mouthPress": 0.3, "mouthPucker": 0.15},  # AD 34
        "mouth_left": {"mouthLeft": 0.8, "mouthDimpleLeft": 0.15},
        "mouth_right": {"mouthRight": 0.8, "mouthDimpleRight": 0.15},
        "jaw_left": {"jawLeft": 0.75, "jawOpen": 0.12},  # AD 30
        "jaw_right": {"jawRight": 0.75, "jawOpen": 0.12},
        "jaw_forward": {"jawForward": 0.8, "jawOpen": 0.05},  # AD 29
        "mouth_open": {"jawOpen": 0.7},  # AU 27
        "yawn": {"jawOpen": 0.9, "eyeSquint": 0.4, "eyeBlink": 0.75, "browInnerUp": 0.35, "browDown": 0.25},
        "lips_in": {"mouthRollUpper": 0.7, "mouthRollLower": 0.7, "mouthPress": 0.3},  # AU 28
        "lips_pressed": {"mouthPress": 0.8, "mouthRollLower": 0.25, "mouthDimple": 0.2},  # AU 24
        "chin_raise": {"mouthShrugLower": 0.8, "mouthShrugUpper": 0.7},  # AU 17
        "chew": {"jawOpen": 0.6, "mouthClose": 0.58, "cheekSquint": 0.1},  # AU 26 with lips together
        "stretch": {"mouthStretch": 0.8, "mouthLowerDown": 0.3},  # AU 20
        "teeth": {"mouthUpperUp": 0.7, "mouthLowerDown": 0.65, "mouthStretch": 0.3},  # AU 10+16+25
        "tongue": {"tongueOut": 0.9, "jawOpen": 0.4, "mouthLowerDown": 0.15},  # AD 19
        # eyes
        "eyes_wide": {"eyeWide": 0.85, "browInnerUp": 0.25, "browOuterUp": 0.25},  # AU 5
        "squint": {"eyeSquint": 0.8, "cheekSquint": 0.45, "browDown": 0.3},  # AU 6+7
        "eyes_shut": {"eyeBlink": 1.0, "cheekSquint": 0.2},  # AU 43
    }
)  # fmt: skip
"""Expression name to weights."""

POSE_WEIGHTS: Mapping[str, Floats] = MappingProxyType({name: weights_of(pose) for name, pose in POSES.items()})
"""Expression name to weight vector (52,)."""

EMOTION_WEIGHTS: Mapping[str, tuple[Floats, ...]] = MappingProxyType(
    {name: tuple(action_units(variant) for variant in variants) for name, variants in EMOTIONS.items()}
)
"""Emotion to the weight vectors (52,) of its variants."""

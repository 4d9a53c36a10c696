"""The script of the built-in performance: what newcomers see. Edit it like a screenplay; times are in seconds."""

from __future__ import annotations

from imu_sim.head_motion import HeadGesture as Head
from imu_sim.performance.expression import Expression as Face
from imu_sim.performance.perform import Script
from imu_sim.performance.speech import say

DURATION_S = 84.0


def script() -> Script:
    """The performance, which begins with three seconds of rest, so that the subject's neutral can be learnt, and loops.

    Raises:
        MotionError: the dictionary that spells its sentences is missing.
    """
    return Script(
        duration_s=DURATION_S,
        still_s=3.0,
        expressions=(
            # Hello: the face wakes up.
            Face(3.6, "brow_raise", 0.6, onset_s=0.25, apex_s=0.25, offset_s=0.45),
            Face(4.1, "smile", 0.95, onset_s=0.5, apex_s=1.7, offset_s=0.9),
            Face(7.4, "polite_smile", 0.6, onset_s=0.4, apex_s=2.6, offset_s=0.7),
            # One feeling after the other, each with room to be seen.
            Face(12.9, "surprise", 1.0, onset_s=0.22, apex_s=1.1, offset_s=0.6),
            Face(15.6, "frown", 1.0, onset_s=0.5, apex_s=1.2, offset_s=0.6),
            Face(18.4, "anger", 1.0, onset_s=0.4, apex_s=1.2, offset_s=0.6),
            Face(21.0, "disgust", 1.0, onset_s=0.4, apex_s=1.0, offset_s=0.6),
            Face(23.6, "laugh", 0.9, onset_s=0.35, apex_s=1.6, offset_s=0.8),
            Face(26.3, "polite_smile", 0.6, onset_s=0.3, apex_s=0.6, offset_s=0.8),
            # Brows play while the second sentence is said.
            Face(29.6, "brow_raise", 0.55, onset_s=0.2, apex_s=0.5, offset_s=0.4),
            Face(32.2, {"browDown": 0.4, "eyeSquint": 0.2}, 1.0, onset_s=0.3, apex_s=0.8, offset_s=0.5),
            # One side at a time.
            Face(36.2, "smirk_left", 1.0, onset_s=0.35, apex_s=0.8, offset_s=0.45),
            Face(38.2, "smirk_right", 1.0, onset_s=0.35, apex_s=0.8, offset_s=0.45),
            Face(40.2, "sceptic_left", 1.0, onset_s=0.35, apex_s=1.1, offset_s=0.5),
            Face(42.6, "wink_left", 1.0, onset_s=0.16, apex_s=0.25, offset_s=0.3),
            Face(43.9, "wink_right", 1.0, onset_s=0.16, apex_s=0.25, offset_s=0.3),
            Face(45.2, "sneer_right", 0.9, onset_s=0.35, apex_s=0.7, offset_s=0.5),
            # What a mouth can do.
            Face(47.4, "pucker", 1.0, onset_s=0.35, apex_s=0.8, offset_s=0.4),
            Face(49.2, "cheek_puff", 1.0, onset_s=0.45, apex_s=1.1, offset_s=0.35),
            Face(51.4, "mouth_left", 1.0, onset_s=0.35, apex_s=0.5, offset_s=0.4),
            Face(52.6, "mouth_right", 1.0, onset_s=0.35, apex_s=0.5, offset_s=0.4),
            Face(54.2, "mouth_open", 1.0, onset_s=0.45, apex_s=0.8, offset_s=0.5),
            Face(56.2, "jaw_left", 1.0, onset_s=0.35, apex_s=0.5, offset_s=0.35),
            Face(57.3, "jaw_right", 1.0, onset_s=0.35, apex_s=0.5, offset_s=0.4),
            Face(58.9, "lips_in", 1.0, onset_s=0.3, apex_s=0.6, offset_s=0.35),
            Face(60.3, "tongue", 1.0, onset_s=0.25, apex_s=0.6, offset_s=0.3),
            Face(61.3, "grin", 0.8, onset_s=0.3, apex_s=0.7, offset_s=0.6),
            # A last talk, with feeling.
            Face(64.4, {"browInnerUp": 0.45, "browOuterUp": 0.25}, 1.0, onset_s=0.3, apex_s=1.6, offset_s=0.6),
            Face(68.4, "sad", 0.9, onset_s=0.6, apex_s=1.4, offset_s=0.8),
            Face(71.8, "doubt", 0.9, onset_s=0.35, apex_s=0.8, offset_s=0.5),
            Face(76.4, "smile", 1.0, onset_s=0.6, apex_s=2.6, offset_s=1.2),
        ),
        speech=(
            say(6.6, "Hello. My face has no camera, only twelve small sensors."),
            say(28.8, "Every muscle that moves, moves one of them."),
            say(32.6, "So you can see me talk, and laugh, in the dark."),
            say(63.6, "Do you believe it? Watch the lips, the brows, the cheeks."),
            say(72.9, "Perhaps. Now put them on, and try it."),
        ),
        head=(
            Head(4.0, "nod", 6.0, duration_s=1.1, cycles=1.5),
            Head(8.2, "turn", 9.0, duration_s=2.2),
            Head(10.0, "tilt", 5.0, duration_s=1.8),
            Head(12.9, "back", 12.0, duration_s=1.8),
            Head(15.7, "look_down", 7.0, duration_s=2.2),
            Head(18.5, "forward", 14.0, duration_s=2.0),
            Head(21.0, "turn", -14.0, duration_s=2.0),
            Head(23.7, "look_up", 8.0, duration_s=1.8),
            Head(24.2, "nod", 3.0, duration_s=1.6, cycles=4.0),
            Head(29.4, "nod", 5.0, duration_s=0.9, cycles=1.5),
            Head(31.0, "turn", 12.0, duration_s=2.0),
            Head(33.4, "turn", -10.0, duration_s=1.8),
            Head(34.6, "nod", 5.0, duration_s=0.8, cycles=1.0),
            Head(36.2, "tilt", 8.0, duration_s=1.6),
            Head(38.2, "tilt", -8.0, duration_s=1.6),
            Head(40.3, "turn", -8.0, duration_s=1.9),
            Head(47.4, "forward", 10.0, duration_s=1.6),
            Head(54.2, "look_up", 5.0, duration_s=1.8),
            Head(61.2, "shake", 7.0, duration_s=1.7, cycles=3.0),
            Head(65.2, "turn", 15.0, duration_s=1.6),
            Head(66.8, "turn", -15.0, duration_s=1.6),
            Head(68.6, "look_down", 10.0, duration_s=2.8),
            Head(71.9, "tilt", 7.0, duration_s=1.7),
            Head(73.6, "nod", 8.0, duration_s=1.8, cycles=2.5),
            Head(77.2, "tilt", -6.0, duration_s=2.6),
            Head(79.4, "nod", 5.0, duration_s=1.0, cycles=1.5),
        ),
        blink_interval_s=3.8,
    )

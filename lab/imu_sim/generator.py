"""Random performances for training, and spoken texts: endless facial motion with a head."""

from __future__ import annotations

import numpy as np

from imu_sim.head_motion import random_gestures
from imu_sim.motion import FaceMotion
from imu_sim.performance.perform import Script, perform
from imu_sim.performance.scenes import Draft, draft_scenes
from imu_sim.performance.speech import say
from imu_sim.performance.style import draw_style


def generate(seed: int, duration_s: float) -> FaceMotion:
    """A random person's random performance of `duration_s` seconds; it loops; same seed, same motion.

    It begins with up to 3 s of still, relaxed neutral, from which the subject's neutral can be learnt. Then the face
    poses, feels, talks, chews, idles and is held, the head turns, nods, walks or keeps still, as this person does.
    """
    rng = np.random.default_rng(seed)
    style = draw_style(rng)
    still_s = float(min(rng.uniform(1.0, 3.0), 0.2 * duration_s))
    draft = Draft(style, rng, end_s=duration_s - 0.5)
    draft_scenes(draft, still_s + 0.3)
    script = Script(
        duration_s=duration_s,
        still_s=still_s,
        expressions=tuple(draft.expressions),
        speech=tuple(draft.speech),
        chewing=tuple(draft.chewing),
        head=tuple(draft.head),
        walks=tuple(draft.walks),
        blink_interval_s=style.blink_interval_s,
    )
    return perform(script, rng, f"generated_{seed}", f"generated_{seed}", style)


SPEECH_REST_S = 3.0
"""Still, relaxed neutral before a spoken text, s."""


def from_text(text: str, seed: int = 0) -> FaceMotion:
    """Somebody who says an English text, with the head, brows and eyes of a talking person; it loops.

    Begins with `SPEECH_REST_S` of still, relaxed neutral.

    Raises:
        MotionError: nothing in the text can be said.
    """
    rng = np.random.default_rng(seed)
    sentence = say(SPEECH_REST_S + 0.8, text, pace=float(rng.uniform(0.9, 1.1)))
    duration_s = sentence.end_s + 1.8
    gestures = random_gestures(SPEECH_REST_S, duration_s, rng)
    script = Script(duration_s, SPEECH_REST_S, speech=(sentence,), head=gestures)
    return perform(script, rng, "speech", "speaker")

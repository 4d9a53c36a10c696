"""What generated people do: scenes of a few seconds each, drawn at random and written into one script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from imu_sim.head_motion import HeadGesture, Walk, random_gestures
from imu_sim.performance import random_poses
from imu_sim.performance.expression import Expression, felt, micro, posed
from imu_sim.performance.mouth_actions import ACTIONS, Chewing
from imu_sim.performance.speech import Speech
from imu_sim.performance.style import Style
from imu_sim.performance.texts import random_syllables, random_text_phonemes


@dataclass
class Draft:
    """A script in the making.

    Attributes:
        style: of the person.
        rng: of everything that is drawn.
        end_s: when everything must be over, s.
        expressions, speech, chewing, head, walks: as in `perform.Script`.
    """

    style: Style
    rng: np.random.Generator
    end_s: float
    expressions: list[Expression] = field(default_factory=list)
    speech: list[Speech] = field(default_factory=list)
    chewing: list[Chewing] = field(default_factory=list)
    head: list[HeadGesture] = field(default_factory=list)
    walks: list[Walk] = field(default_factory=list)

    def amount(self, low: float, high: float) -> float:
        """How strongly this person does something between `low` and `high`."""
        return float(self.rng.uniform(low, high)) * self.style.intensity

    def act(self, name: str, now: float) -> float:
        """Add an action of the mouth; returns its end, s."""
        expressions = ACTIONS[name](now)
        self.expressions += expressions
        return max(e.end_s for e in expressions)

    def sentence(self, now: float) -> Speech:
        """Add a sentence, of words or of random syllables."""
        words = self.rng.random() < 0.7
        phonemes = (
            random_text_phonemes(self.rng) if words else random_syllables(int(self.rng.integers(3, 18)), self.rng)
        )
        loudness = self.style.loudness * float(self.rng.uniform(0.8, 1.2))
        speech = Speech(now, phonemes, loudness, self.style.speech_pace * float(self.rng.uniform(0.9, 1.1)))
        if speech.end_s < self.end_s:
            self.speech.append(speech)
        return speech


def rehearsal(draft: Draft, start_s: float, end_s: float) -> float:
    """Poses on demand, one after the other: what a range-of-motion recording holds. Many of them isolated or held."""
    rng, now = draft.rng, start_s
    while now < end_s:
        if rng.random() < 0.12:
            now = _again_and_again(draft, now)
            continue
        # One in six is held, up to ten seconds: held poses that are missing in training read too low.
        apex_s = float(rng.uniform(3.0, 10.0)) if rng.random() < 0.17 else float(rng.uniform(0.05, 1.8))
        pose = random_poses.draw(rng)
        item = posed(now, pose, draft.amount(0.45, 1.1), min(apex_s, draft.end_s - now), draft.style.pace, rng)
        draft.expressions.append(item)
        # Often the next one begins before this one has gone.
        now = max(now + 0.3, item.end_s - float(rng.uniform(-0.4, 0.8)))
    return now


def _again_and_again(draft: Draft, now: float) -> float:
    """A pose two to five times in quick succession, as when trying what a muscle can do; returns the end, s."""
    pose, amount = random_poses.draw(draft.rng), draft.amount(0.4, 1.0)
    for _ in range(int(draft.rng.integers(2, 6))):
        item = posed(now, pose, amount * float(draft.rng.uniform(0.6, 1.0)), 0.02, 1.4 * draft.style.pace, draft.rng)
        draft.expressions.append(item)
        now = item.end_s - 0.3 * item.offset_s
    return now


def holding(draft: Draft, start_s: float, end_s: float) -> float:
    """Single expressions, each held for seconds between rests: without them a model reads what is held too low."""
    rng, now = draft.rng, start_s
    while now < end_s:
        # One in four is held up to twenty seconds.
        apex_s = float(rng.uniform(8.0, 20.0)) if rng.random() < 0.25 else float(rng.uniform(2.0, 7.0))
        apex_s = min(apex_s, max(0.0, draft.end_s - now - 1.0))
        item = posed(now, random_poses.single(rng), draft.amount(0.75, 1.15), apex_s, draft.style.pace, rng)
        draft.expressions.append(item)
        now = item.end_s + float(rng.uniform(0.2, 1.2))
    return now


def feelings(draft: Draft, start_s: float, end_s: float) -> float:
    """Felt emotions, with a movement of the head now and then."""
    rng, now = draft.rng, start_s
    while now < end_s:
        pose = random_poses.emotion(rng)
        item = felt(now, pose, draft.amount(0.4, 1.1), float(rng.lognormal(0.2, 0.6)), draft.style.pace, rng)
        draft.expressions.append(item)
        if rng.random() < 0.35:
            kind = str(rng.choice(["back", "forward", "look_down", "look_up", "tilt", "turn", "shake"]))
            draft.head.append(HeadGesture(now, kind, float(rng.uniform(3.0, 14.0)), item.end_s - now, 3.0))
        now = item.end_s - float(rng.uniform(-0.5, 0.6))
    return now


def conversation(draft: Draft, start_s: float, end_s: float) -> float:
    """Turns of talking with a feeling in the face, and of listening with nods, smiles and raised brows."""
    rng, now = draft.rng, start_s
    while now < end_s:
        if rng.random() < 0.65:
            sentence = draft.sentence(now)
            if rng.random() < 0.5:
                mood = felt(
                    now, random_poses.emotion(rng), draft.amount(0.15, 0.6), sentence.duration_s, draft.style.pace, rng
                )
                draft.expressions.append(mood)
            now = sentence.end_s + float(rng.exponential(0.4))
            continue
        listens_s = float(rng.uniform(1.0, 4.0))
        if rng.random() < 0.5:
            draft.head.append(HeadGesture(now, "nod", float(rng.uniform(3.0, 9.0)), 1.3, float(rng.integers(1, 4))))
        pose = str(rng.choice(["polite_smile", "smile", "brow_raise", "doubt", "squint", "lips_pressed", "frown"]))
        draft.expressions.append(felt(now, pose, draft.amount(0.3, 0.8), listens_s * 0.5, draft.style.pace, rng))
        if rng.random() < 0.4:
            draft.expressions.append(micro(now + float(rng.uniform(0.0, listens_s)), random_poses.emotion(rng), rng))
        now += listens_s
    return now


def meal(draft: Draft, start_s: float, end_s: float) -> float:
    """Bites, chewed with sealed lips on either side, swallowed, now and then licked off."""
    rng, now = draft.rng, start_s
    rate_hz = float(rng.uniform(1.05, 1.9))
    while now < end_s:
        # A bite: the mouth opens for it.
        draft.expressions.append(Expression(now, {"jawOpen": 0.5, "mouthLowerDown": 0.15}, 1.0, 0.3, 0.1, 0.3))
        lasts_s = float(rng.uniform(2.0, 6.0))
        side = int(rng.choice([-1, 1]))
        draft.chewing.append(Chewing(now + 0.6, lasts_s, rate_hz, side, float(rng.uniform(0.6, 1.6))))
        now = draft.act("swallow", now + 0.6 + lasts_s)
        if rng.random() < 0.3:
            now = draft.act("lick_lips", now)
        now += float(rng.uniform(0.2, 1.0))
    return now


def idling(draft: Draft, start_s: float, end_s: float) -> float:
    """Silence: nothing but blinks and muscle play, small habits of the mouth, micro-expressions, a rare yawn."""
    rng, now = draft.rng, start_s
    names = list(ACTIONS)
    while now < end_s:
        now += float(rng.exponential(2.0))
        if rng.random() < 0.25:
            draft.expressions.append(micro(now, random_poses.emotion(rng), rng))
            continue
        now = draft.act(str(rng.choice(names, p=[0.2, 0.17, 0.25, 0.1, 0.05, 0.1, 0.03, 0.1])), now)
    return now


SCENES: Mapping[Callable[[Draft, float, float], float], float] = MappingProxyType(
    {rehearsal: 0.29, holding: 0.28, feelings: 0.13, conversation: 0.2, meal: 0.05, idling: 0.05}
)
"""Scene to its share of time over many people."""


def draft_scenes(draft: Draft, start_s: float) -> None:
    """Fill a draft from `start_s` to its end: this person's favourite scenes, head gestures, perhaps a walk."""
    rng = draft.rng
    shares = rng.dirichlet(6.0 * np.array(list(SCENES.values())))
    scenes, now = list(SCENES), start_s
    while now < draft.end_s - 1.0:
        scene = scenes[int(rng.choice(len(scenes), p=shares))]
        now = scene(draft, now, min(now + float(rng.uniform(4.0, 15.0)), draft.end_s - 1.0))
        if rng.random() < 0.3:
            now += float(rng.uniform(0.5, 3.0))
    draft.head += random_gestures(start_s, draft.end_s, rng, draft.style.gesture_every_s)
    if rng.random() < 0.2 and draft.end_s - start_s > 12.0:
        _walk(draft, start_s)


def _walk(draft: Draft, start_s: float) -> None:
    rng = draft.rng
    lasts_s = float(rng.uniform(0.3, 0.9)) * (draft.end_s - start_s)
    begins_s = float(rng.uniform(start_s, draft.end_s - lasts_s))
    step_hz = float(rng.uniform(1.6, 2.2))
    # Faster walking bounces more (Hirasaki et al. 1999); the slope is a guess.
    bounce_m = float(rng.uniform(0.8, 1.2)) * (0.014 + 0.018 * (step_hz - 1.6))
    # At most 45 degrees a second, and back again.
    turn_rad = float(rng.uniform(-1.0, 1.0)) * min(np.pi, 0.25 * lasts_s)
    draft.walks.append(Walk(begins_s, lasts_s, step_hz, bounce_m, turn_rad))

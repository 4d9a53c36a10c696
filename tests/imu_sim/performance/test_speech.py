from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from face_model import arkit
from imu_sim.errors import MotionError
from imu_sim.performance.canvas import RATE_HZ, Canvas
from imu_sim.performance.sounds import INHERENT_MS, SOUNDS
from imu_sim.performance.speech import Speech, mouth, say, speak, voice
from imu_sim.performance.texts import SENTENCES, random_syllables, random_text_phonemes

TIMES = np.arange(0.0, 3.0, 1 / 200)


def shape(weights: np.ndarray, name: str) -> np.ndarray:
    return np.asarray(weights[:, arkit.INDEX[name]])


def peaks(values: np.ndarray, least: float) -> np.ndarray:
    inner = values[1:-1]
    return np.flatnonzero((inner > values[:-2]) & (inner >= values[2:]) & (inner > least)) + 1


def test_lips_meet_in_mama_and_round_in_you() -> None:
    mama, seal = mouth(Speech(0.0, "M AA1 M AA1"), TIMES)
    jaw, press = shape(mama, "jawOpen"), shape(mama, "mouthPressLeft")
    closings = peaks(press, 0.15)
    assert len(closings) == 2
    assert np.all(jaw[closings] < 0.15)
    assert np.all(seal[closings] > 0.8)
    assert jaw.max() > 0.3
    you, seal = mouth(Speech(0.0, "Y UW1"), TIMES)
    assert shape(you, "mouthPucker").max() > 0.45
    assert seal.max() < 0.1
    assert np.abs(np.diff(mama, axis=0)).max() < 0.06  # smooth at 200 Hz


@pytest.mark.parametrize("loudness", [0.5, 1.0, 1.8])
def test_lips_meet_however_loud_the_speech(loudness: float) -> None:
    weights, seal = mouth(say(0.0, "Mama, may I?", loudness), TIMES)
    met = seal > 0.95
    assert met.any()
    assert shape(weights, "mouthLowerDownLeft")[met].max() < 0.06
    assert shape(weights, "jawOpen")[met].max() < 0.2


def test_rounding_comes_before_the_rounded_vowel() -> None:
    """Coarticulation: the S of "soon" is said with rounder lips than that of "seen"."""
    pucker = {}
    for vowel in ("UW1", "IY1"):
        speech = Speech(0.0, f"S {vowel} N")
        middle = 1e-3 * (0.5 * sum(INHERENT_MS["_"]) + 0.4 * sum(INHERENT_MS["S"]))
        weights, _ = mouth(speech, TIMES)
        pucker[vowel] = np.interp(middle, TIMES, shape(weights, "mouthPucker"))
    assert pucker["UW1"] > pucker["IY1"] + 0.05


def test_stress_pauses_and_pace_make_sounds_longer_or_shorter() -> None:
    assert Speech(0.0, "B AA1").duration_s > Speech(0.0, "B AA").duration_s
    assert Speech(0.0, "B AA", pace=2.0).duration_s == pytest.approx(0.5 * Speech(0.0, "B AA").duration_s)
    final, inner = Speech(0.0, "B AA B"), Speech(0.0, "B AA B IY")
    alone = Speech(0.0, "B IY").duration_s - Speech(0.0, "B").duration_s
    assert final.duration_s > inner.duration_s - alone + 0.02
    words = 60.0 * 8 / say(0.0, "The boy found a small coin under it").duration_s
    assert 110.0 <= words <= 260.0  # a minute, as people speak


def test_speech_pushes_a_wide_open_feeling_aside() -> None:
    canvas = Canvas(np.arange(0.0, 3.0, 1.0 / RATE_HZ))
    feeling = np.zeros((len(canvas.times), arkit.COUNT))
    feeling[:, arkit.INDEX["jawOpen"]] = 0.6
    feeling[:, arkit.INDEX["mouthSmileLeft"]] = 0.6
    speech = Speech(0.5, "AA M AA M AA")
    speak(speech, canvas, feeling)
    assert shape(feeling, "jawOpen").min() < 0.15
    np.testing.assert_allclose(shape(feeling, "mouthSmileLeft"), 0.6)
    outside = (canvas.times < 0.5) | (canvas.times > speech.end_s)
    np.testing.assert_allclose(shape(feeling, "jawOpen")[outside], 0.6)
    assert not canvas.weights[outside].any()


def test_voice_is_on_while_somebody_talks() -> None:
    talking = voice((Speech(1.0, "AA AA AA AA AA"),), TIMES)
    assert talking[(TIMES > 1.3) & (TIMES < 1.5)].min() > 0.9
    assert not talking[TIMES < 0.8].any()


def test_sentences_hold_every_sound_of_english() -> None:
    rng = np.random.default_rng(0)
    said = [say(0.0, text).phonemes for text in SENTENCES]
    known = {name for name in INHERENT_MS if name != "_"}
    assert {s.rstrip("012") for text in said for s in text.split()} >= known
    # Random words and syllables bring transitions: nearly all pairs of mouth shapes occur in an hour of talk.
    texts = [random_text_phonemes(rng) for _ in range(400)] + [random_syllables(12, rng) for _ in range(400)]
    seen = Counter(
        pair for text in texts for pair in itertools.pairwise(id(SOUNDS.get(s.rstrip("012"))) for s in text.split())
    )
    shapes = len({id(sound) for sound in SOUNDS.values()})
    assert len(seen) > 0.9 * shapes * shapes


def test_unknown_phonemes_are_refused() -> None:
    with pytest.raises(MotionError, match="QQ"):
        mouth(Speech(0.0, "AA QQ"), np.arange(3.0))

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imu_sim.errors import MotionError
from imu_sim.performance.sounds import INHERENT_MS
from imu_sim.performance.spelling import VOWELS, phonemes_of, word_phonemes
from imu_sim.performance.spelling_rules import EXCEPTIONS

# As dictionaries have them; none is in the list of exceptions.
KNOWN = {
    "cat": "K AE T", "ship": "SH IH P", "cheese": "CH IY Z", "black": "B L AE K", "night": "N AY T",
    "make": "M EY K", "these": "DH IY Z", "home": "HH OW M", "rain": "R EY N", "moon": "M UW N",
    "boat": "B OW T", "found": "F AW N D", "noise": "N OY Z", "quick": "K W IH K", "phone": "F OW N",
    "nation": "N EY SH AH N", "bridge": "B R IH JH", "catch": "K AE CH", "stopped": "S T AA P T",
    "played": "P L EY D", "wanted": "W AA N T IH D", "houses": "HH AW S IH Z", "dogs": "D AA G Z", "cats": "K AE T S",
    "knock": "N AA K", "write": "R AY T", "table": "T EY B AH L", "little": "L IH T AH L", "singing": "S IH NG IH NG",
    "finger": "F IH NG G ER", "picture": "P IH K CH ER", "thumb": "TH AH M", "happy": "HH AE P IY", "cry": "K R AY",
    "wallet": "W AA L AH T", "number": "N AH M B ER", "start": "S T AA R T", "first": "F ER S T", "yellow": "Y EH L OW",
}  # fmt: skip


def sounds(word: str) -> str:
    return " ".join(s.rstrip("012") for s in word_phonemes(word))


def test_letters_to_sounds_of_known_words() -> None:
    wrong = {word: sounds(word) for word, said in KNOWN.items() if sounds(word) != said}
    # Rules cannot know them all: 9 of 10 exactly right is what this list stands for.
    assert len(wrong) <= 0.1 * len(KNOWN), wrong


def test_exceptions_are_said_as_listed() -> None:
    assert sounds("one") == "W AH N"
    assert sounds("enough") == "IH N AH F"
    entries = [entry.split() for line in EXCEPTIONS.strip().splitlines() for entry in line.split(";")]
    assert len(entries) == len({word for word, *_ in entries}) > 150
    for word, *said in entries:
        assert all(s.rstrip("012") in INHERENT_MS for s in said), word
        assert any(s.rstrip("012") in VOWELS for s in said), word


def test_text_with_punctuation_digits_and_accents() -> None:
    assert phonemes_of("Yes, no.") == "Y EH1 S _ N OW1"
    assert phonemes_of("Hello! You...") == "HH AH L OW1 _ _ Y UW"
    assert phonemes_of("2") == phonemes_of("two") == "T UW1"
    assert phonemes_of("café") == phonemes_of("cafe")
    assert phonemes_of("don’t") == phonemes_of("don't") == "D OW1 N T"
    assert phonemes_of("well-known").count("_") == 0


@pytest.mark.parametrize("text", ["", "   ", "...", "你好", "'"])
def test_what_cannot_be_said_is_refused(text: str) -> None:
    with pytest.raises(MotionError, match="expected English words"):
        phonemes_of(text)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=14))
def test_any_string_of_letters_gives_phonemes(word: str) -> None:
    said = word_phonemes(word)
    assert all(s.rstrip("012") in INHERENT_MS for s in said)
    assert sum(s.endswith("1") for s in said) <= 1
    assert len(said) <= 3 * len(word)


@given(st.text(max_size=60))
def test_any_text_is_said_or_refused(text: str) -> None:
    try:
        said = phonemes_of(text)
    except MotionError:
        return
    assert all(s.rstrip("012") in INHERENT_MS for s in said.split())
    assert said.strip("_ ")

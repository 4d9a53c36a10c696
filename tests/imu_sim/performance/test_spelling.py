from __future__ import annotations

import sqlite3
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imu_sim.errors import MotionError
from imu_sim.performance.sounds import INHERENT_MS
from imu_sim.performance.spelling import _dictionary, phonemes_of, word_phonemes

ROOT = Path(__file__).parents[3]


@pytest.fixture
def empty() -> Iterator[None]:
    """Without what has been read, before and after."""
    for cached in (_dictionary, word_phonemes):
        cached.cache_clear()
    yield
    for cached in (_dictionary, word_phonemes):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("word", "said"),
    {
        "hello": "HH EH L OW1", "robot": "R OW1 B AA T", "thought": "TH AO1 T", "through": "TH R UW1",
        "knight": "N AY1 T", "nation": "N EY1 SH AH N", "measure": "M EH1 ZH ER", "judge": "JH AH1 JH",
        "church": "CH ER1 CH", "singing": "S IH1 NG IH NG", "yacht": "Y AA1 T", "colonel": "K ER1 N AH L",
        "queue": "K Y UW1", "voyage": "V OY1 IH JH", "house": "HH AW1 S", "these": "DH IY1 Z", "woman": "W UH1 M AH N",
    }.items(),
)  # fmt: skip
def test_words_are_said_as_the_dictionary_has_them(word: str, said: str) -> None:
    assert " ".join(word_phonemes(word)) == said
    assert word_phonemes(word.upper()) == word_phonemes(word.capitalize()) == word_phonemes(word)


def test_all_sounds_of_the_dictionary_are_known_and_its_words_have_vowels() -> None:
    words = [word for word in _dictionary() if set(word) <= set(string.ascii_lowercase)]
    assert len(words) > 100_000
    for word in words:
        assert all(s.removesuffix("1") in INHERENT_MS for s in word_phonemes(word)), word


def test_function_words_have_no_stress() -> None:
    assert phonemes_of("I saw them at the house") == "AY S AO1 DH EH M AE T DH AH HH AW1 S"


@pytest.mark.parametrize(
    ("word", "said"),
    {
        "imusic": "IH M Y UW1 Z IH K", "livelink": "L IH1 V L IH NG K", "blendshape": "B L EH1 N D SH EY P",
        "jawOpen": "JH AO1 OW P AH N", "zoe's": "Z OW1 IY S", "wug": "W AH1 G", "onnx": "AA1 N K S", "shh": "SH HH",
    }.items(),
)  # fmt: skip
def test_unknown_words_are_said_in_known_parts_and_letters(word: str, said: str) -> None:
    assert word.lower() not in _dictionary()
    assert " ".join(word_phonemes(word)) == said


def test_unknown_words_in_capitals_are_spelled_out() -> None:
    assert word_phonemes("IMU") == ("AY1", "EH1", "M", "Y", "UW1")
    assert word_phonemes("USBA")[-1] == "EY1"  # not the article
    assert word_phonemes("HELLO") == word_phonemes("hello")


def test_text_with_punctuation_digits_and_accents() -> None:
    assert phonemes_of("Yes, no.") == "Y EH1 S _ N OW1"
    assert phonemes_of("Hello! You...") == "HH EH L OW1 _ _ Y UW"
    assert phonemes_of("2") == phonemes_of("two") == "T UW1"
    assert phonemes_of("42") == phonemes_of("four two")
    assert phonemes_of("café") == phonemes_of("cafe")
    assert phonemes_of("don’t") == phonemes_of("don't") == "D OW1 N T"
    assert phonemes_of("'Yes'") == phonemes_of("yes")
    assert phonemes_of("well-known").count("_") == 0
    assert phonemes_of("well \u2014 known").count("_") == 1
    assert phonemes_of("Yes 你好 no") == phonemes_of("yes no")


@pytest.mark.parametrize("text", ["", "   ", "...", "你好", "'", "' '"])
def test_what_cannot_be_said_is_refused(text: str) -> None:
    with pytest.raises(MotionError, match="expected English words"):
        phonemes_of(text)


@pytest.mark.parametrize("word", ["", "'", "caf\u00e9", "two words", "a1"])
def test_what_is_no_word_is_refused(word: str) -> None:
    with pytest.raises(MotionError, match="expected a word of English letters"):
        word_phonemes(word)


@given(st.text(alphabet=string.ascii_letters + "'", min_size=1, max_size=40))
def test_any_string_of_letters_gives_phonemes(word: str) -> None:
    if word.strip("'"):
        said = word_phonemes(word.strip("'"))
        assert said
        assert all(s.removesuffix("1") in INHERENT_MS for s in said)


@given(st.text(max_size=60))
@example("\u0130\u017f\u212a")  # letters whose lower case or plain form is another letter, or two
def test_any_text_is_said_or_refused(text: str) -> None:
    try:
        said = phonemes_of(text)
    except MotionError:
        return
    assert all(s.removesuffix("1") in INHERENT_MS for s in said.split())
    assert said.strip("_ ")


def test_nothing_is_read_before_a_text_is_said() -> None:
    code = "import sys, imu_sim.performance, imu_sim.performance.scenes; sys.exit('gruut_lang_en' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'lab'}"})


def test_a_missing_package_is_named(empty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gruut_lang_en", None)
    with pytest.raises(MotionError, match=r"expected the package gruut-lang-en .* pip install gruut-lang-en"):
        phonemes_of("hello")


def package(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setitem(sys.modules, "gruut_lang_en", SimpleNamespace(get_lang_dir=lambda: folder))


@pytest.mark.parametrize("content", [None, b"not a dictionary" * 99, b""])
def test_a_broken_dictionary_is_refused(
    empty: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "lexicon.db").write_bytes(content)
    package(monkeypatch, tmp_path)
    with pytest.raises(MotionError, match="expected the dictionary of gruut-lang-en"):
        phonemes_of("hello")


def test_a_dictionary_with_other_sounds_is_refused(
    empty: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "lexicon.db") as lexicon:
        lexicon.execute("CREATE TABLE word_phonemes (word TEXT, phonemes TEXT, pron_order INTEGER)")
        lexicon.execute("INSERT INTO word_phonemes VALUES ('hello', 'h ø l ˈoʊ', 0)")
    lexicon.close()
    package(monkeypatch, tmp_path)
    with pytest.raises(MotionError, match="expected the IPA of gruut-lang-en"):
        phonemes_of("hello")

"""English text to phonemes, by a dictionary: good enough for a mouth that is seen and not heard.

The dictionary is that of the package gruut-lang-en (MIT): the CMU Pronouncing Dictionary with corrections, 124 thousand
words and names in IPA with stress.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from contextlib import closing
from functools import lru_cache
from itertools import groupby

from imu_sim.errors import MotionError

VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")

_WORD = re.compile(r"[A-Za-z']+|[0-9]|[.,;:!?\u2026\u2014-]+")
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SHORT_PAUSE, _LONG_PAUSE = ("_",), ("_", "_")

_ARPABET = {
    "ɑ": "AA", "æ": "AE", "ə": "AH", "ʌ": "AH", "ɔ": "AO", "aʊ": "AW", "aɪ": "AY", "ɛ": "EH", "ɚ": "ER",
    "eɪ": "EY", "ɪ": "IH", "i": "IY", "oʊ": "OW", "ɔɪ": "OY", "ʊ": "UH", "u": "UW", "b": "B", "t͡ʃ": "CH",
    "d": "D", "ð": "DH", "f": "F", "ɡ": "G", "h": "HH", "d͡ʒ": "JH", "k": "K", "l": "L", "m": "M", "n": "N",
    "ŋ": "NG", "p": "P", "ɹ": "R", "s": "S", "ʃ": "SH", "t": "T", "θ": "TH", "v": "V", "w": "W", "j": "Y",
    "z": "Z", "ʒ": "ZH",
}  # fmt: skip
"""The dictionary's IPA to ARPAbet."""

_IN_PASSING = {
    "a", "am", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "for", "from", "had",
    "has", "have", "he", "her", "him", "his", "i", "i'd", "i'll", "i'm", "i've", "if", "in", "into", "is", "it",
    "it's", "its", "me", "my", "of", "on", "or", "our", "she", "should", "than", "that", "that's", "the", "their",
    "them", "there", "they", "they're", "to", "us", "was", "we", "we'll", "we're", "were", "will", "with", "would",
    "you", "you'll", "you're", "your",
}  # fmt: skip
"""Function words: without stress inside a sentence, while the dictionary has them as said alone."""

_LETTERS = {
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH",
    "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T",
    "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z", "ch": "CH", "ck": "K", "ee": "IY",
    "ng": "NG", "oo": "UW", "ou": "AW", "ph": "F", "qu": "K W", "sh": "SH", "th": "TH", "wh": "W",
}  # fmt: skip
"""Letters to sounds, for what is left of a word that the dictionary lacks."""

_SHORTEST_PART = 3
"""The dictionary's words of two letters are mostly names and abbreviations, which make bad parts of words."""

_LONGEST_PART = 24
"""Keeps the time linear in a word's length; nearly all words of the dictionary are shorter."""


def phonemes_of(text: str) -> str:
    """ARPAbet phonemes of an English text, separated by spaces, as `speech.Speech` takes them.

    Commas become a pause `_`, ends of sentences two. Digits are said one by one. Accents are dropped; other scripts
    are not known.

    Raises:
        MotionError: nothing in the text can be said, or the package gruut-lang-en is missing.
    """
    plain = unicodedata.normalize("NFKD", text.replace("\u2019", "'"))
    tokens: list[str] = []
    for token in _WORD.findall("".join(c for c in plain if not unicodedata.combining(c))):
        if token[0].isdigit():
            tokens += word_phonemes(_DIGITS[int(token)])
        elif token[0].isalpha() or token[0] == "'":
            word = token.strip("'")
            tokens += word_phonemes(word) if word else ()
        elif token != "-" and tokens:
            # A hyphen inside a word is no pause.
            tokens += _LONG_PAUSE if token[0] in ".!?\u2026" else _SHORT_PAUSE
    while tokens and tokens[-1] == "_":
        tokens.pop()
    if not tokens:
        raise MotionError(f"expected English words to say, found {text!r}; write letters or digits")
    return " ".join(tokens)


@lru_cache(maxsize=4096)
def word_phonemes(word: str) -> tuple[str, ...]:
    """Phonemes of one word of the letters A to Z and apostrophes; a digit 1 ends the vowel that has the stress.

    A word that the dictionary lacks is spelled out where it is all in capitals, and else made of the longest known
    words and of single letters' sounds.

    Raises:
        MotionError: it is no such word, or the package gruut-lang-en is missing.
    """
    known, small = _dictionary(), word.lower()
    if small in known:
        said = _arpabet(known[small])
        return tuple(s.rstrip("1") for s in said) if small in _IN_PASSING else said
    letters = small.replace("'", "")
    if not re.fullmatch("[a-z]+", letters):
        raise MotionError(f"expected a word of English letters, found {word!r}")
    if word.isupper():
        return tuple(s for letter in letters for s in (("EY1",) if letter == "a" else _arpabet(known[letter])))
    parts = (_LETTERS[part].split() if part in _LETTERS else _arpabet(known[part]) for part in _parts(letters))
    # Doubled letters are one sound.
    return _stressed_once([s for s, _ in groupby(s for part in parts for s in part)])


def _parts(letters: str) -> list[str]:
    """The split of a word into known words and entries of `_LETTERS` that has the largest sum of squared lengths."""
    known = _dictionary()
    # Score and first part of the best split of what begins at each letter.
    best: list[tuple[int, str]] = [(0, "")] * (len(letters) + 1)
    for at in reversed(range(len(letters))):
        options = [letters[at:end] for end in range(at + 1, min(at + _LONGEST_PART, len(letters)) + 1)]
        best[at] = max(
            (len(part) ** 2 + best[at + len(part)][0], part)
            for part in options
            if part in _LETTERS or (len(part) >= _SHORTEST_PART and part in known)
        )
    parts, at = [], 0
    while at < len(letters):
        parts.append(best[at][1])
        at += len(parts[-1])
    return parts


def _stressed_once(sounds: list[str]) -> tuple[str, ...]:
    """With the first stress only, on the first vowel where there is none."""
    vowels = [i for i, sound in enumerate(sounds) if sound.startswith(VOWELS)]
    stressed = next((i for i in vowels if sounds[i].endswith("1")), vowels[0] if vowels else None)
    return tuple(sound.rstrip("1") + ("1" if i == stressed else "") for i, sound in enumerate(sounds))


def _arpabet(ipa: str) -> tuple[str, ...]:
    """The dictionary's IPA in ARPAbet; of the marks of stress only the primary one is kept, as a digit 1."""
    try:
        return tuple(_ARPABET[s.strip("\u02c8\u02cc")] + ("1" if s[0] == "\u02c8" else "") for s in ipa.split())
    except KeyError as error:
        raise MotionError(
            f"expected the IPA of gruut-lang-en 2.0.1, found {error} in {ipa!r}; pip install gruut-lang-en==2.0.1"
        ) from error


@lru_cache(maxsize=1)
def _dictionary() -> dict[str, str]:
    """The first pronunciation of each word in lower-case letters, IPA; read when the first word is said."""
    try:
        from gruut_lang_en import get_lang_dir
    except ImportError as error:
        raise MotionError(
            f"expected the package gruut-lang-en to say a text, found {error}; pip install gruut-lang-en"
        ) from error
    path = get_lang_dir() / "lexicon.db"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as lexicon:
            return dict(lexicon.execute("SELECT word, phonemes FROM word_phonemes WHERE pron_order = 0"))
    except sqlite3.Error as error:
        raise MotionError(
            f"expected the dictionary of gruut-lang-en in {path}, found {error}; "
            "pip install --force-reinstall gruut-lang-en==2.0.1"
        ) from error

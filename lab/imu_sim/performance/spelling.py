"""English text to phonemes: good enough for a mouth that is seen and not heard."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from imu_sim.errors import MotionError
from imu_sim.performance.spelling_rules import CONTEXT, EXCEPTIONS, RULES

VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")

_WORD = re.compile(r"[a-z']+|[0-9]|[.,;:!?\u2026\u2014-]+")
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SHORT_PAUSE, _LONG_PAUSE = ("_",), ("_", "_")


def phonemes_of(text: str) -> str:
    """ARPAbet phonemes of an English text, separated by spaces, as `speech.Speech` takes them.

    Commas become a pause `_`, ends of sentences two. Digits are said one by one. Accents are dropped; other scripts
    are not known.

    Raises:
        MotionError: nothing in the text can be said.
    """
    plain = unicodedata.normalize("NFKD", text.lower().replace("\u2019", "'"))
    tokens: list[str] = []
    for token in _WORD.findall("".join(c for c in plain if not unicodedata.combining(c))):
        if token[0].isdigit():
            tokens += word_phonemes(_DIGITS[int(token)])
        elif token[0].isalpha() or token[0] == "'":
            tokens += word_phonemes(token.strip("'"))
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
    """Phonemes of one word in lower-case letters; the first full vowel of a word that has rules only is stressed."""
    if word in _exceptions():
        return _exceptions()[word]
    found: list[str] = []
    spelt, at = f" {word.replace(chr(39), '').upper()} ", 1
    rules = _rules()
    while at < len(spelt) - 1:
        for left, letters, right, sounds in rules.get(spelt[at], ()):
            end = at + len(letters)
            if spelt.startswith(letters, at) and left.search(spelt, 0, at) and right.match(spelt, end):
                found += sounds
                at = end
                break
        else:
            raise MotionError(f"expected a word of English letters, found {word!r}")
    merged = [s for i, s in enumerate(found) if i == 0 or s != found[i - 1] or s.startswith(VOWELS)]
    full = next((i for i, s in enumerate(merged) if s in VOWELS), None)
    return tuple(s.replace("AX", "AH") + ("1" if i == full else "") for i, s in enumerate(merged))


_Rule = tuple["re.Pattern[str]", str, "re.Pattern[str]", tuple[str, ...]]


@lru_cache(maxsize=1)
def _rules() -> dict[str, list[_Rule]]:
    """Rules by the first of their letters, in order."""
    rules: dict[str, list[_Rule]] = {}
    for line in RULES.strip("\n").splitlines():
        context, _, sounds = line.partition("=")
        left, _, rest = context.partition("[")
        letters, _, right = rest.partition("]")
        rules.setdefault(letters[0], []).append(
            (re.compile(_expression(left) + r"\Z"), letters, re.compile(_expression(right)), tuple(sounds.split()))
        )
    return rules


def _expression(context: str) -> str:
    return "".join(CONTEXT.get(symbol, re.escape(symbol)) for symbol in context)


@lru_cache(maxsize=1)
def _exceptions() -> dict[str, tuple[str, ...]]:
    entries = (entry.split() for line in EXCEPTIONS.strip().splitlines() for entry in line.split(";"))
    return {word: tuple(sounds) for word, *sounds in entries}

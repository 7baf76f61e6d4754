"""Sensitive words in a text: those of the operator's list, sensitive_words.txt in this folder, and those of the client.

The list has a word a line; lines that begin with # say something to its readers. It is part of the function: deployed with it, and no part
of this repository. Found by Aho and Corasick's automaton, in one pass over the text however long the list is.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import ahocorasick_rs

from ..common.errors import Invalid

WINDOW = 2000  # characters
LIST = Path(__file__).with_name("sensitive_words.txt")


@dataclass(frozen=True)
class Finding:
    """A word as the list has it, and where it stands: characters from the text's beginning, up to but without `end`."""

    word: str
    start: int
    end: int


def findings(text: str, own: Sequence[str]) -> list[Finding]:
    """What is found, in order, the longest of those that overlap; raises Invalid where there is no list at all."""
    listed = _listed(LIST.stat().st_mtime_ns) if LIST.exists() else ()
    words = {_folded(word)[0]: word for word in (*own, *listed) if word.strip()}
    if not words:
        raise Invalid("This server has no list of words: give words.", field="words")
    folded, places = _folded(text)
    ends = _longest(tuple(words), folded)
    return [Finding(words[folded[start:end]], places[start], places[end - 1] + 1) for start, end in _apart(ends)]


def masked(text: str, found: Sequence[Finding], mask: str) -> str:
    """The text with `mask` in place of each character of a finding."""
    letters = list(text)
    for one in found:
        letters[one.start : one.end] = mask * (one.end - one.start)
    return "".join(letters)


@lru_cache(maxsize=1)
def _listed(changed: int) -> tuple[str, ...]:
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


@lru_cache(maxsize=2)
def _automaton(words: tuple[str, ...]) -> ahocorasick_rs.AhoCorasick:
    return ahocorasick_rs.AhoCorasick(words)


def _folded(text: str) -> tuple[str, list[int]]:
    """A text without differences of width and case, and which character of it each one of the folded text comes from."""
    letters = [(letter, place) for place, one in enumerate(text) for letter in unicodedata.normalize("NFKC", one).casefold()]
    return "".join(letter for letter, _ in letters), [place for _, place in letters]


def _longest(words: tuple[str, ...], text: str) -> dict[int, int]:
    """Where words begin, and where the longest of each place ends; Latin words within longer ones are none.

    All overlapping ones are looked at, as the longest may be within a longer word and a shorter one not; by windows, since a text of one
    letter and a list of its repetitions have millions.
    """
    ends: dict[int, int] = {}
    automaton, reach = _automaton(words), max(map(len, words))
    for begin in range(0, len(text), WINDOW):
        for _, left, right in automaton.find_matches_as_indexes(text[begin : begin + WINDOW + reach], overlapping=True):
            start, end = begin + left, begin + right
            if left < WINDOW and end > ends.get(start, 0) and _is_whole(text, start, end):
                ends[start] = end
    return ends


def _is_whole(text: str, start: int, end: int) -> bool:
    return not (_is_joined(text[start - 1 : start], text[start]) or _is_joined(text[end - 1], text[end : end + 1]))


def _is_joined(before: str, after: str) -> bool:
    return bool(before) and bool(after) and _is_latin(before) and _is_latin(after)


def _is_latin(letter: str) -> bool:
    return letter.isalnum() and letter < "\u2e80"


def _apart(ends: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Those that do not overlap one before them."""
    free = 0
    for start in sorted(ends):
        if start >= free:
            free = ends[start]
            yield start, free

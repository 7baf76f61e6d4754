"""Sentences to cues: broken into lines that fit, and timed by the pace of reading or to fill a given time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from . import words

CHINESE_PER_S, LATIN_PER_S = 4.5, 15.0
SHORTEST_S = 0.8


@dataclass(frozen=True)
class Cue:
    """What is shown, and from when to when, in seconds."""

    text: str
    start: float
    end: float


def cues(sentences: Sequence[str], *, duration: float | None, pace: float, gap: float, line_width: int, lines: int) -> list[Cue]:
    """The cues of these sentences in order; with `duration` they fill exactly that time, gaps included where there is room."""
    texts = [text for sentence in sentences for text in _broken(sentence, line_width, lines)]
    lengths = [reading_s(text) / pace for text in texts]
    if duration is not None:
        gap = min(gap, duration / (4 * len(texts)))  # at least three quarters of the time shows something
        room = duration - gap * (len(texts) - 1)
        lengths = [length * room / sum(lengths) for length in lengths]
    timed, at = [], 0.0
    for text, length in zip(texts, lengths, strict=True):
        timed.append(Cue(text, round(at, 3), round(at + length, 3)))
        at += length + gap
    return timed


def reading_s(text: str) -> float:
    """Seconds that reading takes at pace 1."""
    chinese = len(words.HAN.findall(text))
    others = sum(not letter.isspace() for letter in text) - chinese
    return max(SHORTEST_S, chinese / CHINESE_PER_S + others / LATIN_PER_S)


def _broken(sentence: str, line_width: int, lines: int) -> list[str]:
    """One sentence as the texts of one or more cues."""
    rows = _rows(sentence, line_width)
    return ["\n".join(rows[place : place + lines]) for place in range(0, len(rows), lines)]


def _rows(sentence: str, line_width: int) -> list[str]:
    rows, row = [], ""
    for piece in _pieces(sentence, line_width):
        if row and words.width((row + piece).rstrip()) > line_width:
            rows.append(row.rstrip())
            row = ""
        row = (row + piece).lstrip()
    return [*rows, row.rstrip()] if row.strip() else rows


def _pieces(sentence: str, line_width: int) -> list[str]:
    """What may not be broken: words with the space after them, single Chinese characters with the marks after them."""
    pieces = re.findall(r"[^\s\u2e80-\U0003ffff]+\s*|[\u2e80-\U0003ffff][，。！？、；：…”’」』）》]*\s*|\s+", sentence)
    return [piece[at : at + line_width] for piece in pieces for at in range(0, len(piece), line_width)]

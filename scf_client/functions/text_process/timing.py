"""Sentences to cues: broken into lines that fit, and timed by the pace of reading or to fill a given time."""

from collections.abc import Sequence
from dataclasses import dataclass

from . import words
from .marks import HAN

CHINESE_PER_S, LATIN_PER_S = 4.5, 15.0
SHORTEST_S = 0.8


@dataclass(frozen=True)
class Cue:
    """What is shown, and from when to when, in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Tempo:
    """How long cues are shown: by reading at a `pace`, by `characters_per_second`, or so that all fill a `duration`."""

    pace: float = 1
    characters_per_second: float | None = None
    duration: float | None = None

    def seconds(self, text: str) -> float:
        if self.characters_per_second is None:
            return reading_s(text) / self.pace
        return max(SHORTEST_S, sum(not letter.isspace() for letter in text) / self.characters_per_second)


def cues(sentences: Sequence[str], tempo: Tempo, *, gap: float, line_width: int, lines: int) -> list[Cue]:
    """The cues of these sentences in order; with a duration they fill exactly that time, gaps included where there is room."""
    texts = [text for sentence in sentences for text in _broken(sentence, line_width, lines)]
    lengths = [tempo.seconds(text) for text in texts]
    if tempo.duration is not None:
        gap = min(gap, tempo.duration / (4 * len(texts)))  # at least three quarters of the time shows something
        room = tempo.duration - gap * (len(texts) - 1)
        lengths = [length * room / sum(lengths) for length in lengths]
    return _timed(texts, lengths, gap)


def spoken(sentences: Sequence[str], durations: Sequence[float], *, gap: float, line_width: int, lines: int) -> list[Cue]:
    """The cues of sentences that take so many seconds each; the gap is taken from their ends."""
    timed, at = list[Cue](), 0.0
    for sentence, duration in zip(sentences, durations, strict=True):
        texts = _broken(sentence, line_width, lines)
        rest = min(gap, duration / (4 * len(texts)))
        lengths = [reading_s(text) for text in texts]
        room = duration - rest * len(texts)
        timed += _timed(texts, [length * room / sum(lengths) for length in lengths], rest, at)
        at += duration
    return timed


def _timed(texts: Sequence[str], lengths: Sequence[float], gap: float, at: float = 0.0) -> list[Cue]:
    timed = []
    for text, length in zip(texts, lengths, strict=True):
        timed.append(Cue(text, round(at, 3), round(at + length, 3)))
        at += length + gap
    return timed


def reading_s(text: str) -> float:
    """Seconds that reading takes at pace 1."""
    chinese = len(HAN.findall(text))
    others = sum(not letter.isspace() for letter in text) - chinese
    return max(SHORTEST_S, chinese / CHINESE_PER_S + others / LATIN_PER_S)


def _broken(sentence: str, line_width: int, lines: int) -> list[str]:
    """One sentence as the texts of one or more cues."""
    rows = _rows(sentence, line_width)
    return ["\n".join(rows[place : place + lines]) for place in range(0, len(rows), lines)]


def _rows(sentence: str, line_width: int) -> list[str]:
    rows, row = [], ""
    for piece in words.unbroken(sentence, line_width):
        if row and words.width((row + piece).rstrip()) > line_width:
            rows.append(row.rstrip())
            row = ""
        row = (row + piece).lstrip()
    return [*rows, row.rstrip()] if row.strip() else rows

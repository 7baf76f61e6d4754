"""A script to shots: parted where its writer marked them, and where one is too long for a shot."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..common.errors import Invalid
from . import words

MOST = 1000
NUMERAL = r"[0-9０-９一二三四五六七八九十百零〇两]+"
HEADINGS = (
    r"#{1,6}\s+\S.*",
    r"(?:INT|EXT|INT\./EXT|I/E)[. ].*",
    rf"第\s*{NUMERAL}\s*[场幕集].*",
    rf"(?:场景|场次)\s*{NUMERAL}.*",
    r"(?:scene|act)\s+(?:[0-9]+|[IVX]+)\b.*",
    r"[-=*_]{3,}",
)
SCENE = re.compile("|".join(HEADINGS), re.IGNORECASE)
RULE = re.compile(r"[-=*_]{3,}")
NUMBER = re.compile(
    rf"(?:(?:镜头|分镜|镜号?|shot)\s*#?\s*{NUMERAL}\s*[:：.、)）]?|[(（]\s*{NUMERAL}\s*[)）][.、:：]?|[0-9]{{1,4}}\s*[.、:：)）](?![0-9])|[①-⑳])\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Shot:
    """What is shown at once; `title` is the line that marked it, where that says more than a number."""

    title: str
    text: str


def parted(text: str, *, by: str, longest: int | None) -> list[Shot]:
    """The shots of a script in order, none empty; raises Invalid where there are more than MOST."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    shots = [Shot(title, body) for title, body in WAYS[by](lines) if body or title]
    if longest:
        shots = [Shot(shot.title, part) for shot in shots for part in _pieces(shot.text, longest) or [""]]
    if len(shots) > MOST:
        raise Invalid(f"text makes {len(shots):,} shots: at most {MOST:,}.", field="text")
    return shots


Parts = Iterator[tuple[str, str]]  # the title and the text of each


def _paragraphs(lines: list[str]) -> Parts:
    has_empty_lines = any(not line.strip() for line in "\n".join(lines).strip().split("\n"))
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            paragraph.append(line.strip())
        if paragraph and not (line.strip() and has_empty_lines):
            yield "", "\n".join(paragraph)
            paragraph = []


def _scenes(lines: list[str]) -> Parts:
    title, body = "", list[str]()
    for line in map(str.strip, lines):
        if SCENE.fullmatch(line):
            yield title, "\n".join(body).strip()
            title, body = "" if RULE.fullmatch(line) else line.lstrip("# "), []
        else:
            body.append(line)
    yield title, "\n".join(body).strip()


def _numbers(lines: list[str]) -> Parts:
    body: list[str] = []
    for line in map(str.strip, lines):
        if mark := NUMBER.match(line):
            yield "", "\n".join(body).strip()
            body = [line[mark.end() :]]
        else:
            body.append(line)
    yield "", "\n".join(body).strip()


WAYS = {"paragraphs": _paragraphs, "scenes": _scenes, "numbers": _numbers, "none": lambda lines: iter([("", "\n".join(lines).strip())])}


def _pieces(text: str, longest: int) -> list[str]:
    """A text in parts of at most `longest` characters: whole sentences where they fit, else whole words."""
    if len(text) <= longest:
        return [text] if text else []
    units = [
        unit
        for sentence in words.sentences(text)
        for unit in ([sentence] if len(sentence) <= longest else words.unbroken(sentence, longest))
    ]
    parts = [""]
    for unit in units:
        joined = words.joined(parts[-1], unit)
        if len(joined.rstrip()) <= longest:
            parts[-1] = joined
        else:
            parts.append(unit)
    return [part.strip() for part in parts if part.strip()]

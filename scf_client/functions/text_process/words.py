"""Chinese and Latin text: tidied, split into sentences, counted, measured."""

import re
import unicodedata

from . import marks
from .marks import HAN

LATIN_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+(?:[.,]\d+)*")
# A sentence ends after these, with any quotes and brackets that close behind them; a Latin full stop needs a space after it.
END = re.compile(r"(?:[。！？!?…]+|\.(?=[\s\"'”’)\]]|$))[\"'”’」』）)\]]*")
ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|No|Fig|Vol)|\b[A-Z])\.$")
LONGEST = 8  # characters of an abbreviation and what stands before it; a look at the whole line each time would take n² steps
REPEATED = re.compile(r"([。！？!?，,、；;：:])\1+")


def normalised(text: str, *, widths: str = "half", punctuation: str = "keep") -> str:
    """Plain line ends and spaces, widths and marks as told, repeated marks made one; no character of meaning goes."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u3000", " ").replace("\u00a0", " ").replace("\ufeff", "")
    # Before marks are set as well, or two that are left alone for being two would be one, and set, the next time.
    text = marks.with_punctuation(REPEATED.sub(r"\1", marks.with_widths(text, widths)), punctuation)
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.split("\n")]
    return REPEATED.sub(r"\1", re.sub(r"\n{3,}", "\n\n", "\n".join(lines))).strip()


def sentences(text: str) -> list[str]:
    """The sentences, without the space between them; a line's end is a sentence's end."""
    return [sentence for line in text.splitlines() for sentence in _of_line(line.strip())]


def counted(text: str) -> dict[str, int]:
    """Characters (without white space), Chinese ones, marks, words and numbers of Latin script, sentences, lines and paragraphs."""
    return {
        "characters": sum(not letter.isspace() for letter in text),
        "chinese_characters": len(HAN.findall(text)),
        "punctuation": sum(unicodedata.category(letter).startswith("P") for letter in text),
        "words": len(LATIN_WORD.findall(HAN.sub(" ", text))),
        "sentences": len(sentences(text)),
        "lines": sum(bool(line.strip()) for line in text.splitlines()),
        "paragraphs": len(re.findall(r"\S(?:.|\n(?!\s*\n))*", text)),
    }


def width(text: str) -> int:
    """Columns that a text takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def unbroken(text: str, longest: int) -> list[str]:
    """What may not be broken: words with the space after them, single Chinese characters with the marks after them."""
    pieces = re.findall(r"[^\s\u2e80-\U0003ffff]+\s*|[\u2e80-\U0003ffff][，。！？、；：…”’」』）》]*\s*|\s+", text)
    return [piece[at : at + longest] for piece in pieces for at in range(0, len(piece), longest)]


def joined(before: str, after: str) -> str:
    """Two sentences or words, with the space between them that Latin ones need."""
    needs_space = before and before[-1].isascii() and not before[-1].isspace() and after[:1].isascii()
    return f"{before} {after}" if needs_space else before + after


def _of_line(line: str) -> list[str]:
    parts, begun = [], 0
    for end in END.finditer(line):
        if ABBREVIATION.search(line, max(begun, end.end() - LONGEST), end.end()):
            continue
        parts.append(line[begun : end.end()].strip())
        begun = end.end()
    return [part for part in [*parts, line[begun:].strip()] if part]

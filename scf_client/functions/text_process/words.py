"""Chinese and Latin text: tidied, split into sentences, counted, measured."""

import re
import unicodedata

HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
LATIN_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+(?:[.,]\d+)*")
# A sentence ends after these, with any quotes and brackets that close behind them; a Latin full stop needs a space after it.
END = re.compile(r"(?:[。！？!?…]+|\.(?=[\s\"'”’)\]]|$))[\"'”’」』）)\]]*")
ABBREVIATION = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|No|Fig|Vol)|\b[A-Z])\.$")
LONGEST = 8  # characters of an abbreviation and what stands before it; a look at the whole line each time would take n² steps
REPEATED = re.compile(r"([。！？!?，,、；;：:])\1+")


def normalised(text: str) -> str:
    """Plain line ends and spaces, full-width letters and digits made plain, repeated marks made one; no character of meaning goes."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u3000", " ").replace("\u00a0", " ").replace("\ufeff", "")
    text = "".join(_plain(letter) for letter in text)
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.split("\n")]
    return REPEATED.sub(r"\1", re.sub(r"\n{3,}", "\n\n", "\n".join(lines))).strip()


def sentences(text: str) -> list[str]:
    """The sentences, without the space between them; a line's end is a sentence's end."""
    return [sentence for line in text.splitlines() for sentence in _of_line(line.strip())]


def counted(text: str) -> dict[str, int]:
    """Characters without white space, Chinese characters, Latin words and numbers, sentences, and lines that are not empty."""
    return {
        "characters": sum(not letter.isspace() for letter in text),
        "chinese_characters": len(HAN.findall(text)),
        "words": len(LATIN_WORD.findall(HAN.sub(" ", text))),
        "sentences": len(sentences(text)),
        "lines": sum(bool(line.strip()) for line in text.splitlines()),
    }


def width(text: str) -> int:
    """Columns that a text takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _plain(letter: str) -> str:
    is_full_width_alphanumeric = "\uff10" <= letter <= "\uff5a" and unicodedata.normalize("NFKC", letter).isalnum()
    return unicodedata.normalize("NFKC", letter) if is_full_width_alphanumeric else letter


def _of_line(line: str) -> list[str]:
    parts, begun = [], 0
    for end in END.finditer(line):
        if ABBREVIATION.search(line, max(begun, end.end() - LONGEST), end.end()):
            continue
        parts.append(line[begun : end.end()].strip())
        begun = end.end()
    return [part for part in [*parts, line[begun:].strip()] if part]

"""Widths and punctuation: the same text as a Chinese or a Latin hand would set it. Setting it again changes nothing."""

import re
import unicodedata

HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
CHINESE = {",": "，", ".": "。", "!": "！", "?": "？", ":": "：", ";": "；", "(": "（", ")": "）"}
LATIN = {chinese: latin for latin, chinese in CHINESE.items()}
OPENS, PARTS = "(（", ",.!?:;"


def with_widths(text: str, widths: str) -> str:
    """Letters and digits, and nothing else, as `half`, `full` or as they are."""
    return text if widths == "keep" else "".join(map({"half": _half, "full": _full}[widths], text))


def with_punctuation(text: str, style: str) -> str:
    """The marks that end, part and bracket, as `chinese`, `latin`, by what stands before them (`auto`), or as they are."""
    if style == "keep":
        return text
    return "".join(_set(text, place, mark, style) if mark in CHINESE or mark in LATIN else mark for place, mark in enumerate(text))


def _set(text: str, place: int, mark: str, style: str) -> str:
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if mark in CHINESE and _is_latin(before) and _is_latin(after):  # 3.50, 10:30, example.com
        return mark
    if mark in ".。" and mark in (before, after):  # an ellipsis of dots
        return mark
    if style == "chinese" or (style == "auto" and _is_among_chinese(text, place, mark)):
        return CHINESE.get(mark, mark)
    latin = LATIN.get(mark, mark)
    # A Latin mark that parts words needs the space that a Chinese one has in itself.
    return f"{latin} " if mark in LATIN and latin in PARTS and (after.isalnum() or after in tuple(OPENS)) else latin


def _is_among_chinese(text: str, place: int, mark: str) -> bool:
    """By the nearest letter: before a mark, behind an opening bracket."""
    around = reversed(text[max(0, place - 20) : place]) if mark not in OPENS else iter(text[place + 1 : place + 20])
    letter = next((letter for letter in around if letter.isalnum()), "")
    return bool(HAN.match(letter))


def _is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()


def _half(letter: str) -> str:
    is_full_width_alphanumeric = "\uff10" <= letter <= "\uff5a" and unicodedata.normalize("NFKC", letter).isalnum()
    return unicodedata.normalize("NFKC", letter) if is_full_width_alphanumeric else letter


def _full(letter: str) -> str:
    return chr(ord(letter) + 0xFEE0) if _is_latin(letter) else letter

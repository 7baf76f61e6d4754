"""An ASS file made harmless: its times, words, colours, places and simple styles stay; fonts, drawings, animations and clips go.

libass draws whatever an ASS file describes: shapes of any size, blurs that take minutes, fonts that come along. Of a style only what is
named here is taken, within bounds; of the commands in a line only those that set a look or a place.
"""

import re
from typing import Any

import pysubs2

from ..common import fonts

RESOLUTION = (384, 288)  # what ASS means where a file does not say
SIDES = range(16, 10_001)
# Commands in a line: bold, italic, underlined, struck out, alignment, place, colours, fades.
PLACE, COLOUR = r"-?\d{1,5}(?:\.\d+)?", r"&H[0-9A-Fa-f]{1,8}&"
HARMLESS = re.compile(rf"\\(?:[bius][01]|an[1-9]|pos\({PLACE},{PLACE}\)|[134]?c{COLOUR}|fad\(\d{{1,5}},\d{{1,5}}\))")
MARGINS = ("marginl", "marginr", "marginv")


def tamed(subtitles: pysubs2.SSAFile) -> pysubs2.SSAFile:
    """A new file with what is harmless of another."""
    width, height = (_side(subtitles, name, usual) for name, usual in zip(("PlayResX", "PlayResY"), RESOLUTION, strict=True))
    made = pysubs2.SSAFile()
    made.info = {"PlayResX": str(width), "PlayResY": str(height), "WrapStyle": "0", "ScaledBorderAndShadow": "yes", "ScriptType": "v4.00+"}
    names = {name: str(place) for place, name in enumerate(subtitles.styles)}  # by numbers, because a name may hold anything
    made.styles = {"Default": _style(pysubs2.SSAStyle(), height)}
    made.styles |= {names[name]: _style(style, height) for name, style in subtitles.styles.items()}
    made.events = [_event(event, names.get(event.style, "Default"), height) for event in subtitles]
    return made


def words(text: str) -> str:
    """A line with its harmless commands only; what is drawn instead of written is left out."""
    return re.sub(r"\{[^}]*\}?", lambda block: _commands(block.group()), _without_drawings(text))


def _commands(block: str) -> str:
    kept = "".join(match.group() for match in HARMLESS.finditer(block))
    return f"{{{kept}}}" if kept else ""


def _without_drawings(text: str) -> str:
    """Up to the next \\p0, what follows a \\p1 (or higher) is no text but the outline of a shape."""
    return re.sub(r"(\{[^}]*\\p[1-9]\d*[^}]*\}).*?(?=\{[^}]*\\p0[^}]*\}|$)", r"\1", text, flags=re.DOTALL)


def _event(event: pysubs2.SSAEvent, style: str, height: int) -> pysubs2.SSAEvent:
    made = pysubs2.SSAEvent(start=event.start, end=event.end, text=words(event.text), style=style, layer=int(_within(event.layer, 100)))
    _set_margins(made, event, height)
    return made


def _style(style: pysubs2.SSAStyle, height: int) -> pysubs2.SSAStyle:
    made = pysubs2.SSAStyle(
        fontname=fonts.NAME,
        fontsize=max(_within(style.fontsize, height / 2), 1),
        primarycolor=style.primarycolor,
        outlinecolor=style.outlinecolor,
        backcolor=style.backcolor,
        bold=bool(style.bold),
        italic=bool(style.italic),
        underline=bool(style.underline),
        strikeout=bool(style.strikeout),
        borderstyle=3 if style.borderstyle == 3 else 1,
        outline=_within(style.outline, height / 10),
        shadow=_within(style.shadow, height / 10),
        alignment=style.alignment,
    )
    _set_margins(made, style, height)
    return made


def _set_margins(made: Any, given: Any, height: int) -> None:
    for name in MARGINS:
        setattr(made, name, int(_within(getattr(given, name), height)))


def _side(subtitles: pysubs2.SSAFile, name: str, usual: int) -> int:
    said = subtitles.info.get(name, "").strip()
    return int(said) if re.fullmatch(r"\d{1,5}", said) and int(said) in SIDES else usual


def _within(value: float, most: float) -> float:
    return min(max(0, value), most)  # in this order, because "not a number" is not more than 0

"""Subtitles, burnt in or as a track: SRT, WebVTT or ASS to a file of our own, drawn in our own font.

Whatever comes in is read as times, words and a few looks, and written anew: no font, picture or command of it reaches what draws.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import pysubs2

from ..common import fonts, media
from ..common.errors import Invalid
from . import ass

MAX_BYTES = 2_000_000
NUMPAD = {"bottom": pysubs2.Alignment.BOTTOM_CENTER, "middle": pysubs2.Alignment.MIDDLE_CENTER, "top": pysubs2.Alignment.TOP_CENTER}
LOOKS = ("size", "position", "margin", "style")  # what an ASS file says itself


@dataclass(frozen=True)
class Shown:
    """How the encoder is told: a filter that draws them, or the arguments that open them as one more input."""

    filter: str = "null"
    opened: tuple[str, ...] = ()


def write(given: Mapping[str, Any], size: tuple[int, int], folder: Path, *, track: str, begin: float, end: float) -> Shown:
    """Write what the encoder needs into the folder, for subtitles whose second 0 is `begin` of the video, and which end there by `end`.

    `track` is the format, srt or webvtt, that the container takes a track from. Raises Invalid for what are none.
    """
    field = "subtitles.text" if "text" in given else "subtitles.source"
    text = given["text"] if "text" in given else _text_of(given["source"])
    subtitles = _read(text, field)
    if is_ass(text) and (unfit := [name for name in LOOKS if name in given]):
        message = f"subtitles.{unfit[0]} is not for ASS, which says itself how it looks."
        raise Invalid(message, field=f"subtitles.{unfit[0]}")
    subtitles.events = _placed(subtitles, begin, end)
    return _track(subtitles, track, folder) if given["as"] == "track" else _burnt(subtitles, given, is_ass(text), size, folder)


def is_ass(text: str) -> bool:
    return text.lstrip("\ufeff \n\r").startswith("[Script Info]")


def _read(text: str, field: str) -> pysubs2.SSAFile:
    begin = fonts.visible(text).lstrip("\ufeff \n\r")
    format_ = "ass" if is_ass(text) else "vtt" if begin.startswith("WEBVTT") else "srt"
    try:
        subtitles = pysubs2.SSAFile.from_string(begin if format_ == "ass" else _plain(begin), format_=format_)
    except (pysubs2.Pysubs2Error, ValueError, ArithmeticError, LookupError) as fault:  # it takes a file at its word
        raise Invalid(f"{field} cannot be read as SRT, WebVTT or ASS.", field=field) from fault
    if not any(not event.is_comment for event in subtitles):
        raise Invalid(f"{field} has no cue in it: it must be SRT, WebVTT or ASS.", field=field)
    return subtitles


def _plain(text: str) -> str:
    """Without the commands of ASS, which could draw and animate anything; other braces are letters like any."""
    return re.sub(r"\{\\[^}]*\}", "", text).replace("{", r"\{").replace("}", r"\}")


def _placed(subtitles: pysubs2.SSAFile, begin: float, end: float) -> list[pysubs2.SSAEvent]:
    """The cues at their time of the whole video; what would come after the end is left out."""
    first, last = round(begin * 1000), round(end * 1000)
    placed = []
    for event in subtitles:
        event.start, event.end = max(event.start + first, first), min(event.end + first, last)
        if event.start < event.end and not event.is_comment:
            placed.append(event)
    return placed


def _track(subtitles: pysubs2.SSAFile, track: str, folder: Path) -> Shown:
    begin, escaped, mark = ("WEBVTT\n\n", partial(escape, quote=False), ".") if track == "webvtt" else ("", str, ",")
    cues = [f"{_time(event.start, mark)} --> {_time(event.end, mark)}\n{escaped(_spoken(event.text))}\n" for event in subtitles]
    numbered = [f"{place}\n{cue}" for place, cue in enumerate(cues, 1)]
    (folder / "subtitles.txt").write_text(begin + "\n".join(numbered), encoding="utf-8")
    return Shown(opened=("-f", track, "-i", "subtitles.txt"))


def _time(milliseconds: int, mark: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{rest:03}"


def _spoken(text: str) -> str:
    """The words of a cue without any look; an empty line would end it."""
    plain = re.sub(r"(?<!\\)\{[^}]*\}", "", text).replace(r"\{", "{").replace(r"\}", "}")
    return re.sub(r"\n\s*\n", "\n", re.sub(r"\\[Nn]", "\n", plain).replace(r"\h", " "))


def _burnt(subtitles: pysubs2.SSAFile, given: Mapping[str, Any], is_styled: bool, size: tuple[int, int], folder: Path) -> Shown:
    drawn = ass.tamed(subtitles) if is_styled else _styled(subtitles, given, size)
    drawn.save(str(folder / "subtitles.ass"))
    (folder / "fonts").mkdir(exist_ok=True)
    (folder / "fonts" / fonts.FILE.name).symlink_to(fonts.FILE)
    return Shown("subtitles=subtitles.ass:fontsdir=fonts")


def _styled(subtitles: pysubs2.SSAFile, given: Mapping[str, Any], size: tuple[int, int]) -> pysubs2.SSAFile:
    subtitles.styles["Default"] = _style(given, given.get("size") or round(min(size) / 20), size)
    subtitles.info.update({"PlayResX": str(size[0]), "PlayResY": str(size[1]), "WrapStyle": "0"})
    for event in subtitles:
        event.style = "Default"
    return subtitles


def _text_of(source: Any) -> str:
    path = media.located(source, "subtitles.source")
    if path.stat().st_size > MAX_BYTES:
        raise Invalid(f"subtitles.source is larger than {MAX_BYTES} bytes.", field="subtitles.source")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("subtitles.source is not text in UTF-8.", field="subtitles.source") from None


def _style(given: Mapping[str, Any], pixels: int, size: tuple[int, int]) -> pysubs2.SSAStyle:
    side, looks = round(size[1] / 18), given.get("style", {})
    style = pysubs2.SSAStyle(
        fontname=fonts.NAME,
        fontsize=pixels * 1.3,  # libass measures a line, not the letters
        bold=looks.get("bold", False),
        primarycolor=_colour(looks.get("colour", "#ffffff")),
        outlinecolor=_colour(looks.get("outline_colour", "#000000")),
        outline=max(1.0, pixels / 14),
        shadow=0,
        alignment=NUMPAD[given.get("position", "bottom")],
        marginv=given.get("margin", side),
        marginl=side,
        marginr=side,
    )
    if "background" in looks:  # then libass draws the outline as the box, so wide around the letters
        style.borderstyle, style.outline, style.outlinecolor = 3, pixels / 4, _colour(looks["background"])
    return style


def _colour(text: str) -> pysubs2.Color:
    """From #rrggbb or #rrggbbaa; ASS counts how much shines through."""
    red, green, blue, opacity = bytes.fromhex(text[1:].ljust(8, "f"))
    return pysubs2.Color(red, green, blue, 255 - opacity)

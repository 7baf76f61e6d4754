"""Subtitles to burn in: SRT or WebVTT to a styled file that ffmpeg draws in our own font."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pysubs2

from ..common import fonts, media
from ..common.errors import Invalid

MAX_BYTES = 2_000_000


def write(given: Mapping[str, Any], size: tuple[int, int], folder: Path) -> str:
    """Write subtitles.ass and a folder with the font; returns the filter that draws them. Raises Invalid for what is none."""
    field = "subtitles.text" if "text" in given else "subtitles.source"
    subtitles = _read(given["text"] if "text" in given else _text_of(given["source"]), field)
    subtitles.styles["Default"] = _style(given.get("size") or round(min(size) / 20), size)
    subtitles.info.update({"PlayResX": str(size[0]), "PlayResY": str(size[1]), "WrapStyle": "0"})
    for event in subtitles:
        event.style = "Default"
    subtitles.save(str(folder / "subtitles.ass"))
    (folder / "fonts").mkdir(exist_ok=True)
    (folder / "fonts" / fonts.FILE.name).symlink_to(fonts.FILE)
    return "subtitles=subtitles.ass:fontsdir=fonts"


def _read(text: str, field: str) -> pysubs2.SSAFile:
    format_ = "vtt" if text.lstrip("\ufeff \n\r").startswith("WEBVTT") else "srt"
    try:
        subtitles = pysubs2.SSAFile.from_string(_plain(text), format_=format_)
    except (pysubs2.Pysubs2Error, ValueError) as fault:
        raise Invalid(f"{field} cannot be read as SRT or WebVTT.", field=field) from fault
    if not subtitles.events:
        raise Invalid(f"{field} has no cue in it: it must be SRT or WebVTT.", field=field)
    return subtitles


def _plain(text: str) -> str:
    """Without the commands of ASS, which could draw and animate anything; other braces are letters like any."""
    return re.sub(r"\{\\[^}]*\}", "", text).replace("{", r"\{").replace("}", r"\}")


def _text_of(source: Any) -> str:
    path = media.located(source, "subtitles.source")
    if path.stat().st_size > MAX_BYTES:
        raise Invalid(f"subtitles.source is larger than {MAX_BYTES} bytes.", field="subtitles.source")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("subtitles.source is not text in UTF-8.", field="subtitles.source") from None


def _style(pixels: int, size: tuple[int, int]) -> pysubs2.SSAStyle:
    margin = round(size[1] / 18)
    return pysubs2.SSAStyle(
        fontname=fonts.NAME,
        fontsize=pixels * 1.3,  # libass measures a line, not the letters
        outline=max(1.0, pixels / 14),
        shadow=0,
        marginv=margin,
        marginl=margin,
        marginr=margin,
    )

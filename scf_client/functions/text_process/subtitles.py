"""Timed cues as files. SRT and VTT by hand: a library for subtitles takes text for markup, and drops what stands in braces."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pysubs2

from .timing import Cue

FONT = "Noto Sans SC"
PLACES = {"bottom": pysubs2.Alignment.BOTTOM_CENTER, "middle": pysubs2.Alignment.MIDDLE_CENTER, "top": pysubs2.Alignment.TOP_CENTER}
MARGIN = 0.06  # of the height


def srt(cues: Sequence[Cue]) -> str:
    parts = (f"{number}\n{_times(cue, ',')}\n{cue.text}\n" for number, cue in enumerate(cues, 1))
    return "\n".join(parts)


def vtt(cues: Sequence[Cue]) -> str:
    parts = (f"{number}\n{_times(cue, '.')}\n{escape(cue.text, quote=False)}\n" for number, cue in enumerate(cues, 1))
    return "\n".join(["WEBVTT\n", *parts])


def ass(cues: Sequence[Cue], style: Mapping[str, Any]) -> str:
    """With a style of its own, in pixels of the video that it is meant for."""
    width, height = (int(side) for side in style["resolution"].split("x"))
    file = pysubs2.SSAFile()
    file.info |= {"PlayResX": str(width), "PlayResY": str(height), "WrapStyle": "2", "ScaledBorderAndShadow": "yes"}
    file.styles["Default"] = pysubs2.SSAStyle(
        fontname=FONT,
        fontsize=style["size"],
        primarycolor=_colour(style["colour"]),
        outlinecolor=_colour(style["outline"]),
        bold=style["bold"],
        outline=max(1, style["size"] / 24),
        shadow=0,
        alignment=PLACES[style["position"]],
        marginv=round(height * MARGIN),
    )
    for cue in cues:
        start, end = round(cue.start * 1000), round(cue.end * 1000)
        file.append(pysubs2.SSAEvent(start=start, end=end, text=_plain(cue.text)))
    return file.to_string("ass")


def _plain(text: str) -> str:
    """A text in which nothing is markup: a word joiner keeps a backslash from the letter behind it."""
    return text.replace("\\", "\\\u2060").replace("{", "\\{").replace("}", "\\}").replace("\n", "\\N")


def _times(cue: Cue, point: str) -> str:
    return f"{_time(cue.start, point)} --> {_time(cue.end, point)}"


def _time(seconds: float, point: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{thousandths:03}"


def _colour(text: str) -> pysubs2.Color:
    return pysubs2.Color(*bytes.fromhex(text[1:]))

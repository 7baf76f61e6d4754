"""Examples of text.process."""

from typing import Any

from .example import Example, Gallery

STORY = "狐狸说：“你好！”乌鸦没有回答。Mr. Fox waited for a while. Then he left."


def _of(name: str, options: str, says: str, *, text: str = STORY, operations: list[str], **more: Any) -> Example:
    return Example(name, tuple(options.split()), says, {"text": text, "operations": operations, **more})


GALLERY = Gallery(
    "text.process",
    "A text in, one output for each operation: `darkroom/text-process`. It costs nothing.",
    (
        _of(
            "normalise",
            "operations",
            "spaces, widths and repeated marks made tidy.",
            text="Ｈｉ！！！   ＡＢＣ１２３",
            operations=["normalise"],
        ),
        _of("sentences", "operations", "the sentences of Chinese, Latin or both.", operations=["sentences"]),
        _of("count", "operations", "how much there is of what.", operations=["count"]),
        _of("pace", "operations pace gap", "subtitles by the pace of reading, here a faster one.", operations=["srt"], pace=1.5, gap=0.2),
        _of("duration", "duration", "subtitles that fill a given time.", operations=["vtt"], duration=8),
        _of("lines", "line_width lines", "narrow lines, one for each cue.", operations=["srt"], line_width=16, lines=1),
    ),
)

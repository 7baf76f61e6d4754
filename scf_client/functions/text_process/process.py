"""The operations that a text is put through, in the order in which the client names them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pysubs2

from ..common.errors import Invalid
from ..common.job import Job, Output
from . import timing, words

CONTENT_TYPES = {
    "normalise": ("txt", "text/plain; charset=utf-8"),
    "sentences": ("json", "application/json"),
    "count": ("json", "application/json"),
    "srt": ("srt", "application/x-subrip"),
    "vtt": ("vtt", "text/vtt"),
}


def make(job: Job) -> list[Output]:
    """One output for each operation; once `normalise` has been named, the later ones work on what it gave."""
    text, outputs = job.input["text"], []
    if not text.strip():
        raise Invalid("text has nothing but white space in it.", field="text")
    for place, operation in enumerate(job.input["operations"]):
        text = words.normalised(text) if operation == "normalise" else text
        ending, content_type = CONTENT_TYPES[operation]
        (job.out / f"{place}.{ending}").write_text(OPERATIONS[operation](text, job.input), encoding="utf-8", newline="\n")
        outputs.append(Output(f"{place}.{ending}", content_type))
        job.progress((place + 1) / len(job.input["operations"]))
    return outputs


def _sentences(text: str, _: Mapping[str, Any]) -> str:
    return _json({"sentences": words.sentences(text)})


def _count(text: str, _: Mapping[str, Any]) -> str:
    return _json(words.counted(text))


def _subtitles(format_: str) -> Callable[[str, Mapping[str, Any]], str]:
    def write(text: str, input: Mapping[str, Any]) -> str:
        subtitles = pysubs2.SSAFile()
        for cue in _cues(text, input):
            start, end = round(cue.start * 1000), round(cue.end * 1000)
            subtitles.append(pysubs2.SSAEvent(start=start, end=end, text=cue.text.replace("\n", "\\N")))
        return subtitles.to_string(format_)

    return write


def _cues(text: str, input: Mapping[str, Any]) -> list[timing.Cue]:
    return timing.cues(
        words.sentences(text),
        duration=input.get("duration"),
        pace=input.get("pace", 1),
        gap=input.get("gap", 0.1),
        line_width=input.get("line_width", 42),
        lines=input.get("lines", 2),
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


OPERATIONS: dict[str, Callable[[str, Mapping[str, Any]], str]] = {
    "normalise": lambda text, _: text + "\n",
    "sentences": _sentences,
    "count": _count,
    "srt": _subtitles("srt"),
    "vtt": _subtitles("vtt"),
}

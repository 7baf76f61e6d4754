"""The operations that a text is put through, in the order in which the client names them."""

import json
from bisect import bisect
from collections.abc import Callable, Mapping
from typing import Any

from ..common.errors import Invalid
from ..common.job import Job, Output
from . import prompts, screening, shots, subtitles, timing, words

JSON = ("json", "application/json")
CONTENT_TYPES = {
    "normalise": ("txt", "text/plain; charset=utf-8"),
    "srt": ("srt", "application/x-subrip"),
    "vtt": ("vtt", "text/vtt"),
    "ass": ("ass", "text/x-ssa"),
}
DEFAULT_STYLE = {"resolution": "1920x1080", "size": 56, "colour": "#ffffff", "outline": "#000000", "bold": False, "position": "bottom"}


def make(job: Job) -> list[Output]:
    """One output for each operation; once `normalise` has been named, the later ones work on what it gave."""
    text, outputs = job.input["text"], []
    if not text.strip():
        raise Invalid("text has nothing but white space in it.", field="text")
    for place, operation in enumerate(job.input["operations"]):
        text = _tidy(text, job.input) if operation == "normalise" else text
        ending, content_type = CONTENT_TYPES.get(operation, JSON)
        (job.out / f"{place}.{ending}").write_text(OPERATIONS[operation](text, job.input), encoding="utf-8", newline="\n")
        outputs.append(Output(f"{place}.{ending}", content_type))
        job.progress((place + 1) / len(job.input["operations"]))
    return outputs


def _tidy(text: str, input: Mapping[str, Any]) -> str:
    return words.normalised(text, widths=input.get("widths", "half"), punctuation=input.get("punctuation", "keep"))


def _sentences(text: str, _: Mapping[str, Any]) -> str:
    return _json({"sentences": words.sentences(text)})


def _shots(text: str, input: Mapping[str, Any]) -> str:
    found = [
        {
            "number": number,
            **({"title": shot.title} if shot.title else {}),
            "text": shot.text,
            "characters": len(shot.text),
            "seconds": round(timing.reading_s(shot.text), 1),
        }
        for number, shot in enumerate(_parted(text, input), 1)
    ]
    return _json({"shots": found})


def _prompts(text: str, input: Mapping[str, Any]) -> str:
    return _json({"prompts": prompts.filled(input["template"], input.get("variables", {}), _parted(text, input))})


def _parted(text: str, input: Mapping[str, Any]) -> list[shots.Shot]:
    return shots.parted(text, by=input.get("split_by", "paragraphs"), longest=input.get("max_shot_length"))


def _screen(text: str, input: Mapping[str, Any]) -> str:
    found = screening.findings(text, input.get("words", ()))
    ends = [place for place, letter in enumerate(text) if letter == "\n"]
    told = [{"word": one.word, "start": one.start, "end": one.end, "line": bisect(ends, one.start) + 1} for one in found]
    return _json({"found": told, "masked": screening.masked(text, found, input.get("mask", "*"))})


def _count(text: str, _: Mapping[str, Any]) -> str:
    return _json(words.counted(text))


def _cues(text: str, input: Mapping[str, Any]) -> list[timing.Cue]:
    sentences = words.sentences(text)
    shape = {"gap": input.get("gap", 0.1), "line_width": input.get("line_width", 42), "lines": input.get("lines", 2)}
    if durations := input.get("durations"):
        if len(durations) != len(sentences):
            told = (
                f"There are {len(sentences)} sentences and {len(durations)} durations: give one for each (sentences tells which there are)."
            )
            raise Invalid(told, field="durations")
        return timing.spoken(sentences, durations, **shape)
    tempo = timing.Tempo(input.get("pace", 1), input.get("characters_per_second"), input.get("duration"))
    return timing.cues(sentences, tempo, **shape)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


OPERATIONS: dict[str, Callable[[str, Mapping[str, Any]], str]] = {
    "normalise": lambda text, _: text + "\n",
    "sentences": _sentences,
    "shots": _shots,
    "prompts": _prompts,
    "screen": _screen,
    "count": _count,
    "srt": lambda text, input: subtitles.srt(_cues(text, input)),
    "vtt": lambda text, input: subtitles.vtt(_cues(text, input)),
    "ass": lambda text, input: subtitles.ass(_cues(text, input), DEFAULT_STYLE | input.get("style", {})),
}

"""What an example is, and the files that examples start from: each but the sounds is made by one of our functions too."""

import json
import wave
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from math import sin, tau
from pathlib import Path
from typing import Any

from ..pack import FUNCTIONS

RATE = 24_000


@dataclass(frozen=True)
class Example:
    """An input that shows `options` of a schema, as in ("captions.size",); `name` is its picture's, `says` a sentence for readers."""

    name: str
    options: tuple[str, ...]
    says: str
    input: Mapping[str, Any]


@dataclass(frozen=True)
class Gallery:
    """The examples of one kind, whose schema is a file in its function's folder; `says` begins the section."""

    kind: str
    says: str
    examples: tuple[Example, ...]
    schema: str = "schema.json"


@dataclass(frozen=True)
class Sample:
    """A file for examples: what a function makes of an input, in which names of samples stand for files."""

    function: str
    kind: str
    input: Mapping[str, Any]


@dataclass(frozen=True)
class Tone:
    """A sound for examples, which none of our functions makes: a beep of `hertz` every `every` seconds, 4 s long."""

    hertz: int
    every: float

    def write(self, path: Path) -> None:
        levels = (sin(tau * self.hertz * at / RATE) * (1 - at / RATE / self.every % 1) * 9000 for at in range(4 * RATE))
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", "NONE"))
            file.writeframes(array("h", map(round, levels)).tobytes())


def _card(prompt: str, seed: int, size: str = "640x480") -> Sample:
    return Sample("test_card", "image.generate", {"prompt": prompt, "seed": seed, "size": size})


# Names as clients know them, so that an example can be read as a request.
SAMPLES: dict[str, Sample | Tone] = {
    **{f"file_{number}": _card(str(number), 40 * number) for number in range(1, 10)},
    "file_tall": _card("tall", 11, "360x640"),
    "file_wide": _card("wide", 23, "960x400"),
    "file_logo": _card("logo", 5, "240x240"),
    "file_film": Sample("test_card", "video.generate", {"prompt": "film", "seed": 7, "duration": 3, "size": "640x360"}),
    "file_srt": Sample("text_process", "text.process", {"text": "狐狸来了。The fox is here.", "operations": ["srt"]}),
    "file_voice": Tone(600, 0.5),
    "file_music": Tone(220, 1.0),
}


def schema(function: str, file: str = "schema.json") -> dict[str, Any]:
    """The schema of what a function takes."""
    return json.loads((FUNCTIONS / function / file).read_text(encoding="utf-8"))


def named(value: Any) -> set[str]:
    """The samples that an input names."""
    if isinstance(value, Mapping):
        return named(list(value.values()))
    if isinstance(value, list | tuple):
        return {name for below in value for name in named(below)}
    return {value} if isinstance(value, str) and value in SAMPLES else set()


def with_files(value: Any, paths: Mapping[str, str]) -> Any:
    """An input with {"path"} in each sample's place, as functions get files."""
    if isinstance(value, Mapping):
        return {name: with_files(below, paths) for name, below in value.items()}
    if isinstance(value, list | tuple):
        return [with_files(below, paths) for below in value]
    return {"path": paths[value]} if isinstance(value, str) and value in paths else value

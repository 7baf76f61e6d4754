"""What a stored file is: type and content type by its first bytes, size, duration, and a thumbnail (a poster for a video).

Only the first bytes are read in this process; decoders run in others (examiner.py), because media files come from strangers.
"""

import asyncio
import json
from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import sniff
from .examiner import Examiners

_examiners = Examiners()


class NotMedia(Exception):
    """The file is no picture, video, sound or text that we keep."""


@dataclass(frozen=True, slots=True)
class Examined:
    """`type` is image, video, audio or text; `duration` in seconds; `thumbnail` a WebP of at most 480 px. None: not known, or has none."""

    type: str
    content_type: str
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    thumbnail: bytes | None = None


def content_type(path: Path) -> str:
    """By the file's first bytes; raises NotMedia."""
    with path.open("rb") as file:
        head = file.read(sniff.HEAD)
        return told_by(head, is_whole=not file.read(1))


def told_by(head: bytes, *, is_whole: bool) -> str:
    """The content type of a file whose first sniff.HEAD bytes these are, `is_whole`: all that it has. Raises NotMedia."""
    found = sniff.content_type(head, is_whole=is_whole)
    if found is None:
        raise NotMedia("this is no picture, video, sound or text in a format that Darkroom keeps")
    return found


async def examine(path: Path) -> Examined:
    """All that can be told of the file at `path`. A broken or hostile one is told by its first bytes alone. Raises NotMedia."""
    found = await asyncio.to_thread(content_type, path)
    if type_of(found) == "text":
        return Examined("text", found)
    return _examined(found, await _examiners.look(found, path))


def type_of(content_type: str) -> str:
    """image, video, audio or text: the word that outputs carry."""
    head = content_type.split("/")[0]
    return "text" if head == "application" else head


def _examined(content_type: str, answer: bytes) -> Examined:
    facts = _facts(answer)
    width, height = _whole(facts.get("width")), _whole(facts.get("height"))
    if content_type in ("video/mp4", "video/webm") and "duration" in facts and not width:
        content_type = content_type.replace("video", "audio")
    return Examined(type_of(content_type), content_type, width, height, _seconds(facts.get("duration")), _webp(facts.get("thumbnail")))


def _facts(answer: bytes) -> dict[str, Any]:
    """The lines that are whole; a child that died may have left half a line, one that was taken over anything at all."""
    facts: dict[str, Any] = {}
    for line in answer.splitlines():
        with suppress(ValueError, TypeError, RecursionError):
            facts |= json.loads(line)
    return facts


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 < value < 1 << 31 else None


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 < value < 1e7 else None


def _webp(value: Any) -> bytes | None:
    with suppress(ValueError, TypeError):
        picture = b64decode(value)
        return picture if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP" else None
    return None

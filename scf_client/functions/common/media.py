"""What an input file is, by its first bytes and never by its name: nothing is handed to a decoder that was not recognised here.

A playlist, an SVG or a script is not in the table, so no decoder ever reads where it points to.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .errors import Invalid
from .inputs import is_media

Type = Literal["picture", "video", "audio"]

PICTURE_BRANDS = {b"avif": "avif", b"avis": "avif", b"heic": "heic", b"heix": "heic", b"mif1": "heic", b"hevc": "heic"}
# At which byte, what stands there, which format that is; the names of videos and sounds are ffmpeg's for its demuxers.
SIGNATURES: tuple[tuple[int, bytes, Type, str], ...] = (
    (0, b"\xff\xd8\xff", "picture", "jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "picture", "png"),
    (0, b"GIF8", "picture", "gif"),
    (8, b"WEBP", "picture", "webp"),
    (8, b"WAVE", "audio", "wav"),
    (4, b"ftyp", "video", "mov"),
    (0, b"\x1aE\xdf\xa3", "video", "matroska"),
    (0, b"ID3", "audio", "mp3"),
    (0, b"\xff\xfb", "audio", "mp3"),
    (0, b"\xff\xf3", "audio", "mp3"),
    (0, b"\xff\xf2", "audio", "mp3"),
    (0, b"\xff\xf1", "audio", "aac"),
    (0, b"\xff\xf9", "audio", "aac"),
    (0, b"fLaC", "audio", "flac"),
    (0, b"OggS", "audio", "ogg"),
)
NAMES = {
    "picture": "a JPEG, PNG, WebP, GIF or AVIF picture",
    "video": "an MP4, MOV, WebM or MKV video",
    "audio": "an MP3, WAV, FLAC, Ogg or AAC sound",
}


@dataclass(frozen=True)
class File:
    """An input file: where it lies, which field named it, what it is."""

    path: Path
    field: str
    type: Type
    format: str


def opened(value: Any, field: str, allowed: Collection[Type]) -> File:
    """The file that an input names; raises Invalid for `field` where there is none or it is of another type."""
    path = located(value, field)
    found = recognised(path)
    if found is None or found[0] not in allowed or found[1] == "heic":
        raise Invalid(f"{field} is not {_or(NAMES[kind] for kind in allowed)}.", field=field)
    return File(path, field, *found)


def located(value: Any, field: str) -> Path:
    """Where an input file of any type lies; raises Invalid where it is none or empty."""
    if not is_media(value):
        raise Invalid(f"{field} is not a file.", field=field)
    path = Path(value["path"])
    if not path.is_file():
        raise Invalid(f"{field} is not there (any more).", field=field)
    if path.stat().st_size == 0:
        raise Invalid(f"{field} is empty.", field=field)
    return path


def recognised(path: Path) -> tuple[Type, str] | None:
    """The type and format of a file by its first bytes; None for what we do not take."""
    with path.open("rb") as file:
        head = file.read(16)
    if head[4:8] == b"ftyp" and head[8:12] in PICTURE_BRANDS:
        return "picture", PICTURE_BRANDS[head[8:12]]
    return next(((type_, format_) for at, mark, type_, format_ in SIGNATURES if head[at : at + len(mark)] == mark), None)


def _or(names: Any) -> str:
    return " or ".join(names)

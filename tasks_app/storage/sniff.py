"""What a file is, by its first bytes; names and headers lie. Pure: bytes in, content type out."""

import codecs
import json
import re

HEAD = 64 * 1024  # so many bytes are enough to tell

MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
)
RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
# ISO base media: the brand in the first box tells pictures, sound and QuickTime from plain MP4, which has dozens of brands.
BRANDS = {b"avif": "image/avif", b"avis": "image/avif", b"qt  ": "video/quicktime", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4"}
UNREADABLE_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"crx ", b"jxl "}
OLD_QUICKTIME_BOXES = {b"moov", b"mdat", b"wide"}
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
SRT = re.compile(r"\s*\d+\s*\n\d+:\d\d:\d\d[,.]\d+ +--> +\d+:\d\d:\d\d[,.]\d+")


def content_type(head: bytes, *, is_whole: bool = False) -> str | None:
    """The content type of what starts with `head`, or None where it is nothing that we keep.

    `is_whole`: `head` is the whole file, so a character cut off at its end is an error.
    """
    for magic, found in MAGIC:
        if head.startswith(magic):
            return found
    if head[:4] in (b"RIFF", b"RF64"):
        return RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _branded(head)
    if head[4:8] in OLD_QUICKTIME_BOXES:
        return "video/quicktime"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else None
    if _is_mp3_frame(head):
        return "audio/mpeg"
    return _text(head, is_whole)


def _branded(head: bytes) -> str | None:
    length = int.from_bytes(head[:4])
    major, compatible = head[8:12], {head[at : at + 4] for at in range(16, min(length, 256), 4)}
    if major in BRANDS:
        return BRANDS[major]
    if major in UNREADABLE_BRANDS:
        return "image/avif" if b"avif" in compatible else None
    return "video/mp4"


def _is_mp3_frame(head: bytes) -> bool:
    """Eleven set bits, then layer III, a bit rate and a sampling rate that exist."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer, bit_rate, sampling = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer == 1 and bit_rate not in (0, 15) and sampling != 3


def _text(head: bytes, is_whole: bool) -> str | None:
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=is_whole)
    except UnicodeDecodeError:
        return None
    if not text.strip() or CONTROLS.search(text):
        return None
    if text.startswith("WEBVTT"):
        return "text/vtt"
    if text.startswith("[Script Info]"):
        return "text/x-ssa"
    if SRT.match(text.replace("\r\n", "\n")):
        return "application/x-subrip"
    return "application/json" if _is_json(text, is_whole) else "text/plain"


def _is_json(text: str, is_whole: bool) -> bool:
    """The whole of it is checked where we have it; a longer file is taken at its first words."""
    if not is_whole:
        return re.match(r'\s*(\{\s*"|\[\s*[\[{"\d-])', text) is not None
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False

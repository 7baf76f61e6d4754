"""An upstream job as a simulator keeps it, and the small real files that it makes."""

import struct
import zlib
from collections import deque
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from .orders import Fate, Wire

CLIP = Path(__file__).with_name("clip.mp4").read_bytes()  # one second, 64 × 64, h264
BEHAVES = Fate()
WAITS_FOR = 0.1  # of its time


@dataclass(slots=True)
class UpstreamJob:
    """`done_at` is when it ends by itself, in Unix seconds; infinite until a test finishes it by hand."""

    id: str
    token: str
    model: str
    count: int  # outputs asked for
    created_at: float
    done_at: float
    fate: Fate = BEHAVES
    next_polls: deque[Wire] = field(default_factory=deque)
    polls: int = 0
    is_canceled: bool = False
    address: str = ""  # which to call about it
    makes_video: bool = False
    is_begun: bool = False

    def waits(self, now: float) -> bool:
        """Whether nobody works at it yet, where its upstream tells: for a tenth of its time, unless `is_begun` says otherwise."""
        return not (self.is_begun or self.is_over(now)) and self.progress(now) < WAITS_FOR

    def is_over(self, now: float) -> bool:
        return now >= self.done_at

    def progress(self, now: float) -> float:
        if self.done_at == inf:
            return 0.0
        return min(1.0, (now - self.created_at) / max(self.done_at - self.created_at, 0.001))

    @property
    def outputs(self) -> int:
        return self.count if self.fate.delivers is None else self.fate.delivers

    def file(self, position: int) -> tuple[str, bytes]:
        """Content type and bytes of one output; no two outputs are alike."""
        mark = f"{self.id}/{position}".encode()
        if self.makes_video:
            return "video/mp4", CLIP + struct.pack(">I4s", 8 + len(mark), b"free") + mark
        return "image/png", png(zlib.crc32(mark))


def png(seed: int) -> bytes:
    """A PNG of 32 × 32 pixels in the colour that `seed` gives."""
    row = b"\0" + bytes((seed & 255, seed >> 8 & 255, seed >> 16 & 255)) * 32
    header = struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)
    text = b"Comment\0" + str(seed).encode()
    chunks = ((b"IHDR", header), (b"tEXt", text), (b"IDAT", zlib.compress(row * 32)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

"""What a simulated bucket holds, each object a file of a temporary folder: a test may put a gigabyte into it."""

import base64
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory

from fastcrc import crc64

PIECE = 256 * 1024


@dataclass
class Object:
    """`etag` has its quotes; `headers` are those that a GET repeats."""

    path: Path
    bytes: int
    etag: str
    crc64: int
    headers: dict[str, str] = field(default_factory=dict)
    modified_at: float = field(default_factory=time.time)

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(start)
            while start < end and (piece := file.read(min(PIECE, end - start))):
                yield piece
                start += len(piece)

    def read(self) -> bytes:
        return self.path.read_bytes()


@dataclass
class Upload:
    """A multipart upload that is neither completed nor aborted."""

    key: str
    headers: dict[str, str]
    parts: dict[int, Object] = field(default_factory=dict)
    begun_at: float = field(default_factory=time.time)


class Incoming:
    """An object while its bytes come in."""

    def __init__(self, path: Path):
        self.path, self.bytes, self._md5, self._crc64 = path, 0, md5(), 0
        self._file = path.open("xb")

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self._md5.update(piece)
        self._crc64 = crc64.xz(piece, self._crc64)
        self.bytes += len(piece)

    @property
    def content_md5(self) -> str:
        return base64.b64encode(self._md5.digest()).decode()

    def whole(self, headers: Mapping[str, str], *, etag: str = "") -> Object:
        self._file.close()
        return Object(self.path, self.bytes, etag or f'"{self._md5.hexdigest()}"', self._crc64, dict(headers))

    def discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


class Bucket:
    """Objects by key, open uploads by id, and the bucket's own documents (lifecycle, cors) by name."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.uploads: dict[str, Upload] = {}
        self.documents: dict[str, bytes] = {}
        self._folder = TemporaryDirectory(prefix="darkroom-cos-")
        self._serial = 0

    def number(self) -> int:
        self._serial += 1
        return self._serial

    def incoming(self) -> Incoming:
        return Incoming(Path(self._folder.name, str(self.number())))

    def put(self, key: str, content: Object) -> None:
        self.delete(key)
        self.objects[key] = content

    def copy(self, source: str, key: str) -> Object:
        there, incoming = self.objects[source], self.incoming()
        for piece in there.pieces(0, there.bytes):
            incoming.write(piece)
        content = incoming.whole(there.headers)
        self.put(key, content)
        return content

    def delete(self, key: str) -> None:
        if gone := self.objects.pop(key, None):
            gone.path.unlink()

    def begin(self, key: str, headers: dict[str, str]) -> str:
        id = f"{time.time_ns():x}{self.number():04x}"
        self.uploads[id] = Upload(key, headers)
        return id

    def put_part(self, id: str, number: int, part: Object) -> None:
        if again := self.uploads[id].parts.pop(number, None):
            again.path.unlink()
        self.uploads[id].parts[number] = part

    def complete(self, id: str) -> Object:
        """Its parts, one after another, become the object."""
        upload, whole = self.uploads[id], self.incoming()
        parts = [part for _, part in sorted(upload.parts.items())]
        for part in parts:
            for piece in part.pieces(0, part.bytes):
                whole.write(piece)
        digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
        self.put(upload.key, whole.whole(upload.headers, etag=f'"{md5(digests).hexdigest()}-{len(parts)}"'))
        self.abort(id)
        return self.objects[upload.key]

    def abort(self, id: str) -> None:
        for part in self.uploads.pop(id).parts.values():
            part.path.unlink()

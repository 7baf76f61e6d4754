"""The store in a bucket of Tencent COS.

What comes in is a draft on this machine first, so its length and hash are known, a cut source never touches the bucket, and every
try reads the same bytes. Up to WHOLE it goes in one PUT, above in parts that become an object when they are complete: readers see
all of it or none. Each answer's CRC64 must be that of the bytes which went out, and a whole that is read must have its own.

Parts of an upload that was neither completed nor aborted, as of a killed process, go by the bucket's lifecycle rule (rules.py).
"""

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from xml.etree.ElementTree import ParseError

from fastcrc import crc64
from qcloud_cos import CosClientError, CosS3Client, CosServiceError
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from .cos_wire import Garbled, Wire
from .drafts import Draft, in_thread
from .errors import StorageError, Unreadable
from .store import PIECE, Store, Stored, checked
from .sts import Sts

T = TypeVar("T")

PART = 8 * 1024 * 1024
WHOLE = 16 * 1024 * 1024
AT_ONCE = 1000  # keys of one request to list or to delete
# An answer may be cut any number of times, as by a slow reader at our other end, but not three times before it gave so much.
ENOUGH, MOST_SHORT = 1024 * 1024, 3
THREADS = 16
CHECKSUM = "x-cos-hash-crc64ecma"
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class Cos(Store):
    """`wire` leads to the bucket. Its calls run on threads of their own: while COS hangs, the loop's others must not wait."""

    def __init__(self, wire: Wire, root: Callable[[], Path], *, part: int = PART, whole: int = WHOLE):
        super().__init__(root, ThreadPoolExecutor(THREADS, thread_name_prefix="cos"))
        self.wire, self._name, self._part, self._whole = wire, wire.bucket.name, part, whole
        self._sts = Sts(wire.bucket)

    def __repr__(self) -> str:
        return f"Cos({self.wire.bucket!r})"

    async def keep(self, draft: Draft, key: str, *, content_type: str) -> Stored:
        headers = {"Metadata": {"x-cos-meta-sha256": draft.sha256}} | ({"ContentType": content_type} if content_type else {})
        put = self._put_whole if draft.bytes <= self._whole else self._put_parts
        await put(draft, checked(key), headers)
        return Stored(key, draft.bytes, draft.sha256)

    def open(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        if end is not None and end <= start:
            if self.size(key) is None:
                raise FileNotFoundError(f"there is no {key}")
            return iter(())
        got = self._get(checked(key), start, end)
        if got is None:
            return iter(())
        pieces = self._pieces(key, got, start, end)
        return _verified(pieces, got.checksum) if got.is_whole else pieces

    def sign(self, key: str, *, seconds: int, method: str = "GET", content_type: str = "", disposition: str = "") -> str | None:
        says = {"response-content-type": content_type, "response-content-disposition": disposition}
        return self.wire.link(checked(key), method=method, seconds=seconds, says=says)

    def sign_put(self, key: str, *, bytes: int, seconds: int) -> str | None:
        """By a key of its own (sts.py). None where our own key is a temporary one: STS has an error for calls by those."""
        if self.wire.bucket.token:
            return None
        by = self._sts.to_put(checked(key), seconds=seconds)
        return self.wire.link(key, by=by, method="PUT", seconds=seconds, headers={"Content-Length": str(bytes)})

    def copy(self, source: str, key: str) -> None:
        """Within the bucket, up to 5 GB in one call, as long as a PUT may be."""
        about = {"Bucket": self._name, "Key": checked(source), "Region": self.wire.bucket.region}
        self.wire.write(checked(key), lambda client: client.copy_object(self._name, key, about))

    def delete(self, *keys: str) -> None:
        for at in range(0, len(keys), AT_ONCE):
            self._delete([checked(key) for key in keys[at : at + AT_ONCE]])

    def delete_below(self, prefix: str) -> None:
        while keys := self._below(f"{checked(prefix)}/"):
            self._delete(keys)

    def keys(self, prefix: str) -> Iterator[str]:
        last = ""
        while keys := self._below(f"{checked(prefix)}/", after=last):
            yield from keys
            last = keys[-1]

    def size(self, key: str) -> int | None:
        checked(key)
        try:
            return int(self.wire.read(key, lambda client: client.head_object(self._name, key))["Content-Length"])
        except FileNotFoundError:
            return None

    def path(self, key: str) -> Path | None:
        checked(key)
        return None

    # Into the bucket

    async def _put_whole(self, draft: Draft, key: str, headers: Mapping[str, Any]) -> None:
        def once(client: CosS3Client) -> None:
            with closing(Stretch(draft.path, 0, draft.bytes)) as body:
                _verify(client, self._name, key, client.put_object(self._name, body, key, **headers), body.checksum)

        await self._on_thread(self.wire.write, key, once)

    async def _put_parts(self, draft: Draft, key: str, headers: Mapping[str, Any]) -> None:
        # A try whose answer is lost leaves an upload without parts, which the lifecycle rule ends.
        begun = await self._on_thread(self.wire.write, key, lambda client: client.create_multipart_upload(self._name, key, **headers))
        upload = Upload(self._name, key, begun["UploadId"])
        try:
            for start in range(0, draft.bytes, self._part):
                size = min(self._part, draft.bytes - start)
                await self._on_thread(self.wire.write, key, partial(upload.add, draft.path, start, size))
            await self._on_thread(self.wire.write, key, upload.complete)
        except BaseException:
            with suppress(StorageError):
                await self._on_thread(partial(self.wire.write, key, upload.abort, again=False))
            raise

    async def _on_thread(self, work: Callable[..., T], *args: Any) -> T:
        return await in_thread(work, *args, threads=self._threads)

    # Out of it

    def _get(self, key: str, start: int, end: int | None, *, etag: str = "") -> "Got | None":
        """The answer to a GET, its bytes still to come; None where no byte of the range exists."""
        asked = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}
        if etag:
            asked["IfMatch"] = etag
        return self.wire.read(key, lambda client: _got(client, self._name, key, start, asked))

    def _pieces(self, key: str, got: "Got | None", at: int, end: int | None) -> Generator[bytes, None, None]:
        """The bytes from `at` on. Where the wire breaks, the rest is asked for, of the same object."""
        short = 0
        while got is not None:
            began_at = at
            with closing(got.raw), suppress(HTTPError):
                for piece in got.raw.stream(PIECE, decode_content=False):
                    at += len(piece)
                    yield piece
                return
            short = 0 if at - began_at >= ENOUGH else short + 1
            if short == MOST_SHORT:
                raise Unreadable("the storage cannot read: the connection to COS broke again and again")
            got = self._get(key, at, end, etag=got.etag)

    # Away with it

    def _below(self, prefix: str, *, after: str = "") -> list[str]:
        """The first keys below a prefix, by alphabet, behind the key `after`."""
        listed = self.wire.write(prefix, lambda client: client.list_objects(self._name, Prefix=prefix, Marker=after, MaxKeys=AT_ONCE))
        return [one["Key"] for one in listed.get("Contents", ())]

    def _delete(self, keys: Sequence[str]) -> None:
        with suppress(FileNotFoundError):
            self.wire.write(keys[0], partial(_delete, self._name, keys))


class Stretch:
    """`size` bytes of a file from `start` on, as the body of a request; `checksum` is their CRC64, counted as they go out.

    Plain bytes would go out in one piece, for which urllib3 gives no more time than for connecting. `so_far`: the checksum of all
    that lies before it in the file; `whole` continues it.
    """

    def __init__(self, path: Path, start: int, size: int, *, so_far: int = 0):
        self._file, self._size, self._left = path.open("rb"), size, size
        self._file.seek(start)
        self.checksum, self.whole = 0, so_far

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        self.checksum, self.whole = crc64.xz(piece, self.checksum), crc64.xz(piece, self.whole)
        return piece

    def close(self) -> None:
        self._file.close()


class Upload:
    """An object that comes in parts; each of its calls may be run again."""

    def __init__(self, bucket: str, key: str, id: str):
        self._about = {"Bucket": bucket, "Key": key, "UploadId": id}
        self._bucket, self._key = bucket, key
        self._parts: list[dict[str, Any]] = []
        self._checksum = 0

    def add(self, path: Path, start: int, size: int, client: CosS3Client) -> None:
        """Send the next part."""
        number = len(self._parts) + 1
        with closing(Stretch(path, start, size, so_far=self._checksum)) as body:
            answer = CaseInsensitiveDict(client.upload_part(Body=body, PartNumber=number, **self._about))
        if answer.get(CHECKSUM) != str(body.checksum):
            raise Garbled("the part that arrived is not the one that was sent")
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        self._checksum = body.whole

    def complete(self, client: CosS3Client) -> None:
        try:
            answer = client.complete_multipart_upload(MultipartUpload={"Part": self._parts}, **self._about)
            _verify(client, self._bucket, self._key, answer, self._checksum)
        except (CosServiceError, CosClientError, ParseError, Garbled):
            # The answer of this try or of one before (then: NoSuchUpload) may have been lost, or said nothing of the checksum.
            if not self._is_there(client):
                raise

    def abort(self, client: CosS3Client) -> None:
        client.abort_multipart_upload(**self._about)

    def _is_there(self, client: CosS3Client) -> bool:
        try:
            return CaseInsensitiveDict(client.head_object(self._bucket, self._key)).get(CHECKSUM) == str(self._checksum)
        except (CosServiceError, CosClientError):
            return False


@dataclass(frozen=True, slots=True)
class Got:
    """An answer to a GET; `checksum` is that of the whole object, which this answer may be a part of."""

    raw: BaseHTTPResponse
    etag: str
    checksum: str
    is_whole: bool


def _got(client: CosS3Client, bucket: str, key: str, start: int, asked: Mapping[str, str]) -> Got | None:
    try:
        answer = client.get_object(bucket, key, **asked)
    except CosServiceError as error:
        if error.get_error_code() == "InvalidRange":
            return None
        raise
    headers, raw = CaseInsensitiveDict(answer), answer["Body"].get_raw_stream()
    part = CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if CHECKSUM not in headers or ("Range" in asked and (not part or int(part[1]) != start)):
        raw.close()
        raise Garbled("it is not the range that was asked for, or not COS's at all")
    is_whole = not part or (part[1] == "0" and int(part[2]) + 1 == int(part[3]))
    return Got(raw, headers["ETag"], headers[CHECKSUM], is_whole)


def _verified(pieces: Generator[bytes, None, None], checksum: str) -> Iterator[bytes]:
    """The pieces; the last of them only once all together have this checksum, so that nobody takes wrong bytes for the whole."""
    found, held = 0, b""
    with closing(pieces):
        for piece in pieces:
            if held:
                yield held
            found, held = crc64.xz(piece, found), piece
    if str(found) != checksum:
        raise Unreadable("the storage cannot read: the bytes are not those of their checksum")
    if held:
        yield held


def _verify(client: CosS3Client, bucket: str, key: str, answer: Mapping[str, str], checksum: int) -> None:
    """Raise Garbled unless the answer to an upload names this checksum; an object with another one does not stay."""
    named = CaseInsensitiveDict(answer).get(CHECKSUM)
    if named is None:
        raise Garbled("it names no checksum")
    if named != str(checksum):
        with suppress(CosServiceError, CosClientError):
            client.delete_object(bucket, key)
        raise Garbled("the bytes that arrived are not those that were sent")


def _delete(bucket: str, keys: Sequence[str], client: CosS3Client) -> None:
    if len(keys) == 1:
        client.delete_object(bucket, keys[0])
        return
    answer = client.delete_objects(bucket, {"Quiet": "true", "Object": [{"Key": key} for key in keys]})
    if refused := answer.get("Error"):
        raise Garbled(f"{len(refused)} keys were not deleted: {refused[0].get('Code')}")

"""Tencent COS's XML API for one bucket, as strict as the cloud: signatures verified, bodies checked, errors by their codes.

The bucket is known by its host; a host that is no bucket's (127.0.0.1, a domain of one's own) is taken for it, as a custom domain is.

with Cos() as cos:                                   # or: python -m tests.upstreams cos --port 8905
    cos.will(answer(503), at="put")                  # SlowDown
    cos.will(cut_midway(), at="get")
    …
    assert cos.objects["outputs/task_1/0"].bytes == 17
"""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import web

from . import cos_cors, cos_signature, cos_xml, sts_keys
from .cos_bucket import Bucket, Object, Upload
from .listener import Listener, Refusal
from .orders import Answer, Break, Order, Pace, WrongChecksum
from .scf_instances import Role
from .server import reset

MB = 1024 * 1024
LONGEST_KEY, MOST_AT_ONCE, MOST_PARTS, SMALLEST_PART, LARGEST_PUT = 850, 1000, 10_000, MB, 5 * 1024 * MB
CRC, COPY_SOURCE = "x-cos-hash-crc64ecma", "x-cos-copy-source"
# (method, about an object?, the query parameter that says what) → door
DOORS = {
    ("PUT", True, ""): "put",
    ("GET", True, ""): "get",
    ("HEAD", True, ""): "head",
    ("DELETE", True, ""): "delete",
    ("POST", True, "uploads"): "begin",
    ("PUT", True, "uploadId"): "part",
    ("POST", True, "uploadId"): "complete",
    ("DELETE", True, "uploadId"): "abort",
    ("GET", True, "uploadId"): "list_parts",
    ("OPTIONS", True, ""): "preflight",
    ("HEAD", False, ""): "bucket",
    ("GET", False, ""): "list",
    ("GET", False, "uploads"): "list_uploads",
    ("POST", False, "delete"): "delete_many",
    ("PUT", False, "lifecycle"): "put_document",
    ("GET", False, "lifecycle"): "get_document",
    ("PUT", False, "cors"): "put_document",
    ("GET", False, "cors"): "get_document",
}
SAYING = ("uploads", "uploadId", "delete", "lifecycle", "cors")
DOCUMENTS = {
    "lifecycle": (cos_xml.LIFECYCLE, "NoSuchLifecycleConfiguration"),
    "cors": (cos_xml.CORS, "NoSuchCORSConfiguration"),
}
# What the functions' role may do; docs/functions-on-scf.md tells operators the same.
ROLE_MAY = (
    ("get", "functions/orders/"),
    ("get", "functions/results/"),
    ("put", "functions/results/"),
    ("put", "functions/progress/"),
    ("put", "functions/out/"),
)
ACTIONS = {"name/cos:PutObject": "put", "name/cos:GetObject": "get", "name/cos:HeadObject": "head", "name/cos:DeleteObject": "delete"}
KEPT_HEADERS = ("content-type", "cache-control", "content-disposition", "content-encoding", "expires")
STATUS = {
    "AccessDenied": 403,
    "AccessForbidden": 403,
    "BadDigest": 400,
    "EntityTooLarge": 400,
    "EntityTooSmall": 400,
    "ExpiredToken": 403,
    "InvalidAccessKeyId": 403,
    "InvalidArgument": 400,
    "InvalidPart": 400,
    "InvalidPartOrder": 400,
    "InvalidRange": 416,
    "KeyTooLong": 400,
    "MalformedXML": 400,
    "MethodNotAllowed": 405,
    "MissingContentLength": 411,
    "NoSuchBucket": 404,
    "NoSuchCORSConfiguration": 404,
    "NoSuchKey": 404,
    "NoSuchLifecycleConfiguration": 404,
    "NoSuchUpload": 404,
    "PreconditionFailed": 412,
    "SignatureDoesNotMatch": 403,
}
ORDERED = {400: "InvalidArgument", 403: "AccessDenied", 404: "NoSuchKey", 500: "InternalError", 503: "SlowDown"}


@dataclass(frozen=True)
class Call:
    """One request, its key decoded and its query parameters too."""

    request: web.BaseRequest
    door: str
    key: str
    query: Mapping[str, str]
    order: Order | None = None

    @property
    def says(self) -> str:
        return next((name for name in SAYING if name in self.query), "")


class Cos(Listener):
    """Books: `objects` by key, `uploads` by id, `documents` (lifecycle, cors). `token`: its owner's keys are temporary ones.

    Keys that STS gave out (sts.py) may do what their policy says, until they end.
    """

    DOORS = (*dict.fromkeys(DOORS.values()), "copy")
    SECRET_ID, SECRET_KEY = "AKIDsimulated", "simulated-secret-key"

    def __init__(self, *, name: str = "darkroom-1250000000", region: str = "ap-guangzhou", token: str = "", port: int = 0):
        super().__init__(port=port)
        self.name, self.region, self.token = name, region, token
        self.bucket = Bucket()
        self._roles: dict[str, Role] = {}
        self._serial = 0

    def trust(self, role: Role) -> None:
        """From now on a role may use the bucket by its temporary keys, within what docs/functions-on-scf.md lets it do."""
        self._roles[role.secret_id] = role

    @property
    def objects(self) -> dict[str, Object]:
        return self.bucket.objects

    @property
    def uploads(self) -> dict[str, Upload]:
        return self.bucket.uploads

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which Darkroom keeps its files here."""
        return {
            "STORAGE": "cos",
            "COS_BUCKET": self.name,
            "COS_REGION": self.region,
            "COS_SECRET_ID": self.SECRET_ID,
            "COS_SECRET_KEY": self.SECRET_KEY,
            "COS_TOKEN": self.token,
            "COS_ENDPOINT": self.url,
            "STS_ENDPOINT": "http://127.0.0.1:9",  # nobody's, so that no test asks the cloud; the variables of an Sts say better
        }

    # From a request to its door

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        response = await super().answer(request)
        if not response.prepared:
            response.headers.update(self._cors(request))
        return response

    async def _obey(self, request: web.BaseRequest) -> web.StreamResponse:
        call = self._call(request)
        self.requests[call.door] += 1
        self._check_bucket(request.headers.get("Host", ""))
        if call.door != "preflight":  # browsers sign none
            self._check_signature(call)
        order = call.order
        is_broken = isinstance(order, Break) and order.how != "midway"
        if isinstance(order, Answer) or (is_broken and (call.door == "get" or not order.accepts)):
            await _read(call)
            return await self._instead(call, order)
        response = await getattr(self, f"_{call.door}")(call)
        return await self._instead(call, order) if is_broken else response

    def _call(self, request: web.BaseRequest) -> Call:
        raw_path, _, raw_query = request.raw_path.partition("?")
        pairs = (pair.partition("=") for pair in raw_query.split("&") if pair)
        # A plus sign is a plus sign here: whether COS reads it as a space is nowhere said.
        query = {unquote(name): unquote(value) for name, _, value in pairs}
        key = unquote(raw_path)[1:]
        if len(quote(key)) > LONGEST_KEY:
            raise refuse("KeyTooLong", "the key is longer than 850 bytes")
        call = Call(request, "", key, query)
        door = DOORS.get((request.method, bool(key), call.says))
        if door is None:
            raise refuse("MethodNotAllowed", f"no {request.method} of {call.says or raw_path}")
        if door == "put" and COPY_SOURCE in request.headers:
            door = "copy"
        return Call(request, door, key, query, self._next(door))

    def _check_bucket(self, host: str) -> None:
        bucket, is_bucket, _ = host.partition(".cos.")
        if is_bucket and host != f"{self.name}.cos.{self.region}.myqcloud.com":
            raise refuse("NoSuchBucket", f"there is no bucket {bucket} here")

    def _check_signature(self, call: Call) -> None:
        headers, method = dict(call.request.headers), call.request.method
        try:
            claim = cos_signature.claim(headers.get("Authorization", ""), call.query)
        except cos_signature.Malformed as fault:
            raise refuse("InvalidArgument", str(fault)) from None
        if claim is None:
            raise refuse("AccessDenied", "the request is not signed")
        given = headers.get("x-cos-security-token") or call.query.get("x-cos-security-token", "")
        secret_key, token, may = self._key(claim.secret_id, given)
        if not claim.holds(time.time()):
            raise refuse("AccessDenied", "Request has expired")
        host = headers.get("Host", "")
        for signed_host in (host, host.partition(":")[0]):  # clients sign it with or without its port
            text = cos_signature.http_string(claim, method, f"/{call.key}", call.query, headers | {"Host": signed_host})
            if hmac.compare_digest(cos_signature.signature(secret_key, claim.key_time, text), claim.signature):
                break
        else:
            raise refuse("SignatureDoesNotMatch", "The Signature you specified is invalid.")
        if given != token:
            raise refuse("AccessDenied", "the token is missing or wrong")
        for door, key in [] if may is None else _wanted(call):
            if not any(door == allowed and fnmatchcase(key, pattern) for allowed, pattern in may):
                raise refuse("AccessDenied", f"this key must not {door} {key}")

    def _key(self, id: str, token: str) -> tuple[str, str, list[tuple[str, str]] | None]:
        """Secret, token and what it may do of a key; None: all."""
        if id == self.SECRET_ID:
            return self.SECRET_KEY, self.token, None
        if role := self._roles.get(id):
            return role.secret_key, role.token, [(door, f"{prefix}*") for door, prefix in ROLE_MAY]
        key = sts_keys.read(id, token)
        if key is None:  # a temporary key is none without its token
            raise refuse("InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records")
        if key.expires_at <= time.time():
            raise refuse("ExpiredToken", "The provided token has expired.")
        place = f"qcs::cos:{self.region}:uid/{self.name.rpartition('-')[2]}:{self.name}/"
        return (
            key.secret,
            key.token,
            [(ACTIONS.get(action, ""), resource.removeprefix(place)) for action, resource in key.allows if resource.startswith(place)],
        )

    async def _instead(self, call: Call, order: Answer | Break) -> web.StreamResponse:
        match order:
            case Answer(status, _, code):
                return self._refused(call.request, Refusal(status, code or ORDERED[status], "as ordered"))
            case Break("hang"):
                await asyncio.Event().wait()
            case Break("garbage"):
                return web.Response(text="<html><h1>Welcome to nginx!</h1></html>", content_type="text/html")
        return reset(call.request)

    def _refused(self, request: web.BaseRequest, refusal: Refusal) -> web.StreamResponse:
        headers = self._headers()
        if request.method == "HEAD":
            return web.Response(status=refusal.status, headers=headers)
        about = {"Code": refusal.code, "Message": refusal.message, "Resource": request.path}
        ids = {"RequestId": headers["x-cos-request-id"], "TraceId": headers["x-cos-trace-id"]}
        return self._xml("Error", about | ids, status=refusal.status, headers=headers)

    # Objects

    async def _put(self, call: Call) -> web.Response:
        content = await self._received(call, limit=LARGEST_PUT)
        self.bucket.put(call.key, content)
        return web.Response(headers=self._headers() | _named(content, call))

    async def _copy(self, call: Call) -> web.Response:
        await _read(call)
        host, _, source = unquote(call.request.headers[COPY_SOURCE]).partition("/")
        self._check_bucket(host)
        if source not in self.objects:
            raise refuse("NoSuchKey", "The specified key does not exist.")
        if call.request.headers.get("x-cos-metadata-directive", "Copy") != "Copy":
            raise refuse("InvalidArgument", "a copy keeps its headers here")
        if self.objects[source].bytes > LARGEST_PUT:
            raise refuse("EntityTooLarge", f"{self.objects[source].bytes} bytes")
        content = await asyncio.to_thread(self.bucket.copy, source, call.key)
        return self._xml("CopyObjectResult", {"ETag": content.etag, "LastModified": formatdate(content.modified_at, usegmt=True)})

    async def _get(self, call: Call) -> web.StreamResponse:
        content = self._object(call)
        if (early := self._conditional(call, content)) is not None:
            return early
        start, end = _range(call.request.headers.get("Range", ""), content.bytes) or (0, content.bytes)
        is_part = "Range" in call.request.headers
        response = web.StreamResponse(
            status=206 if is_part else 200, headers=self._shown(content, call) | {"Content-Length": str(end - start)}
        )
        if is_part:
            response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{content.bytes}"
        await response.prepare(call.request)
        stop = start + (end - start) // 2 if call.order == Break("midway") else end
        for piece in content.pieces(start, stop):
            await response.write(piece)
            await _pause(call, len(piece))
        if stop < end:
            call.request.transport.close()  # not a reset: the half must arrive
        return response

    async def _head(self, call: Call) -> web.Response:
        content = self._object(call)
        return web.Response(headers=self._shown(content, call) | {"Content-Length": str(content.bytes)})

    async def _preflight(self, call: Call) -> web.Response:
        asked = call.request.headers
        if "Origin" not in asked or "Access-Control-Request-Method" not in asked:
            raise refuse("InvalidArgument", "a preflight names an origin and a method")
        if (allowed := self._cors(call.request)) == {}:
            raise refuse("AccessForbidden", "CORSResponse: this CORS request is not allowed")
        return web.Response(headers=self._headers() | allowed)

    async def _delete(self, call: Call) -> web.Response:
        self.bucket.delete(call.key)
        return web.Response(status=204, headers=self._headers())

    async def _delete_many(self, call: Call) -> web.Response:
        root = await self._document(call, cos_xml.DELETE)
        keys = [str(one.findtext("Key")) for one in root.iter("Object")]
        if not 0 < len(keys) <= MOST_AT_ONCE:
            raise refuse("MalformedXML", f"{len(keys)} keys")
        for key in keys:
            self.bucket.delete(key)
        return self._xml("DeleteResult", {} if root.findtext("Quiet") == "true" else {"Deleted": [{"Key": key} for key in keys]})

    # Objects in parts

    async def _begin(self, call: Call) -> web.Response:
        id = self.bucket.begin(call.key, _kept(call))
        return self._xml("InitiateMultipartUploadResult", {"Bucket": self.name, "Key": call.key, "UploadId": id})

    async def _part(self, call: Call) -> web.Response:
        self._upload(call)
        number = call.query.get("partNumber", "")
        if not (number.isdecimal() and 1 <= int(number) <= MOST_PARTS):
            raise refuse("InvalidArgument", f"part {number}")
        part = await self._received(call, limit=LARGEST_PUT)
        self.bucket.put_part(call.query["uploadId"], int(number), part)
        return web.Response(headers=self._headers() | _named(part, call))

    async def _complete(self, call: Call) -> web.Response:
        upload = self._upload(call)
        root = await self._document(call, cos_xml.COMPLETE, needs_md5=False)
        _check_parts(upload, [(int(str(one.findtext("PartNumber"))), str(one.findtext("ETag"))) for one in root.iter("Part")])
        content = await asyncio.to_thread(self.bucket.complete, call.query["uploadId"])
        result = {"Location": f"{self.name}/{call.key}", "Bucket": self.name, "Key": call.key, "ETag": content.etag}
        answer = cos_xml.written("CompleteMultipartUploadResult", result)
        headers = self._headers() | {CRC: _named(content, call)[CRC], "Content-Type": "application/xml"}
        return web.Response(body=_with_spaces(answer), headers=headers)

    async def _abort(self, call: Call) -> web.Response:
        self._upload(call)
        self.bucket.abort(call.query["uploadId"])
        return web.Response(status=204, headers=self._headers())

    async def _list_parts(self, call: Call) -> web.Response:
        parts = sorted(self._upload(call).parts.items())
        about = {"Bucket": self.name, "Key": call.key, "UploadId": call.query["uploadId"], "IsTruncated": "false"}
        return self._xml(
            "ListPartsResult", about | {"Part": [{"PartNumber": number, "ETag": part.etag, "Size": part.bytes} for number, part in parts]}
        )

    # The bucket

    async def _bucket(self, call: Call) -> web.Response:
        return web.Response(headers=self._headers() | {"x-cos-bucket-region": self.region})

    async def _list(self, call: Call) -> web.Response:
        prefix, marker, most = (call.query.get(name, "") for name in ("prefix", "marker", "max-keys"))
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > marker)
        shown = keys[: min(int(most or MOST_AT_ONCE), MOST_AT_ONCE)]
        about: dict[str, Any] = {"Name": self.name, "Prefix": prefix, "Marker": marker, "MaxKeys": most or MOST_AT_ONCE}
        if len(shown) < len(keys):
            about["NextMarker"] = _url(call, shown[-1])
        about["IsTruncated"] = "true" if len(shown) < len(keys) else "false"
        contents = [{"Key": _url(call, key), "ETag": self.objects[key].etag, "Size": self.objects[key].bytes} for key in shown]
        return self._xml("ListBucketResult", about | {"Contents": contents})

    async def _list_uploads(self, call: Call) -> web.Response:
        prefix = call.query.get("prefix", "")
        uploads = [{"Key": _url(call, one.key), "UploadId": id} for id, one in self.uploads.items() if one.key.startswith(prefix)]
        return self._xml("ListMultipartUploadsResult", {"Bucket": self.name, "IsTruncated": "false", "Upload": uploads})

    async def _put_document(self, call: Call) -> web.Response:
        root = await self._document(call, DOCUMENTS[call.says][0])
        ids = [rule.findtext("ID") for rule in root]
        if len(set(ids)) < len(ids):
            raise refuse("InvalidArgument", "two rules with one ID")
        self.bucket.documents[call.says] = cos_xml.ET.tostring(root)
        return web.Response(headers=self._headers())

    async def _get_document(self, call: Call) -> web.Response:
        if call.says not in self.bucket.documents:
            raise refuse(DOCUMENTS[call.says][1], f"no {call.says} here")
        return web.Response(body=self.bucket.documents[call.says], content_type="application/xml", headers=self._headers())

    # Shared by the doors

    async def _received(self, call: Call, *, limit: int) -> Object:
        """The request's body as an object, unless it was cut, or is not what its MD5 says."""
        request = call.request
        if request.content_length is None and "chunked" not in request.headers.get("Transfer-Encoding", ""):
            raise refuse("MissingContentLength", "neither Content-Length nor chunked")
        incoming = self.bucket.incoming()
        try:
            async for piece in _paced(call):
                incoming.write(piece)
            if request.headers.get("Content-MD5", incoming.content_md5) != incoming.content_md5:
                raise refuse("BadDigest", "the bytes are not what Content-MD5 says")
            if incoming.bytes > limit:
                raise refuse("EntityTooLarge", f"{incoming.bytes} bytes")
        except BaseException:
            incoming.discard()
            raise
        return incoming.whole(_kept(call))

    async def _document(self, call: Call, allowed: dict[str, Any], *, needs_md5: bool = True) -> Any:
        """The request's body as XML; raises Refusal."""
        content = await self._received(call, limit=4 * MB)
        body = content.read()
        content.path.unlink()
        if needs_md5 and "Content-MD5" not in call.request.headers:
            raise refuse("InvalidArgument", "Content-MD5 is missing")
        try:
            return cos_xml.read(body, allowed)
        except cos_xml.Malformed as fault:
            raise refuse("MalformedXML", str(fault)) from None

    def _object(self, call: Call) -> Object:
        if call.key not in self.objects:
            raise refuse("NoSuchKey", "The specified key does not exist.")
        return self.objects[call.key]

    def _upload(self, call: Call) -> Upload:
        upload = self.uploads.get(call.query["uploadId"])
        if upload is None or upload.key != call.key:
            raise refuse("NoSuchUpload", "The specified upload does not exist.")
        return upload

    def _cors(self, request: web.BaseRequest) -> dict[str, str]:
        """What a browser is told, for whose page; nothing where no rule allows it."""
        asked = request.headers
        method = asked.get("Access-Control-Request-Method", request.method) if request.method == "OPTIONS" else request.method
        headers = asked.get("Access-Control-Request-Headers", "").split(",")
        document = self.bucket.documents.get("cors")
        return cos_cors.allowing(document, origin=asked.get("Origin", ""), method=method, headers=headers) or {}

    def _conditional(self, call: Call, content: Object) -> web.Response | None:
        headers = call.request.headers
        if headers.get("If-Match", content.etag) != content.etag:
            raise refuse("PreconditionFailed", "it is another one")
        if headers.get("If-None-Match") == content.etag:
            return web.Response(status=304, headers=self._headers() | {"ETag": content.etag})
        return None

    def _shown(self, content: Object, call: Call) -> dict[str, str]:
        """Headers of a GET or HEAD; `response-…` parameters win over what was stored."""
        wanted = {name.removeprefix("response-"): value for name, value in call.query.items() if name.startswith("response-")}
        about = {"Last-Modified": formatdate(content.modified_at, usegmt=True), "Accept-Ranges": "bytes"}
        given = {name if name.startswith("x-cos-") else name.title(): value for name, value in (content.headers | wanted).items()}
        return self._headers() | self._cors(call.request) | given | about | _named(content, call)

    def _headers(self) -> dict[str, str]:
        self._serial += 1
        return {"x-cos-request-id": f"req-{self._serial}", "x-cos-trace-id": f"trace-{self._serial}", "Server": "tencent-cos"}

    def _xml(self, name: str, content: dict[str, Any], *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
        body = cos_xml.written(name, content)
        return web.Response(body=body, status=status, content_type="application/xml", headers=headers or self._headers())


def refuse(code: str, message: str) -> Refusal:
    return Refusal(STATUS[code], code, message)


async def _with_spaces(document: bytes) -> AsyncIterator[bytes]:
    """In chunks, with spaces before the end: so COS keeps the connection alive while it joins the parts."""
    head, _, tail = document.partition(b">")
    for piece in (head + b">", b" ", b" ", tail):
        yield piece


async def _read(call: Call) -> None:
    async for _ in call.request.content.iter_any():
        pass


async def _paced(call: Call) -> AsyncIterator[bytes]:
    async for piece in call.request.content.iter_any():
        yield piece
        await _pause(call, len(piece))


async def _pause(call: Call, size: int) -> None:
    if isinstance(call.order, Pace):
        await asyncio.sleep(size / call.order.bytes_a_second)


def _kept(call: Call) -> dict[str, str]:
    """The headers of an upload that its object keeps."""
    headers = {name.lower(): value for name, value in call.request.headers.items()}
    meta = {name: value for name, value in headers.items() if name.startswith("x-cos-meta-")}
    if any(len(value) > 2048 for value in meta.values()) or sum(map(len, [*meta, *meta.values()])) > 4096:
        raise refuse("InvalidArgument", "more than 4 KB of metadata")
    return {name: headers[name] for name in KEPT_HEADERS if name in headers} | meta


def _named(content: Object, call: Call) -> dict[str, str]:
    wrong = 1 if isinstance(call.order, WrongChecksum) else 0
    return {"ETag": content.etag, CRC: str(content.crc64 ^ wrong)}


def _check_parts(upload: Upload, named: list[tuple[int, str]]) -> None:
    numbers = [number for number, _ in named]
    if numbers != sorted(set(numbers)):
        raise refuse("InvalidPartOrder", "the parts are not in ascending order")
    if numbers != list(range(1, len(upload.parts) + 1)) or any(upload.parts[number].etag != etag for number, etag in named):
        raise refuse("InvalidPart", "a part is missing, or has another ETag")
    if any(upload.parts[number].bytes < SMALLEST_PART for number in numbers[:-1]):
        raise refuse("EntityTooSmall", "a part but the last is smaller than 1 MB")


def _wanted(call: Call) -> list[tuple[str, str]]:
    """What a request does to which key; a copy reads one and writes another."""
    if call.door != "copy":
        return [(call.door, call.key)]
    return [("put", call.key), ("get", unquote(call.request.headers[COPY_SOURCE]).partition("/")[2])]


def _range(header: str, size: int) -> tuple[int, int] | None:
    """(start, end) of a Range header; None for the whole. Raises Refusal where it asks for nothing that is there."""
    if not header:
        return None
    first, _, last = header.removeprefix("bytes=").partition("-")
    start, end = (int(first), min(int(last) + 1, size) if last else size) if first else (max(size - int(last), 0), size)
    if start >= end:
        raise refuse("InvalidRange", f"there are {size} bytes")
    return start, end


def _url(call: Call, text: str) -> str:
    return quote(text, safe="") if call.query.get("encoding-type") == "url" else text

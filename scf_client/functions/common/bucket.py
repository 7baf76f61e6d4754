"""The bucket of a function in the cloud: orders and inputs come from it, outputs and results go into it.

By Tencent's own SDK with its retries off (they sleep up to 6 s, and do not know 429): each call here may be run again, and is, a few
times. The keys are the function's role's; the bucket is what the function was deployed with, never what an event says.
"""

import base64
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from qcloud_cos import CosClientError, CosConfig, CosS3Client, CosServiceError
from urllib3.exceptions import HTTPError

log = logging.getLogger(__name__)
T = TypeVar("T")

# It logs each refusal with a traceback, and at DEBUG the key that signs.
logging.getLogger("qcloud_cos").setLevel(logging.CRITICAL)

TIMEOUTS = (3.0, 20.0)  # to connect, and between two signs of life
WAITS = (0.3, 1.0, 3.0, 6.0, 10.0)  # seconds before another try; a run that has made its outputs is worth some patience
PIECE = 256 * 1024
MISSING = ("NoSuchKey", "NoSuchResource")


class Away(Exception):
    """The bucket does not do its work now, or refuses the role; the message names no key."""


class Gone(Exception):
    """There is no such object, or the link to it holds no more."""


class TooLarge(Exception):
    """An object is larger than the caller has room for."""


@dataclass(frozen=True)
class Place:
    """A bucket, and the keys of the role that may use it; `endpoint` is spoken to instead of Tencent's servers, as a simulator."""

    name: str
    region: str
    secret_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    endpoint: str = ""

    @classmethod
    def of(cls, environ: Mapping[str, str], headers: Message) -> "Place":
        """As the function was deployed (COS_BUCKET, COS_REGION) and as its role is; raises Away that says what is missing.

        A container gets its role's keys with each event, as headers; other functions have them in their environment.
        """
        id, key, token = keys = [
            headers.get(f"X-Scf-{name}") or environ.get(f"TENCENTCLOUD_{name.replace('-', '').upper()}", "") for name in KEYS
        ]
        about = {"COS_BUCKET": environ.get("COS_BUCKET"), "COS_REGION": environ.get("COS_REGION"), "a role": all(keys)}
        if missing := [name for name, value in about.items() if not value]:
            raise Away(f"the function was deployed without {' and '.join(missing)}")
        return cls(environ["COS_BUCKET"], environ["COS_REGION"], id, key, token, environ.get("COS_ENDPOINT", ""))

    @property
    def url(self) -> str:
        """What every link into the bucket starts with."""
        return f"{self.endpoint or f'https://{self.name}.cos.{self.region}.myqcloud.com'}/"


KEYS = ("Secret-Id", "Secret-Key", "Session-Token")


class Bucket:
    def __init__(self, place: Place):
        self._place, self._session = place, requests.Session()
        self._session.trust_env = False  # no proxy that a variable names
        self._client = CosS3Client(_config(place), retry=0, session=self._session)

    def read(self, key: str, *, limit: int) -> bytes | None:
        """The object, None where there is none; raises Away, TooLarge."""

        def once() -> bytes:
            # The SDK's own read gives 1 KB at a time.
            raw = self._client.get_object(self._place.name, key)["Body"].get_raw_stream()
            return raw.read(limit + 1)

        try:
            content = self._tried(once)
        except Gone:
            return None
        if len(content) > limit:
            raise TooLarge
        return content

    def write(self, key: str, content: bytes, *, content_type: str) -> None:
        """Put the object, whole or not at all; raises Away."""
        md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
        about = {"ContentType": content_type, "ContentMD5": md5}
        self._tried(lambda: self._client.put_object(self._place.name, content, key, **about))

    def hint(self, key: str, content: bytes) -> None:
        """Put a small object if that can be done at once; nobody minds if not."""
        with suppress(CosServiceError, CosClientError, requests.RequestException, HTTPError):
            self._client.put_object(self._place.name, content, key)

    def upload(self, path: Path, key: str, *, content_type: str) -> None:
        """Put a file, whole or not at all; raises Away."""

        def once() -> None:
            with path.open("rb") as file:
                self._client.put_object(self._place.name, file, key, **about)

        with path.open("rb") as file:
            md5 = base64.b64encode(hashlib.file_digest(file, "md5").digest()).decode()
        about = {"ContentType": content_type, "ContentMD5": md5}  # COS refuses bytes that are not these
        self._tried(once)

    def fetch(self, url: str, path: Path, *, limit: int) -> int:
        """Save what a signed link into this bucket leads to; returns its size. Raises Away, Gone, TooLarge."""
        if not url.startswith(self._place.url):  # whatever an event says, nothing else is ever asked from in here
            raise Gone
        return self._tried(lambda: self._fetched(url, path, limit))

    def _fetched(self, url: str, path: Path, limit: int) -> int:
        with self._session.get(url, stream=True, timeout=TIMEOUTS, allow_redirects=False) as answer:
            if answer.status_code in (403, 404):
                raise Gone
            if answer.status_code != 200:
                raise requests.ConnectionError(f"status {answer.status_code}")
            announced, size = int(answer.headers.get("Content-Length", 0)), 0
            with path.open("wb") as file:
                for piece in answer.iter_content(PIECE):
                    size += file.write(piece)
                    if max(size, announced) > limit:
                        raise TooLarge
        if size < announced:
            raise requests.ConnectionError("it was cut short")
        return size

    def _tried(self, call: Callable[[], T]) -> T:
        for wait in (*WAITS, None):
            try:
                return call()
            except CosServiceError as error:
                if error.get_error_code() in MISSING:
                    raise Gone from None
                fault, passes = f"{error.get_status_code()} {error.get_error_code()}", error.get_status_code() in (429, *range(500, 600))
            except (CosClientError, requests.RequestException, HTTPError) as error:
                fault, passes = type(error).__name__, True
            if wait is None or not passes:
                break
            time.sleep(wait)
        # Outside the handler: the library's errors know our headers.
        log.error("the bucket: %s", fault)
        raise Away(f"the bucket answered {fault}")


def _config(place: Place) -> CosConfig:
    parts = urlsplit(place.endpoint)
    # By address and port, the SDK still sends and signs the bucket's true host.
    instead: dict[str, Any] = {"IP": parts.hostname, "Port": parts.port, "Scheme": parts.scheme} if place.endpoint else {}
    keys = {"SecretId": place.secret_id, "SecretKey": place.secret_key, "Token": place.token}
    return CosConfig(Region=place.region, Timeout=TIMEOUTS, **keys, **instead)

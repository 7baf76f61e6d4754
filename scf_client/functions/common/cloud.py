"""An event in the cloud: its order and inputs come from the bucket, its outputs and its result go there.

    functions/orders/<token>.json       the whole event, where it was too long to be sent
    functions/out/<token>/<run>/…       outputs; each run has a folder of its own, so two at once cannot mix
    functions/progress/<token>          how far a run has come, 0 to 1, now and then
    functions/results/<token>.json      the envelope, written last and read first: where there is one, its outputs are there

The platform may deliver an event twice, and whoever got no answer may send it again: a token that has its result is answered with it.
"""

import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import Message
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import job
from .bucket import Away, Bucket, Gone, Place, TooLarge
from .errors import FunctionError, Invalid
from .inputs import written

log = logging.getLogger(__name__)

TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
TELL_EVERY_S = 3.0
MAX_ORDER_BYTES = 6 * 1024 * 1024
MAX_INPUT_BYTES = 300_000_000  # of all inputs together; a function's disk has 512 MB, and the outputs need room there too

Answer = Callable[[Mapping[str, Any]], dict[str, Any]]


def answered(event: Mapping[str, Any], headers: Message, answer: Answer) -> dict[str, Any]:
    """The envelope for one event, by `answer` unless the token has one already; never raises."""
    token, run = str(event.get("token")), headers.get("X-Scf-Request-Id") or "run"
    if not TOKEN.fullmatch(token) or not TOKEN.fullmatch(run):
        return job.failed("bad_event", "The event has no token, or the platform gave it no id.")
    try:
        return _answered(Bucket(Place.of(os.environ, headers)), token, run, event, answer)
    except (Away, TooLarge) as fault:
        # No result is written: whoever asks again, by the same token, gets another run.
        return job.failed("storage", f"The function could not use its bucket: {fault}.")
    except Exception:  # a door: the platform would run again whatever left it
        log.exception("the event failed")
        return job.failed("internal", "The function failed; its log has the reason.")


def order_key(token: str) -> str:
    return f"functions/orders/{token}.json"


def result_key(token: str) -> str:
    return f"functions/results/{token}.json"


def _answered(bucket: Bucket, token: str, run: str, event: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    if known := _result(bucket, token):
        return known
    with TemporaryDirectory(prefix="darkroom-") as folder:
        out, work, given = (Path(folder, name) for name in ("out", "work", "in"))
        given.mkdir()
        try:
            order = _order(bucket, token) if event.get("ordered") else event
            input = _Inputs(bucket, given).fetched(order.get("input"), [])
        except FunctionError as fault:
            envelope = job.failed(fault.code, fault.message, fault.field)
        else:
            with _progress_told(bucket, f"functions/progress/{token}", work / "progress"):
                envelope = answer({**order, "token": token, "input": input, "out": str(out), "work": str(work)})
        envelope = _uploaded(bucket, f"functions/out/{token}/{run}", out, envelope)
    # Another run of the token may have been faster: what was told of its result stays true.
    if known := _result(bucket, token):
        return known
    bucket.write(result_key(token), json.dumps(envelope).encode(), content_type="application/json")
    return envelope


def _result(bucket: Bucket, token: str) -> dict[str, Any] | None:
    content = bucket.read(result_key(token), limit=MAX_ORDER_BYTES)
    return json.loads(content) if content else None


def _order(bucket: Bucket, token: str) -> dict[str, Any]:
    content = bucket.read(order_key(token), limit=MAX_ORDER_BYTES)
    if content is None:
        raise Away("the order is not there")
    return json.loads(content)


class _Inputs:
    """Files of one event: each {"url"} of its input becomes a {"path"}."""

    def __init__(self, bucket: Bucket, folder: Path):
        self._bucket, self._folder, self._left = bucket, folder, MAX_INPUT_BYTES
        self._known: dict[str, str] = {}

    def fetched(self, value: Any, path: list[str | int]) -> Any:
        if isinstance(value, dict) and set(value) == {"url"}:
            return {"path": self._file(str(value["url"]), written(path))}
        if isinstance(value, dict):
            return {name: self.fetched(below, [*path, name]) for name, below in value.items()}
        if isinstance(value, list):
            return [self.fetched(below, [*path, place]) for place, below in enumerate(value)]
        return value

    def _file(self, url: str, field: str) -> str:
        if url not in self._known:  # a picture that stands in a film three times is fetched once
            file = self._folder / str(len(self._known))
            try:
                self._left -= self._bucket.fetch(url, file, limit=self._left)
            except Gone:
                raise Invalid(f"{field} is not there (any more).", field=field) from None
            except TooLarge:
                raise Invalid(f"The files are larger than {MAX_INPUT_BYTES // 1_000_000} MB together.", field=field) from None
            self._known[url] = str(file)
        return self._known[url]


@contextmanager
def _progress_told(bucket: Bucket, key: str, file: Path) -> Iterator[None]:
    """While the block works, what it writes into `file` goes to the bucket now and then."""
    over = threading.Event()

    def tell() -> None:
        told = b""
        while not over.wait(TELL_EVERY_S):
            with suppress(FileNotFoundError):
                if (now := file.read_bytes()) != told:
                    bucket.hint(key, told := now)

    threading.Thread(target=tell, daemon=True).start()
    try:
        yield
    finally:
        over.set()  # and no more: a result does not wait for a hint on its way


def _uploaded(bucket: Bucket, folder: str, out: Path, envelope: dict[str, Any]) -> dict[str, Any]:
    """The envelope with each output's key in the bucket, where its file lies by now."""
    if not envelope["ok"]:
        return envelope
    outputs = []
    for output in envelope["outputs"]:
        key = f"{folder}/{output['file']}"
        bucket.upload(out / output["file"], key, content_type=output["content_type"])
        outputs.append({**output, "key": key})
    return {**envelope, "outputs": outputs}

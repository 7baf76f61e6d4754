"""A function as an HTTP server, as a container on SCF has to be one: POST /event-invoke with the event as its body.

The answer is always 200 with an envelope; a handler's exception never leaves it, since the platform would run the event again.
A function that was deployed with a bucket goes by that (cloud.py); for the local runtime, an event names folders.
One event at a time: a second one meanwhile is answered with 429, as the platform would scale out instead.
"""

import argparse
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from . import limits, logs
from .errors import FunctionError, Invalid, OutOfMemory, is_about_memory
from .inputs import Schema
from .job import Job, Output, failed, kept

log = logging.getLogger(__name__)

Make = Callable[[Job], list[Output]]
MAX_EVENT_BYTES = 6 * 1024 * 1024  # what SCF takes


@dataclass(frozen=True)
class Kind:
    """One kind of work that a function does: the schema of its input, what makes the outputs, what to lower where memory ends."""

    schema: Schema
    make: Make
    lower: str


def main(name: str, kinds: Mapping[str, Kind]) -> None:
    """Serve events until killed; the command line says where and within which limits."""
    options = _options(name)
    logs.begin(options.log_format, name=name)
    if options.parent:
        limits.die_with(options.parent)
    if options.memory_mb:
        limits.memory(options.memory_mb)
    server = _Server(kinds, _socket(options))
    log.info("ready on port %d", server.server_address[1])
    server.serve_forever()


def answered(kinds: Mapping[str, Kind], event: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope for one event; never raises."""
    try:
        job, kind = _job(kinds, event)
        return {"ok": True, "outputs": kept(_made(kind, job), job.out)}
    except FunctionError as fault:
        log.info("%s: %s", fault.code, fault.message)
        return failed(fault.code, fault.message, fault.field)
    except Exception:
        log.exception("the function failed")
        return failed("internal", "The function failed; its log has the reason.")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, kinds: Mapping[str, Kind], listening: socket.socket):
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.server_address = listening.getsockname()
        self.kinds = kinds
        self.busy = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/healthz" else 404, {"ok": self.path == "/healthz"})

    def do_POST(self) -> None:
        if self.path != "/event-invoke":
            self._answer(404, failed("not_found", "Events are posted to /event-invoke."))
        elif (event := self._event()) is None:
            self._answer(400, failed("bad_event", "The event must be a JSON object of at most 6 MB."))
        elif not self.server.busy.acquire(blocking=False):
            self._answer(429, failed("busy", "One event at a time."))
        else:
            # Answered after the release: who has the answer may send the next event at once.
            self._answer(200, self._carried_out(event))

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)

    def _carried_out(self, event: Mapping[str, Any]) -> dict[str, Any]:
        try:
            logs.token.set(str(event.get("token", "")))
            if "COS_BUCKET" not in os.environ:
                return answered(self.server.kinds, event)
            from . import cloud  # here, because Tencent's SDK would cost each local instance 190 ms and 22 MB

            return cloud.answered(event, self.headers, partial(answered, self.server.kinds))
        finally:
            self.server.busy.release()

    def _event(self) -> dict | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_EVENT_BYTES:
            self.close_connection = True
            return None
        try:
            event = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            return None
        return event if isinstance(event, dict) else None

    def _answer(self, status: int, body: Mapping[str, Any]) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _job(kinds: Mapping[str, Kind], event: Mapping[str, Any]) -> tuple[Job, Kind]:
    kind = kinds.get(str(event.get("kind")))
    if kind is None:
        raise Invalid(f"This function does {' and '.join(kinds)}, and nothing else.")
    try:
        out, work = Path(event["out"]), Path(event["work"])
        job = Job(str(event["token"]), kind.schema.checked(event["input"]), out, work)
    except (KeyError, TypeError) as fault:
        raise Invalid(f"The event's token, input, out and work are not all there ({type(fault).__name__}).") from None
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    return job, kind


def _made(kind: Kind, job: Job) -> list[Output]:
    """What this kind of work makes of a job; raises OutOfMemory that says what to lower where that does not fit."""
    try:
        return kind.make(job)
    except FunctionError:
        raise
    except Exception as fault:
        if isinstance(fault, MemoryError) or is_about_memory(str(fault)):
            raise OutOfMemory(f"This needs more memory than a function has: lower {kind.lower}.") from fault
        raise


def _socket(options: argparse.Namespace) -> socket.socket:
    if options.fd is not None:
        return socket.socket(fileno=options.fd)
    return socket.create_server((options.host, options.port))


def _options(name: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=name, description="Serve one function: POST /event-invoke")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 in a container")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--fd", type=int, help="a listening socket that was inherited, instead of host and port")
    memory_mb = int(os.environ.get("MEMORY_MB", 0))  # what a deployed function was given
    parser.add_argument("--memory-mb", type=int, default=memory_mb, help="bound of the address space; 0: none")
    parser.add_argument("--parent", type=int, default=0, help="the process id to die with; 0: none")
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    return parser.parse_args()

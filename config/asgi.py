"""The stream tier's entry: `gunicorn -c deploy/stream.conf.py config.asgi`.

A request is answered by the same views as in the web tier, on a few threads. Where a view opens a stream, or its client would rather
wait for a task's end, the loop goes on from there (tasks_app/api/tier.py), and no thread is held meanwhile. What web has left of a
request, to wait for pictures, begins there.
"""

import asyncio
import io
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from threading import Event, Thread
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.db import Error as DatabaseFault
from django.http import HttpResponse

from .wsgi import api  # sets Django up

# isort: split
from tasks_app import context, metrics, processes
from tasks_app.api import problems
from tasks_app.api.answer import Answer
from tasks_app.api.json import BODY_LIMIT
from tasks_app.api.openai import images, waiting
from tasks_app.api.prefer import Wait
from tasks_app.api.stream import Opening
from tasks_app.api.tier import Tier, Write
from tasks_app.engine.accept import Problem
from tasks_app.engine.clock import database_clock

from . import handover, middleware
from .health import healthz, readyz

HEALTH = {"/healthz": healthz, "/readyz": readyz}

log = logging.getLogger(__name__)

tier = Tier()

Scope, Message = dict[str, Any], dict[str, Any]
Receive, Send = Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        return await live(receive, send)
    body = await _body(receive)
    gone = asyncio.ensure_future(receive())  # all that can still come is that the client goes
    try:
        if rest := scope["darkroom.rest"]:
            return await _go_on(waiting.read(rest), scope, send, gone)
        response = await tier.in_thread(answered, scope, body)
        if opening := getattr(response, "opening", None):
            head = _head(response)
            del response  # and with it all that came of the request
            return await _stream(opening, head, scope, send, gone)
        if hasattr(response, "waits"):
            response = await _later(response, gone)
        return await _send(response, send)
    finally:
        gone.cancel()


async def live(receive: Receive, send: Send) -> None:
    """From the process's start to its end; it reports itself as workers and beat do."""
    over = Event()
    reporter = processes.Reporter(processes.Process.Kind.STREAM, samples=metrics.samples)
    report = Thread(target=processes.keep_reporting, args=(reporter, database_clock, over), name="report", daemon=True)
    await receive()
    await tier.start()
    report.start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await tier.stop()
    over.set()
    report.join(timeout=2)
    await send({"type": "lifespan.shutdown.complete"})


def answered(scope: Scope, body: bytes) -> HttpResponse:
    """What the views answer."""
    request = ASGIRequest(scope, io.BytesIO(body))
    if request.path_info in HEALTH:
        return HEALTH[request.path_info](request)
    if not handover.PATHS.fullmatch(request.path_info):
        return problems.handle(problems.missing(), {})
    request.can_stream = True
    return api(request)


async def _body(receive: Receive) -> bytes:
    """A byte more than a body may have says that it has too many."""
    parts, length = [], 0
    while length <= BODY_LIMIT:
        message = await receive()
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if not message.get("more_body"):
            break
    return b"".join(parts)


async def _stream(opening: Opening, head: Message, scope: Scope, send: Send, gone: asyncio.Future) -> None:
    try:
        async with tier.opened(opening, gone) as stream:
            await send(head)
            await _written(stream, scope, send, gone)
    except (Problem, DatabaseFault) as fault:
        answer = problems.handle(fault, {})
        answer["X-Request-ID"] = dict(head["headers"])[b"x-request-id"].decode()
        await _send(answer, send)


async def _written(body: Callable[[Write], Awaitable[None]], scope: Scope, send: Send, gone: asyncio.Future) -> None:
    """A body as it comes; its client is cut off where it does not read."""

    async def write(data: bytes) -> None:
        async with asyncio.timeout(tier.stalled_s):
            await send({"type": "http.response.body", "body": data, "more_body": True})

    try:
        await body(write)
    except TimeoutError:  # it cannot be told of the end either
        log.info("a stream was cut: its client does not read")
        scope["darkroom.abort"]()
        await gone
    await send({"type": "http.response.body"})


async def _go_on(rest: waiting.Rest, scope: Scope, send: Send, gone: asyncio.Future) -> None:
    """Where web left off: wait, and answer with what there is then."""
    later, began = partial(images.later, rest), time.perf_counter()
    await tier.wait(Wait(rest.account_id, rest.task_id, waiting.LONGEST_S, later), gone)
    if gone.done():
        return
    response = await tier.in_thread(later)
    with context.about(context.request_id, response["X-Request-ID"]):
        # Web has written that it accepted; this says what came of it.
        middleware.log(
            scope["method"], scope["path"], response.status_code, seconds=time.perf_counter() - began, account_id=rest.account_id
        )
    if not response.streaming:
        await _send(response, send)
        return
    async with tier.sending:
        await send(_head(response))
        await _written(partial(tier.send, response, gone), scope, send, gone)


async def _later(response: HttpResponse, gone: asyncio.Future) -> HttpResponse:
    """The answer for which the client would wait; the one of the moment, where it cannot be waited."""
    if not await tier.wait(response.waits, gone):
        return response
    later = await tier.in_thread(response.waits.answer)
    if later is None:
        return response
    later["Preference-Applied"] = f"wait={response.waits.seconds}"
    return _like(response, later)


def _like(first: HttpResponse, answer: Answer) -> Answer:
    """The answer that takes the place of the first one, with what that said of the request."""
    for name in first.headers.keys() - {"Content-Length", "Content-Type", "ETag"}:
        answer.headers.setdefault(name, first[name])
    return answer


async def _send(response: HttpResponse, send: Send) -> None:
    await send(_head(response))
    await send({"type": "http.response.body", "body": response.content})


def _head(response: HttpResponse) -> Message:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}

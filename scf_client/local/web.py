"""The runtime's doors: POST /runs, GET and DELETE /runs/{token}, GET /healthz.

A state is {token, status, progress, result, runs_started}. They are for programs on this machine, or on the private network of a container:
a page in a browser here reaches the port too, but it can neither name another host nor send JSON without asking first.
"""

import json
import math
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from . import instance
from .runs import Busy, Order, Runs

TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_BYTES = 6 * 1024 * 1024  # what a function takes
HOSTS = frozenset({"127.0.0.1", "localhost"})
RUNS = web.AppKey("runs", Runs)
NAMES = web.AppKey("names", frozenset[str])


def application(runs: Runs, *, name: str = "localhost") -> web.Application:
    """`name`: what it may be asked by, besides the names that each machine has for itself."""
    app = web.Application(client_max_size=MAX_BYTES, middlewares=[_for_programs_here])
    app[RUNS] = runs
    app[NAMES] = HOSTS | {name}
    app.add_routes(
        [
            web.post("/runs", _submit),
            web.get("/runs/{token}", _state),
            web.delete("/runs/{token}", _end),
            web.get("/healthz", _health),
        ]
    )
    app.on_startup.append(lambda app: runs.open())
    app.on_cleanup.append(lambda app: runs.close())
    return app


@web.middleware
async def _for_programs_here(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    names = request.app[NAMES]
    if urlsplit(f"//{request.host}").hostname not in names:
        return _refused(403, "wrong_host", f"Ask for {' or '.join(sorted(names))}.")
    if request.method == "POST" and request.content_type != "application/json":
        return _refused(415, "wrong_type", "Send application/json.")
    return await handler(request)


async def _submit(request: web.Request) -> web.Response:
    try:
        order = _order(json.loads(await request.read()))
    except LookupError as fault:
        return _refused(404, "no_such_function", str(fault.args[0]))
    except (ValueError, RecursionError) as fault:
        return _refused(400, "bad_request", str(fault))
    try:
        return web.json_response(request.app[RUNS].submit(order), status=202)
    except Busy as fault:
        return _refused(429, "busy", str(fault))


async def _state(request: web.Request) -> web.Response:
    return _answer(request.app[RUNS].state(_token(request)))


async def _end(request: web.Request) -> web.Response:
    return _answer(await request.app[RUNS].end(_token(request)))


async def _health(request: web.Request) -> web.Response:
    return web.json_response({"ok": True, "functions": sorted(instance.names())})


def _order(body: Any) -> Order:
    """Raises ValueError that says what is wrong, LookupError for a function that there is not."""
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    token, event, limit = body.get("token"), body.get("event"), body.get("time_limit_s")
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        raise ValueError("token must be 1 to 64 of A-Z a-z 0-9 _ -")
    if not isinstance(event, dict):
        raise ValueError("event must be an object")
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not (limit > 0 and math.isfinite(limit)):
        raise ValueError("time_limit_s must be a number of seconds above 0")
    if body.get("function") not in (known := instance.names()):
        raise LookupError(f"there is no function {body.get('function')!r}; there are {', '.join(sorted(known))}")
    return Order(token, body["function"], event, float(limit))


def _token(request: web.Request) -> str:
    token = request.match_info["token"]
    if not TOKEN.fullmatch(token):
        raise web.HTTPNotFound
    return token


def _answer(state: dict[str, Any] | None) -> web.Response:
    unknown = {"status": "unknown", "progress": 0.0, "result": None, "runs_started": 0}
    return web.json_response(state or unknown, status=200 if state else 404)


def _refused(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)

"""The process's one event loop, in a thread of its own: it holds the kept-alive sessions; the database stays in the pumps' threads."""

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any

import uvloop

_lock = Lock()
_loop: asyncio.AbstractEventLoop | None = None
_running: set[asyncio.Task] = set()  # a loop keeps no hold on its tasks


def start(coroutine: Coroutine[Any, Any, Any]) -> Future:
    """Run a coroutine on the process's event loop."""
    return asyncio.run_coroutine_threadsafe(coroutine, running())


def start_all(coroutines: Sequence[Coroutine[Any, Any, Any]]) -> None:
    """The same for many, of which nobody waits for an answer, by one wake of the loop."""
    running().call_soon_threadsafe(_start_all, coroutines)


def _start_all(coroutines: Sequence[Coroutine[Any, Any, Any]]) -> None:
    for coroutine in coroutines:
        task = running().create_task(coroutine)
        _running.add(task)
        task.add_done_callback(_running.discard)


def running() -> asyncio.AbstractEventLoop:
    """The loop, started when first asked for: after a fork, so that no child inherits a thread that is not there."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = uvloop.new_event_loop()
            Thread(target=_loop.run_forever, name="upstream-calls", daemon=True).start()
        return _loop

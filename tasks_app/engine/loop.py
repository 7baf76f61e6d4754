"""The process's one event loop, in a thread of its own: it holds the kept-alive sessions; the database stays in the pumps' threads."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any

_lock = Lock()
_loop: asyncio.AbstractEventLoop | None = None


def start(coroutine: Coroutine[Any, Any, Any]) -> Future:
    """Run a coroutine on the process's event loop."""
    return asyncio.run_coroutine_threadsafe(coroutine, running())


def running() -> asyncio.AbstractEventLoop:
    """The loop, started when first asked for: after a fork, so that no child inherits a thread that is not there."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            Thread(target=_loop.run_forever, name="upstream-calls", daemon=True).start()
        return _loop

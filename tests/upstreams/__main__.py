"""Serve a simulator as a process of its own, until a signal: python -m tests.upstreams plasma --port 8901 [--seconds 3]

`cos` and `scf` print, once they serve, the variables by which Darkroom keeps its files, or has its functions, there. The others' books are
read, and their jobs ended, over HTTP as well, at doors that are no part of the protocol:
    GET /books → {received, bought, polls, fetched, connections, requests, done_at: {job: Unix seconds}}
    POST /finish?spread=S&count=N → ends N open jobs (all, unless told), evenly over the next S seconds
"""

import argparse
import asyncio
import json
import signal
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from aiohttp import web

from . import Cos, Scf, Sts
from .listener import Listener
from .scf_instances import Role
from .simulator import Simulator

CLOUD: dict[str, type[Cos | Scf | Sts]] = {"cos": Cos, "scf": Scf, "sts": Sts}


def dialects() -> dict[str, type[Simulator]]:
    """Every simulator beside this file, by the name of its module."""
    for module in iter_modules([str(Path(__file__).parent)]):
        if not module.name.startswith(("_", "test_")):
            import_module(f"tests.upstreams.{module.name}")
    return {kind.__module__.rpartition(".")[2]: kind for kind in Simulator.__subclasses__()}


def with_doors(dialect: type[Simulator]) -> type[Simulator]:
    """The dialect with the two doors above."""

    class Served(dialect):  # type: ignore[valid-type, misc]
        async def _obey(self, request: web.BaseRequest) -> web.StreamResponse:
            match request.method, request.path:
                case "GET", "/books":
                    return web.json_response(books(self))
                case "POST", "/finish":
                    spread, count = float(request.query.get("spread", 0)), request.query.get("count")
                    return web.json_response({"finishing": finish_spread(self, spread, int(count) if count else None)})
            return await super()._obey(request)

    return Served


def books(simulator: Simulator) -> dict[str, Any]:
    now = time.time()
    counters = {name: dict(getattr(simulator, name)) for name in ("received", "polls", "fetched", "requests")}
    done_at = {job.id: job.done_at for job in simulator.jobs.values() if job.is_over(now)}
    return counters | {"bought": simulator.bought, "connections": simulator.connections, "done_at": done_at}


def finish_spread(simulator: Simulator, spread: float, count: int | None = None) -> int:
    """Let `count` open jobs (None: all) end one after another over `spread` seconds; returns how many."""
    now = time.time()
    open_jobs = [job for job in simulator.jobs.values() if not job.is_over(now)][:count]
    for number, job in enumerate(open_jobs):
        job.done_at = now + spread * number / len(open_jobs)
    return len(open_jobs)


async def serve(simulator: Listener) -> None:
    serving = asyncio.ensure_future(simulator.serve(lambda: print(*said(simulator), sep="\n", flush=True)))
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


def said(simulator: Listener) -> list[str]:
    variables = simulator.variables.items() if isinstance(simulator, Cos | Scf | Sts) else ()
    keys = [f"credentials {json.dumps(simulator.credentials)}"] if isinstance(simulator, Simulator) else []
    return [f"serving on {simulator.url}", *keys, *(f"export {name}={value}" for name, value in variables if value)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.upstreams", description=__doc__.split("\n")[0])
    known = dialects()
    parser.add_argument("dialect", choices=[*known, *CLOUD])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a job takes")
    parser.add_argument("--manual", action="store_true", help="jobs take until POST /finish")
    parser.add_argument("--instant", action="store_true", help="jobs are done in the submit's own answer")
    given = parser.parse_args()
    if given.dialect in CLOUD:
        cloud = CLOUD[given.dialect](port=given.port)
        if isinstance(cloud, Cos):
            cloud.trust(Role())  # that of the other one's functions
        return asyncio.run(serve(cloud))
    dialect = with_doors(known[given.dialect])
    return asyncio.run(serve(dialect(seconds=given.seconds, manual=given.manual, instant=given.instant, port=given.port)))


if __name__ == "__main__":
    main()

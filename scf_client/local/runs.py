"""The runs of this runtime. A token has one run: asked for again, it is the same one, and its result outlives the runtime.

Only a run that an ending runtime took along starts anew, when the next runtime opens.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from ..functions.common import logs
from .folder import Folder
from .instance import Died
from .pool import Pool

log = logging.getLogger(__name__)

TIDY_EVERY_S = 3600
MOST_RESUMED = 20  # a deploy ends the runtime too, so this must not be few
MOST_OPEN = 200  # an order holds up to 6 MB of memory while it waits


class Busy(Exception):
    """As many runs are open as may be; this one was not taken."""


@dataclass(frozen=True)
class Order:
    """What a client asks for: `event` holds kind and input, `time_limit_s` counts from when the run starts."""

    token: str
    function: str
    event: Mapping[str, Any]
    time_limit_s: float


@dataclass
class Run:
    """One run in memory, until its final state is on disk."""

    order: Order
    status: str = "queued"
    result: dict[str, Any] | None = None
    runs_started: int = 0
    is_canceled: bool = False
    task: asyncio.Task | None = field(default=None, repr=False)


class Runs:
    def __init__(self, folder: Folder, pool: Pool):
        self._folder, self._pool = folder, pool
        self._runs: dict[str, Run] = {}
        self._http: aiohttp.ClientSession | None = None
        self._keeper: asyncio.Task | None = None

    async def open(self) -> None:
        # Without kept-alive connections an instance that has died meanwhile cannot swallow an event.
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))
        for kept in self._folder.unfinished():
            try:
                self._resume(Order(**kept["order"]), kept["resumed"])
            except (LookupError, TypeError, OSError):
                log.exception("an order cannot be taken up")
        self._keeper = asyncio.create_task(self._keep_tidy())

    async def close(self) -> None:
        """End every run without a result, and every instance."""
        if self._keeper:
            self._keeper.cancel()
        tasks = [run.task for run in self._runs.values() if run.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.close()
        if self._http:
            await self._http.close()

    def submit(self, order: Order) -> dict[str, Any]:
        """The state of the token's run, which is started if there is none.

        Raises Busy, or OSError where the order cannot be kept; nothing was started then.
        """
        # No await between look-up and entry: two requests at once cannot start two runs.
        if (state := self.state(order.token)) is not None:
            return state
        if len(self._runs) >= MOST_OPEN:
            raise Busy(f"{MOST_OPEN} runs are open: try again when some are over.")
        self._folder.accept(order.token, {"order": asdict(order), "resumed": 0})
        return self._shown(self._start(order))

    def state(self, token: str) -> dict[str, Any] | None:
        """None where the token is unknown."""
        if run := self._runs.get(token):
            return self._shown(run)
        return self._folder.state(token)

    async def end(self, token: str) -> dict[str, Any] | None:
        """Kill a run that is not over; returns its state, None where the token is unknown."""
        run = self._runs.get(token)
        if run and run.task and not run.task.done():
            run.is_canceled = True
            run.task.cancel()
            await asyncio.wait([run.task])
            if run.result is None:  # it was canceled before its first step
                self._land(run, _failed("canceled", "The run was ended on request."))
        return self.state(token)

    def _resume(self, order: Order, times: int) -> None:
        """Start a run anew that an ended runtime took along; one that may be what ends them is given up."""
        if times > MOST_RESUMED:
            self._runs[order.token] = run = Run(order)
            self._land(run, _failed("runtime_died", f"The runtime ended {times} times during this run."))
            return
        log.info("run of %s starts anew: the runtime ended before it did", order.function)
        self._start(order)

    def _start(self, order: Order) -> Run:
        run = self._runs[order.token] = Run(order)
        run.task = asyncio.create_task(self._carry_out(run))
        return run

    async def _keep_tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_EVERY_S)
            try:
                await asyncio.to_thread(self._folder.remove_old, now=time.time())
            except OSError:
                log.exception("what is old could not be removed; the next try is in an hour")

    async def _carry_out(self, run: Run) -> None:
        logs.token.set(run.order.token)
        try:
            result = await self._result(run)
        except asyncio.CancelledError:
            if not run.is_canceled:
                raise  # the runtime ends: the next one starts the run anew
            result = _failed("canceled", "The run was ended on request.")
        self._land(run, result)

    def _session(self) -> aiohttp.ClientSession:
        assert self._http is not None, "runs begin after start()"
        return self._http

    async def _result(self, run: Run) -> dict[str, Any]:
        order = run.order
        try:
            async with self._pool.lent(order.function) as instance:
                out, work = self._folder.begin(order.token)
                run.status, run.runs_started = "running", run.runs_started + 1
                event = {**order.event, "token": order.token, "out": str(out), "work": str(work)}
                return _located(await instance.invoke(self._session(), event, time_limit_s=order.time_limit_s), out)
        except TimeoutError:
            return _failed(
                "time_limit", f"The run took longer than its {order.time_limit_s:g} s and was ended: ask for less, or allow more time."
            )
        except Died as fault:
            log.warning("an instance of %s died: %s", order.function, fault)
            if fault.of_memory:
                return _failed("out_of_memory", "This needs more memory than a function has: ask for a smaller result.")
            return _failed("instance_died", "The function's process died in the middle of the run.")
        except Exception:
            log.exception("the run failed")
            return _failed("internal", "The run failed; the runtime's log has the reason.")

    def _land(self, run: Run, result: dict[str, Any]) -> None:
        run.status, run.result = "finished" if result["ok"] else "failed", result
        log.info("run of %s %s", run.order.function, run.status)
        try:
            self._folder.end(run.order.token, self._shown(run))
        except OSError:
            log.exception("the result could not be written; it is kept in memory")
        else:
            self._runs.pop(run.order.token, None)

    def _shown(self, run: Run) -> dict[str, Any]:
        progress = 1.0 if run.status == "finished" else self._folder.progress(run.order.token)
        return {
            "token": run.order.token,
            "status": run.status,
            "progress": progress,
            "result": run.result,
            "runs_started": run.runs_started,
        }


def _located(envelope: dict[str, Any], out: Path) -> dict[str, Any]:
    """The envelope with each output's whole path, since only the runtime knows where its root is."""
    if not envelope["ok"]:
        return envelope
    return {**envelope, "outputs": [{**output, "path": str(out / output["file"])} for output in envelope["outputs"]]}


def _failed(code: str, message: str) -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "message": message, "field": None}}

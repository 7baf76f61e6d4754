"""(j) 1,000 open streams in one process: what they cost while nothing happens, and while much does."""

import asyncio
import os
import re
import sys
import time
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen
from uuid import UUID

from . import darkroom
from .ground import Ground, process
from .processes import cpu_s, family, pss_mb
from .rows import Result, Row

TITLE = "Stream: 1,000 clients follow a task each"
TEXT = """
One process of the stream tier, two accounts with 500 streams each. For a while nothing happens but heartbeats, one every 15 s; then
each task moves four times, 100 tasks in a transaction. A change counts from its commit until its client has it, on this
machine. Resident memory is that of the worker, the interpreter and all libraries included.
"""
STREAMS, ACCOUNTS, QUIET_S = 1000, 2, 20
TOGETHER, PAUSE_S = 100, 0.25
MOVES = ("submitting", "running", "storing", "succeeded")
STATE = re.compile(rb'event: state\nid: \d+\ndata: {"status":"(\w+)","stage":(?:"(\w+)"|null)')


def main(ground: Ground) -> Result:
    darkroom.model(ground, "plasma")
    darkroom.forget_tasks()
    asked = _tasks()
    with _tier(ground) as (pids, port):
        return asyncio.run(_measured(pids, port, asked))


async def _measured(pids: Sequence[int], port: int, asked: Sequence[tuple[UUID, str]]) -> Result:
    _, worker = pids
    empty, empty_pss = _resident_mb(worker), pss_mb(pids)
    clients = [Client(task, key) for task, key in asked]
    opening = time.monotonic()
    await asyncio.gather(*(client.open(port) for client in clients))
    opening = time.monotonic() - opening
    reading = [asyncio.create_task(client.read()) for client in clients]
    cpu = cpu_s([worker])
    await asyncio.sleep(QUIET_S)
    idle = (cpu_s([worker]) - cpu) / QUIET_S
    resident, pss = _resident_mb(worker), pss_mb(pids)
    cpu = cpu_s([worker])
    moved = await asyncio.to_thread(_move_all, [client.task for client in clients])
    await asyncio.wait_for(asyncio.gather(*reading), 120)
    spent = cpu_s([worker]) - cpu
    lags = sorted(at - moved[client.task, status] for client in clients for status, at in client.heard)
    p99 = lags[int(len(lags) * 0.99)]
    return Result(
        TITLE,
        TEXT,
        [
            Row("resident at 1,000 open", f"{resident:,.0f} MB", aim="< 150 MB", met=resident < 150),
            Row("· with none open", f"{empty:,.0f} MB"),
            Row("PSS of worker and parent, with 1,000 and with none", f"{pss:,.0f} MB, {empty_pss:,.0f} MB"),
            Row("to open 1,000", f"{opening:.1f} s"),
            Row("CPU while nothing happens", f"{idle:.1%} of a core"),
            Row("CPU seconds for 1,000 changes", f"{spent / len(lags) * 1000:.2f} s"),
            Row("commit → client, P50, P99", f"{lags[len(lags) // 2] * 1000:.0f} ms, {p99 * 1000:.0f} ms", aim="< 1 s", met=p99 < 1),
            Row(
                "changes that did not come",
                f"{len(clients) * len(MOVES) - len(lags)}",
                aim="none",
                met=len(lags) == len(clients) * len(MOVES),
            ),
        ],
    )


class Client:
    """One that follows a task until it is over; `heard` are the states with their times."""

    def __init__(self, task: UUID, key: str):
        self.task, self._key = task, key
        self.heard: list[tuple[str, float]] = []

    async def open(self, port: int) -> None:
        from tasks_app.ids import shown

        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        path = f"/api/v1/tasks/{shown('task', self.task)}/events"
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._key}\r\n\r\n".encode())
        head = await self._reader.readuntil(b"event: snapshot")
        assert head.startswith(b"HTTP/1.1 200"), head

    async def read(self) -> None:
        rest = b""
        while piece := await self._reader.read(1 << 16):
            *events, rest = (rest + piece).split(b"\n\n")
            for status, stage in (state.groups() for event in events if (state := STATE.search(event))):
                self.heard.append(((stage or status).decode(), time.time()))
            if self.heard and self.heard[-1][0] == MOVES[-1]:
                break
        self._writer.close()


@contextmanager
def _tier(ground: Ground):
    command = (sys.executable, "-m", "gunicorn", "-c", "deploy/stream.conf.py", "config.asgi")
    with TemporaryDirectory(prefix="darkroom-bench-") as folder:
        variables = {"STREAM_BIND": f"127.0.0.1:{ground.web_port}", "STREAM_SOCKET": f"{folder}/handover"}
        env = os.environ | ground.variables() | variables | {"STREAM_LIMIT_PER_ACCOUNT": str(STREAMS)}
        with process(*command, until=partial(_answers, ground.web_port), env=env) as running:
            yield family(running.pid), ground.web_port


def _answers(port: int) -> bool:
    """Which the worker does once it has loaded the application."""
    with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30):
        return True
    return False


def _tasks() -> list[tuple[UUID, str]]:
    """A waiting task for each client, with its account's key."""
    from tasks_app.models import Task

    asked = []
    for customer in darkroom.customers(ACCOUNTS):
        darkroom.waiting_tasks(customer, STREAMS // ACCOUNTS)
        ids = Task.objects.filter(account=customer.account_id).values_list("id", flat=True)
        asked += [(id, customer.key) for id in ids]
    return asked


def _move_all(tasks: Sequence[UUID]) -> dict[tuple[UUID, str], float]:
    """Each task through its life; when each change was committed."""
    from django.db import connections, transaction
    from django.utils import timezone

    from tasks_app.engine import lifecycle
    from tasks_app.models import Task
    from tasks_app.watch import news

    owners, moved = dict(Task.objects.values_list("id", "account_id")), {}
    for status in MOVES:
        for first in range(0, len(tasks), TOGETHER):
            some = tasks[first : first + TOGETHER]
            with transaction.atomic():
                Task.objects.filter(id__in=some).update(status=status)
                lifecycle.record(some, status, now=timezone.now())
            moved |= dict.fromkeys(((task, status) for task in some), time.time())
            news.tell({owners[task] for task in some}, {})
            time.sleep(PAUSE_S)
    connections.close_all()
    return moved


def _resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

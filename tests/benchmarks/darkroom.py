"""Darkroom on the ground of this run: its database, accounts, model, and the processes that serve it.

`prepare` comes first: only after it may Darkroom's own modules be imported, so the rest of this module imports them late.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import Popen
from typing import Any

from .ground import WORK, Ground, listens, process, wait_for
from .processes import children

MODEL = "bench/picture"
INPUT = {"prompt": "a paper kite over the sea"}
CREDITS = 10**9
NO_CAP = 10**6
STEPS = "submit,poll,store,notify,upkeep"
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["prompt"],
    "properties": {"prompt": {"type": "string", "minLength": 1}},
}


def prepare(ground: Ground) -> None:
    """An empty, migrated database, and Django set up in this process."""
    from .peer import connect

    os.environ |= ground.variables()
    with connect(ground) as cursor:
        cursor.execute("DROP DATABASE IF EXISTS darkroom_bench")
        cursor.execute("CREATE DATABASE darkroom_bench CHARACTER SET utf8mb4")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def model(ground: Ground, dialect: str, *, adapter: str = "") -> None:
    """Serve MODEL, at a credit a picture, by the simulated upstream of this dialect alone, through `adapter` or the dialect's own."""
    from django.utils import timezone

    from providers import credentials
    from providers.models import Provider, PublicModel, Route
    from tests.upstreams import Plasma

    provider, is_new = Provider.objects.update_or_create(
        name=dialect, defaults={"adapter": adapter or f"{dialect}_adapter", "base_url": ground.upstream_url}
    )
    if is_new:
        credentials.rotate(provider, {"key": Plasma.KEY}, now=timezone.now())
    facts = {"kind": "image.generate", "title": "Picture", "input_schema": SCHEMA, "price": "1"}
    public, _ = PublicModel.objects.update_or_create(name=MODEL, defaults=facts)
    Route.objects.exclude(provider=provider).delete()
    Route.objects.get_or_create(model=public, provider=provider, upstream_model=f"{dialect}-image")


@dataclass(frozen=True)
class Customer:
    account_id: int
    key: str


def customers(count: int, *, max_active: int = NO_CAP) -> list[Customer]:
    """New accounts, each with a key and more credits than a run can spend."""
    from django.utils import timezone

    from accounts import credits, keys
    from accounts.models import Account

    made, now = [], timezone.now()
    for _ in range(count):
        account = Account.objects.create(name=f"bench {Account.objects.count()}", max_active=max_active)
        credits.grant(account.id, CREDITS, by="benchmark", note="", now=now)
        made.append(Customer(account.id, keys.make(account, "benchmark", now=now)[1]))
    return made


def forget_tasks() -> None:
    """No task, and no credit held."""
    from django.db import connection

    from accounts.models import Account
    from tasks_app.models import Attempt, Output, Task, TaskEvent

    with connection.cursor() as cursor:
        for table in (Task, Output, Attempt, TaskEvent):
            cursor.execute(f"TRUNCATE TABLE {table._meta.db_table}")
    Account.objects.update(held=0, active=0)
    shutil.rmtree(WORK / "storage", ignore_errors=True)


def waiting_tasks(owner: Customer, count: int) -> None:
    """Accept this many tasks of MODEL."""
    from tasks_app.engine import accept
    from tasks_app.engine.clock import database_clock

    order = accept.Order(model=MODEL, input=INPUT)
    for at_once in [500] * (count // 500):
        accept.many(owner.account_id, [order] * at_once, now=database_clock())


def count(status: str) -> int:
    """Tasks of this status now."""
    from tasks_app.models import Task

    return Task.objects.filter(status=status).count()


def finished_tasks(owners: list[Customer], *, each: int) -> list[tuple[str, str]]:
    """Give each account this many finished tasks with one output; returns (key, path of one task) pairs."""
    from tasks_app import ids, render
    from tasks_app.models import Output, Task

    forget_tasks()
    tasks = [_finished_task(owner.account_id) for _ in range(each) for owner in owners]
    outputs = [_output(task) for task in tasks]
    for task, output in zip(tasks, outputs, strict=True):
        task.outputs_shown = render.outputs([output])
    Task.objects.bulk_create(tasks, batch_size=1000)
    Output.objects.bulk_create(outputs, batch_size=1000)
    keys = {owner.account_id: owner.key for owner in owners}
    return [(keys[task.account_id], f"/api/v1/tasks/{ids.shown('task', task.id)}") for task in tasks[-2000:]]


def _finished_task(account_id: int) -> Any:
    from django.utils import timezone

    from tasks_app import ids
    from tasks_app.models import Task

    now = timezone.now()
    return Task(
        id=ids.new(),
        account_id=account_id,
        kind="image.generate",
        model=MODEL,
        status=Task.Status.SUCCEEDED,
        progress=1,
        input=INPUT,
        request_hash=b"",
        cost_items=[{"what": MODEL, "credits": 1}],
        hold=1,
        captured=1,
        attempts=1,
        deadline_at=now,
        created_at=now,
        started_at=now,
        finished_at=now,
        updated_at=now,
    )


def _output(task: Any) -> Any:
    from tasks_app.ids import shown
    from tasks_app.models import Output

    key = f"outputs/{shown('task', task.id)}/0"
    return Output(
        task_id=task.id,
        account_id=task.account_id,
        position=0,
        type="image",
        content_type="image/png",
        bytes=1_400_000,
        sha256="0" * 64,
        width=1024,
        height=1024,
        key=key,
        created_at=task.created_at,
    )


@dataclass(frozen=True)
class Web:
    """The web tier; `workers` change while it serves, because each is recycled after its share of requests."""

    url: str
    master: int

    @property
    def workers(self) -> list[int]:
        return children(self.master)

    @property
    def pids(self) -> list[int]:
        return [self.master, *self.workers]


@contextmanager
def web(ground: Ground) -> Iterator[Web]:
    """The web tier as deployed: gunicorn with deploy/gunicorn.conf.py."""
    command = (sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "config.wsgi")
    with process(*command, until=listens(ground.web_port)) as master:
        wait_for(lambda: len(children(master.pid)) >= 3, within=20, what="three web workers")
        yield Web(f"http://127.0.0.1:{ground.web_port}", master.pid)


@contextmanager
def worker(queues: str = STEPS) -> Iterator[Popen]:
    """One worker process for these queues, with threads, as the Procfile starts it."""
    words = ("-A", "config", "worker", "--pool", "threads", "--concurrency", "8", "--queues", queues, "--loglevel", "WARNING")
    with process(sys.executable, "-m", "celery", *words, until=lambda: True) as running:
        yield running


@contextmanager
def upstream(ground: Ground, dialect: str, *options: str) -> Iterator[Popen]:
    """A simulated upstream as a process of its own."""
    command = (sys.executable, "-m", "tests.upstreams", dialect, "--port", str(ground.upstream_port), *options)
    with process(*command, until=listens(ground.upstream_port)) as running:
        yield running

"""(k) The pages for people: the admin's beside a million tasks, and the studio's first in a browser."""

import time
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

from . import darkroom
from .ground import Ground
from .rows import Result, Row

TITLE = "Pages: the admin beside a million tasks, the studio's first"
TEXT = """
A million tasks of 100 accounts within 30 days, a tenth of them failed, each with an attempt, an output and a booking in the ledger. Each
page is asked for six times; the first warms the server's caches, and the median of the rest is told. The studio's first page counts from
its address until its form and price are there, in Chromium on the same machine.
"""
TASKS, AT_ONCE, ACCOUNTS, DAYS, TIMES = 1_000_000, 100_000, 100, 30, 5
ADMIN_MS, STUDIO_MS, STUDIO_KB = 300, 1000, 150
# Time order, as ids of tasks have it (RFC 9562, 5.7); the last digits tell the rows of one millisecond apart.
ID = "UNHEX(CONCAT(LPAD(HEX(CAST(%(began_ms)s + seq * %(every_ms)s AS UNSIGNED)), 12, '0'), '70008', LPAD(HEX(seq), 15, '0')))"
AT = "FROM_UNIXTIME((%(began_ms)s + seq * %(every_ms)s) / 1000)"
HAS_FAILED = "seq %% 10 = 0"
READY = "performance.getEntriesByName(new URL('/api/v1/tasks/quote', location.href).href).at(-1).responseEnd"
LOADED = "performance.getEntries().filter(one => one.encodedBodySize).reduce((sum, one) => sum + one.encodedBodySize, 0)"


def main(ground: Ground) -> Result:
    from tasks_app import hours
    from tasks_app.engine.clock import database_clock

    darkroom.model(ground, "plasma")
    owners = darkroom.customers(ACCOUNTS)
    darkroom.finished_tasks(owners[:1], each=1)
    fill([owner.account_id for owner in owners])
    hours.run_once(clock=database_clock, limit=DAYS * 24 + 2)
    with darkroom.web(ground) as web:
        took = {what: took_ms(web.url, path, operator()) for what, path in paths().items()}
        ready_ms, loaded = first_page(web.url, owners[0].key)
    return Result(TITLE, TEXT, [*(row(what, ms) for what, ms in took.items()), *studio_rows(ready_ms, loaded)])


def row(what: str, ms: float) -> Row:
    return Row(f"admin: {what}", f"{ms:,.0f} ms", aim=f"< {ADMIN_MS} ms", met=ms < ADMIN_MS)


def studio_rows(ready_ms: float, loaded: int) -> Iterator[Row]:
    yield Row("studio: first page ready", f"{ready_ms:,.0f} ms", aim=f"< {STUDIO_MS:,} ms", met=ready_ms < STUDIO_MS)
    yield Row("studio: bytes of it", f"{loaded / 1000:,.0f} kB", aim=f"< {STUDIO_KB} kB", met=loaded < STUDIO_KB * 1000)


def fill(accounts: list[int]) -> None:
    """Copies of one task, and of what belongs to it, until there are TASKS."""
    from accounts.models import LedgerEntry
    from providers.models import Route
    from tasks_app.models import Attempt, Output, Task

    task, route = Task.objects.get(), Route.objects.get()
    own = {"account_id": f"{accounts[0]} + seq %% {len(accounts)}", "created_at": AT}
    status = {"status": f"IF({HAS_FAILED}, 'failed', 'succeeded')", "error_code": f"IF({HAS_FAILED}, 'generation_failed', '')"}
    times = dict.fromkeys(("started_at", "finished_at", "updated_at", "deadline_at"), AT)
    copy(Task, task, own | status | times | {"id": ID, "provider_id": f"{route.provider_id}", "route_id": f"{route.id}"})
    attempt = Attempt.objects.create(
        task_id=task.id, token="first", provider=route.provider, route=route, intended_at=task.created_at, outcome="accepted"
    )
    copy(Attempt, attempt, {"task_id": ID, "token": "seq", "intended_at": AT, "landed_at": AT})
    copy(Output, Output.objects.get(), own | {"id": ID, "task_id": ID})
    entry = LedgerEntry.objects.create(account_id=accounts[0], kind="capture", amount=-1, reference="first", created_at=task.created_at)
    copy(LedgerEntry, entry, own | {"reference": "CONCAT('capture:', seq)"})


def copy(table: Any, row: Any, columns: Mapping[str, str]) -> None:
    """TASKS copies of a row; `columns` are SQL, by a number `seq`."""
    from django.db import connection

    names = [field.column for field in table._meta.fields if not field.primary_key or field.column in columns]
    written = ", ".join(columns.get(name, f"model.`{name}`") for name in names)
    began_ms = (time.time() - DAYS * 86_400) * 1000
    values = {"began_ms": int(began_ms), "every_ms": DAYS * 86_400_000 / TASKS, "pk": row._meta.pk.get_db_prep_value(row.pk, connection)}
    with connection.cursor() as cursor:
        for first in range(1, TASKS + 1, AT_ONCE):
            cursor.execute(
                f"INSERT INTO {table._meta.db_table} ({', '.join(f'`{name}`' for name in names)}) SELECT {written} "
                f"FROM seq_{first}_to_{first + AT_ONCE - 1}, "
                f"(SELECT * FROM {table._meta.db_table} WHERE {row._meta.pk.column} = %(pk)s) AS model",
                values,
            )


def paths() -> dict[str, str]:
    from tasks_app.ids import shown
    from tasks_app.models import Task

    task = Task.objects.order_by("-id")[TASKS // 2]
    tasks, account = "/admin/tasks_app/task/", f"/admin/accounts/account/{task.account_id}/change/"
    return {
        "first page": "/admin/",
        "tasks": tasks,
        "tasks, failed": f"{tasks}?status=failed",
        "tasks, one looked for": f"{tasks}?q={shown('task', task.id)}",
        "a task": f"{tasks}{shown('task', task.id)}/change/",
        "attempts": "/admin/tasks_app/attempt/",
        "outputs": "/admin/tasks_app/output/",
        "ledger": "/admin/accounts/ledgerentry/",
        "accounts": "/admin/accounts/account/",
        "an account": account,
        "providers": "/admin/providers/provider/",
    }


def operator() -> str:
    """The cookie of one who may see it all."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.filter(username="olga").first() or User.objects.create_superuser("olga"))
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())


def took_ms(url: str, path: str, cookie: str) -> float:
    def once() -> float:
        began = time.perf_counter()
        with urlopen(Request(url + path, headers={"Cookie": cookie}), timeout=60) as answer:
            assert "/login/" not in answer.url, path
            answer.read()
        return (time.perf_counter() - began) * 1000

    return median([once() for _ in range(1 + TIMES)][1:])


def first_page(url: str, key: str) -> tuple[float, int]:
    """Milliseconds until it can be used, and its bytes, both with nothing kept from before."""
    from playwright.sync_api import expect

    from tests.browser import chromium

    with chromium() as browser:
        seen = []
        for _ in range(TIMES):
            context = browser.new_context(base_url=url)
            ours = {"Sec-Fetch-Site": "same-origin"}
            assert context.request.post("/studio/session", data={"key": key}, headers=ours).status == 204
            page = context.new_page()
            page.goto("/studio/")
            expect(page.locator(".price")).to_contain_text("credit")
            seen.append((page.evaluate(READY), page.evaluate(LOADED)))
            context.close()
    return median(ms for ms, _ in seen), max(size for _, size in seen)

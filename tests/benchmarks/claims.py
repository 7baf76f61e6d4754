"""(e) What a claim costs when many finished tasks are kept."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

from . import darkroom
from .ground import Ground
from .rows import Result, Row

TITLE = "Claims: with 10 thousand and with 2 million finished tasks kept"
TEXT = """
100 rows are claimed 40 times, once from 2,000 running tasks that are due and once from 2,000 queued ones: first with 10,000
finished tasks in the table, then with 2 million. Pages are what InnoDB read from its buffer pool meanwhile.
"""
FEW, MANY, AT_ONCE = 10_000, 2_000_000, 200_000
LIVE, CLAIM, ROUNDS = 2000, 100, 40


def main(ground: Ground) -> Result:
    darkroom.model(ground, "plasma")
    (owner,) = darkroom.customers(1)
    darkroom.finished_tasks([owner], each=1)
    few = with_finished(1, FEW, owner)
    many = with_finished(FEW, MANY, owner)
    return Result(TITLE, TEXT, [row for name in few for row in rows(name, few[name], many[name])])


def rows(name: str, few: tuple[float, float], many: tuple[float, float]) -> list[Row]:
    """`few` and `many` are (pages, seconds) of one claim."""
    units = (("pages", f"{many[0]:,.0f}", f"{few[0]:,.0f}"), ("time", f"{many[1] * 1000:.1f} ms", f"{few[1] * 1000:.1f} ms"))
    ratios = [many[place] / few[place] for place in (0, 1)]
    return [
        Row(f"{name}, {unit} of a claim: 2 million (10 thousand beside it)", ours, theirs, ratio, "≤ 1.2 ×", ratio <= 1.2)
        for (unit, ours, theirs), ratio in zip(units, ratios, strict=True)
    ]


def with_finished(have: int, want: int, owner: darkroom.Customer) -> dict[str, tuple[float, float]]:
    """Bring the finished tasks to `want`, and measure."""
    from django.utils import timezone

    from tasks_app.engine import claims, slots
    from tasks_app.models import Task

    multiply(have, want)
    Task.objects.exclude(status="succeeded").delete()
    darkroom.waiting_tasks(owner, 2 * LIVE)
    ids = list(Task.objects.filter(status="queued").values_list("id", flat=True)[:LIVE])
    Task.objects.filter(id__in=ids).update(status="running", lane="")
    return {
        "running": measured(lambda: claims.take("running", limit=CLAIM, now=timezone.now()), "running"),
        "queued": measured(lambda: slots.take(CLAIM, now=timezone.now()), "queued"),
    }


def measured(claim: Callable[[], list], status: str) -> tuple[float, float]:
    """Median pages and seconds of one claim; what it took is given back between two."""
    return tuple(median(values) for values in zip(*(one(claim, status) for _ in range(ROUNDS)), strict=True))


def one(claim: Callable[[], list], status: str) -> tuple[float, float]:
    from django.db.models import F
    from django.utils import timezone

    from tasks_app.models import Attempt, Task, TaskEvent

    pages, began = pages_read(), time.perf_counter()
    taken = claim()
    seconds, pages = time.perf_counter() - began, pages_read() - pages
    assert len(taken) == CLAIM
    ids = [claimed.id for claimed in taken]
    lane = F("model") if status == "queued" else ""
    Task.objects.filter(id__in=ids).update(
        status=status, lane=lane, lease_token=0, lost_claims=0, due_at=timezone.now(), provider=None, attempts=0
    )
    Attempt.objects.filter(task_id__in=ids).delete()
    TaskEvent.objects.filter(task_id__in=ids).delete()
    return pages, seconds


def pages_read() -> int:
    with cursor() as asked:
        asked.execute("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_read_requests'")
        return int(asked.fetchone()[1])


def multiply(have: int, want: int) -> None:
    """Copy one finished task until there are `want`; the copies' ids go up, as those of tasks do."""
    from tasks_app.models import Task

    others = ", ".join(f"`{field.column}`" for field in Task._meta.fields if not field.primary_key)
    with cursor() as asked:
        asked.execute("SELECT id FROM tasks_app_task WHERE status = 'succeeded' ORDER BY id DESC LIMIT 1")
        (model,) = asked.fetchone()
        for first in range(have + 1, want + 1, AT_ONCE):
            last = min(first + AT_ONCE - 1, want)
            asked.execute(
                f"INSERT INTO tasks_app_task (id, {others}) SELECT UNHEX(LPAD(HEX(seq), 32, '0')), {others} "
                f"FROM seq_{first}_to_{last}, (SELECT * FROM tasks_app_task WHERE id = %s) AS model",
                [model],
            )


@contextmanager
def cursor() -> Iterator:
    from django.db import connection

    with connection.cursor() as asked:
        yield asked

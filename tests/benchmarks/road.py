"""(c) The whole road with an instant upstream."""

from . import darkroom
from .ground import Ground, wait_for
from .processes import cpu_s, family, pss_mb
from .rows import Result, Row

TITLE = "The whole road, with an upstream that is done at once"
TEXT = """
Tasks that wait already are claimed, submitted, fetched, examined, stored and settled by one worker process on all queues; the upstream
answers the submit with the finished picture. Each result is examined in a process of its own, because media files come from
strangers. CPU counts the worker and those it starts.
"""
TASKS = 1000


def main(ground: Ground) -> Result:
    darkroom.model(ground, "plasma")
    (owner,) = darkroom.customers(1)
    darkroom.forget_tasks()
    with darkroom.upstream(ground, "plasma", "--instant"):
        darkroom.waiting_tasks(owner, TASKS)
        with darkroom.worker() as worker:
            wait_for(lambda: darkroom.count("succeeded") > 0, within=60, what="the first task")
            done_before, cpu_before = darkroom.count("succeeded"), cpu_s(family(worker.pid))
            took_s = wait_for(lambda: darkroom.count("succeeded") == TASKS, within=600, what=f"{TASKS} tasks")
            cpu = cpu_s(family(worker.pid)) - cpu_before
            memory, with_examiners = pss_mb([worker.pid]), pss_mb(family(worker.pid))
    done = TASKS - done_before
    return Result(
        TITLE,
        TEXT,
        [
            Row("tasks settled a second", f"{done / took_s:,.0f}/s"),
            Row("tasks settled in a CPU second of the worker", f"{done / cpu:,.0f}"),
            Row("PSS of the worker", f"{memory:,.0f} MB"),
            Row("· with its examiners", f"{with_examiners:,.0f} MB"),
        ],
    )

"""(d) 5,000 running tasks, polled by one worker."""

import json
import time
from urllib.request import Request, urlopen

from . import darkroom
from .ground import Ground, wait_for
from .processes import cpu_s, pss_mb
from .rows import Result, Row
from .steady_adapter import PACE_S

TITLE = f"Polling: 5,000 running tasks at a pace of {PACE_S} s"
TEXT = """
One worker process serves the queue `poll`, another submits and stores. The upstream tells when each job was done; the row tells when its
result was stored and paid. Of the 5,000 jobs 200 end, one after another within 40 s, while the others run on.
"""
RUNNING, ENDING, SPREAD_S, WATCH_S = 5000, 200, 40, 20


def main(ground: Ground) -> Result:
    darkroom.model(ground, "plasma", adapter="steady_adapter")
    (owner,) = darkroom.customers(1)
    darkroom.forget_tasks()
    with darkroom.upstream(ground, "plasma", "--manual"), darkroom.worker("submit,store,upkeep"):
        darkroom.waiting_tasks(owner, RUNNING)
        wait_for(lambda: darkroom.count("running") == RUNNING, within=300, what=f"{RUNNING} running tasks")
        with darkroom.worker("poll") as poller:
            wait_for(lambda: books(ground)["requests"].get("poll", 0) > RUNNING, within=120, what="a poll of each")
            per_1000, rate = cost_of_polls(ground, poller.pid)
            lags = lags_s(ground)
            memory = pss_mb([poller.pid])
    p99 = lags[int(len(lags) * 0.99)]
    return Result(
        TITLE,
        TEXT,
        [
            Row("polls a second", f"{rate:,.0f}/s"),
            Row("CPU seconds for 1,000 polls", f"{per_1000:.2f} s"),
            Row("PSS of the poll worker", f"{memory:,.0f} MB"),
            Row("done upstream → stored here, median", f"{lags[len(lags) // 2]:.1f} s"),
            Row("done upstream → stored here, P99", f"{p99:.1f} s", aim="< 3 s", met=p99 < 3),
        ],
    )


def cost_of_polls(ground: Ground, pid: int) -> tuple[float, float]:
    """CPU seconds for 1,000 polls, and polls a second, over a while."""
    polls, cpu, began = books(ground)["requests"]["poll"], cpu_s([pid]), time.monotonic()
    time.sleep(WATCH_S)
    polls, cpu, took = books(ground)["requests"]["poll"] - polls, cpu_s([pid]) - cpu, time.monotonic() - began
    return cpu / polls * 1000, polls / took


def lags_s(ground: Ground) -> list[float]:
    """Let some jobs end; the seconds from each one's end to its task's, sorted."""
    from tasks_app.models import Attempt, Task

    asked(ground, "POST", f"/finish?spread={SPREAD_S}&count={ENDING}")
    wait_for(lambda: darkroom.count("succeeded") == ENDING, within=SPREAD_S + 120, what=f"{ENDING} stored results")
    jobs = {task_id: handle["id"] for task_id, handle in Attempt.objects.values_list("task_id", "handle")}
    done_at = books(ground)["done_at"]
    ended = Task.objects.filter(status="succeeded").values_list("id", "finished_at")
    return sorted(finished_at.timestamp() - done_at[jobs[id]] for id, finished_at in ended)


def books(ground: Ground) -> dict:
    return asked(ground, "GET", "/books")


def asked(ground: Ground, method: str, path: str) -> dict:
    with urlopen(Request(ground.upstream_url + path, method=method), timeout=30) as answer:
        return json.load(answer)

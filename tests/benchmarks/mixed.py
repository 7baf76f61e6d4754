"""(g) An open loop of mixed calls, with everything at work."""

import json
import subprocess
import sys

from tasks_app.management.loadtest import page as loadtest

from . import darkroom, peer
from .ground import ROOT, WORK, Ground
from .load import Load, fire
from .processes import cpu_s, pss_mb
from .rows import Result, Row, compared

RATE, RAMP_S, MIX = 300, 5, "accept=1,get=6,list=2,account=1"
ACCOUNTS, EACH = 100, 20
TITLE = f"Mixed: an open loop of {RATE} requests a second"
TEXT = """
`manage.py loadtest` on 100 accounts: of ten calls one accepts a task, six read one, two list twenty, one reads the account. A time counts
from when its request was due ([load-testing.md](load-testing.md)). What is accepted goes the whole road meanwhile: a worker
submits, polls, fetches, examines, stores and settles it. {seconds} seconds; `python -m tests.benchmarks --mixed-seconds 300` makes it five
minutes. PSS is that of web's processes, gunicorn's or PM2's workers, after the load; the peer's load are its posts and lists, by wrk.
"""
PEER_S = 8


def main(ground: Ground) -> Result:
    darkroom.model(ground, "plasma")
    owners = darkroom.customers(ACCOUNTS)
    darkroom.finished_tasks(owners, each=EACH)
    with darkroom.upstream(ground, "plasma", "--seconds", "1"), darkroom.worker(), darkroom.web(ground) as web:
        before = cpu_s(web.pids)
        run = load(web, [owner.key for owner in owners], seconds=ground.mixed_s)
        cpu_ms = 1000 * (cpu_s(web.pids) - before) / run["all"]["requests"]
        ours = pss_mb(web.pids)
    theirs = memory_of_the_peer(ground)
    plots = {"mixed-percentiles": loadtest.spread({"all": run["all"], **run["calls"]}), "mixed-course": loadtest.course(run)}
    return Result(TITLE, TEXT.format(seconds=ground.mixed_s), [*rows(run, cpu_ms), _memory(ours, theirs)], plots)


def load(web: darkroom.Web, keys: list[str], *, seconds: int) -> dict:
    """By a process of its own, as an operator runs it."""
    out = WORK / "mixed"
    command = [sys.executable, "manage.py", "loadtest", "--url", web.url, "--keys", "-", "--model", darkroom.MODEL, "--out", str(out)]
    command += ["--input", json.dumps(darkroom.INPUT), "--rate", f"{RATE}", "--seconds", f"{seconds}", "--ramp", f"{RAMP_S}", "--mix", MIX]
    # It exits 1 where a request failed: these are in its figures.
    subprocess.run(command, input="\n".join(keys), cwd=ROOT, text=True, stdout=subprocess.DEVNULL, check=False)
    return json.loads(out.with_name("mixed.json").read_text())


def rows(run: dict, cpu_ms: float) -> list[Row]:
    whole, errors = run["all"], sum(run["all"]["errors"].values())
    listed = ", ".join(f"{count} × {error}" for error, count in whole["errors"].items())
    return [
        Row("all calls, P99", f"{whole['p99_ms']:.0f} ms", aim="< 100 ms", met=whole["p99_ms"] < 100),
        Row("· errors", listed or "0", aim="none", met=not errors),
        Row("· P50, P90, P99.9, longest", ", ".join(f"{whole[name]:.0f} ms" for name in ("p50_ms", "p90_ms", "p999_ms", "max_ms"))),
        *(Row(f"· {name}: P50, P99", f"{call['p50_ms']:.0f} ms, {call['p99_ms']:.0f} ms") for name, call in run["calls"].items()),
        Row("· requests, a second", f"{whole['requests']:,}, {run['per_second']:,.0f}/s"),
        Row("· CPU of the web tier, per request", f"{cpu_ms:.2f} ms"),
        Row("· the client's own: CPU, late at worst", f"{run['client']['cpu_ms']:.2f} ms, {run['client']['late_ms']:.0f} ms"),
    ]


def memory_of_the_peer(ground: Ground) -> float | None:
    if not peer.is_there():
        return None
    with peer.peer(ground, accounts=ACCOUNTS) as other:
        body = json.dumps({"model": darkroom.MODEL, "input": darkroom.INPUT})
        for method in ("POST", "GET"):
            fire(Load(other.url, method, [(key, "/api/tasks") for key in other.keys], body if method == "POST" else ""), seconds=PEER_S)
        return pss_mb(other.pids)


def _memory(ours: float, theirs: float | None) -> Row:
    row = compared("PSS of the web tier", ours, theirs, unit="MB")
    return row if theirs is None else Row(row.what, row.darkroom, row.peer, row.ratio, "≤ 1 ×", row.ratio <= 1)

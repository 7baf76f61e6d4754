"""`manage.py loadtest`: a load on a Darkroom, open or closed; the times as a histogram in HTML and JSON; two runs compared."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from django.core.management import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from tasks_app.management.loadtest import compare, page
from tasks_app.management.loadtest.calls import CALLS
from tasks_app.management.loadtest.fire import fire
from tasks_app.management.loadtest.plan import Plan, Unfit, check, mix_of
from tasks_app.management.loadtest.seen import Seen, sentence
from tasks_app.management.stage import ROOT

MIX = "accept=1,get=6,list=2,account=1"


class Command(BaseCommand):
    help = "Sends a mix of calls at a constant rate (--rate) or by so many clients (--clients), and writes what they would have felt."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="whom to load; this machine, unless --i-own-this-server")
        parser.add_argument("--i-own-this-server", action="store_true", help="the URL leads beyond this machine, and I may load it")
        parser.add_argument("--keys", type=Path, help="a file with an API key a line, - for standard input")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--rate", type=float, help="open loop: requests a second, whatever becomes of them")
        how.add_argument("--clients", type=int, help="closed loop: clients that ask again once they are answered")
        how.add_argument(
            "--compare", nargs=2, type=Path, metavar=("A.json", "B.json"), help="send nothing; show two runs beside each other"
        )
        parser.add_argument("--seconds", type=float, default=60, help="how long (60)")
        parser.add_argument("--ramp", type=float, default=0, help="seconds in which the load grows from nothing (0)")
        parser.add_argument("--mix", default=MIX, help=f"calls with their weights ({MIX}), of {', '.join(CALLS)}")
        parser.add_argument("--model", default="darkroom/test-card-image", help="what accept orders and quote asks; it is bought for real")
        parser.add_argument("--input", type=json.loads, default={"prompt": "a load test"}, help="its input, as JSON")
        parser.add_argument("--most", type=int, default=100_000, help="requests at most (100000)")
        parser.add_argument("--out", type=Path, help="where to write NAME.html and NAME.json (var/loadtest/ and the time)")

    def handle(self, *args, **options):
        try:
            if options["compare"]:
                side_by_side(options["compare"], options["out"])
            else:
                load(planned(options), options)
        except Unfit as reason:
            raise CommandError(str(reason)) from None


def planned(options) -> Plan:
    """Raises Unfit."""
    if options["rate"] is None and options["clients"] is None:
        raise Unfit("Say --rate for an open loop, --clients for a closed one, or --compare.")
    plan = Plan(
        url=options["url"].rstrip("/"),
        mix=mix_of(options["mix"]),
        rate=options["rate"],
        clients=options["clients"],
        seconds=options["seconds"],
        ramp_s=options["ramp"],
        most=options["most"],
        model=options["model"],
        input=options["input"],
    )
    check(plan, CALLS, is_ours=options["i_own_this_server"])
    return plan


def load(plan: Plan, options) -> None:
    """Run, show, write; raises CommandError where a request failed."""
    console = Console()
    keys = keys_in(options["keys"])
    with Progress(BarColumn(), TextColumn("{task.fields[now]}"), console=console) as bars:
        bar = bars.add_task("", total=plan.seconds, now="")
        run = fire(plan, keys, lambda seen, at_s: bars.update(bar, completed=min(at_s, plan.seconds), now=now(seen, at_s)))
    console.print(table(run))
    console.print(sentence(run), highlight=False, soft_wrap=True)
    write(options["out"] or ROOT / "var/loadtest" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}", page.of_one(run), run)
    if failed := sum(run["all"]["errors"].values()):
        kinds = ", ".join(f"{count} × {error}" for error, count in run["all"]["errors"].items())
        raise CommandError(f"{failed:,} of {run['all']['requests']:,} requests failed: {kinds}.")


def keys_in(file: Path | None) -> list[str]:
    """API keys never stand on a command line, where every process of the machine can read them."""
    if file is None:
        raise Unfit("--keys names a file with an API key a line: ./manage.py create_account load --credits 100000 | tail -1 > var/keys")
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
    except OSError as fault:
        raise Unfit(f"--keys: {fault}.") from None
    if not (keys := text.split()):
        raise Unfit(f"--keys: there is no key in {file}.")
    return keys


def now(seen: Seen, at_s: float) -> str:
    """The run so far, in a line."""
    p50, p99 = seen.lately()
    return f"{at_s:4.0f} s  {seen.sent:,} sent, {seen.open_now} open, {seen.failed} failed; lately P50 {p50:.0f} ms, P99 {p99:.0f} ms"


def table(run: dict) -> Table:
    rows = Table("call", "requests", "errors", "P50 ms", "P90 ms", "P99 ms", "P99.9 ms", "longest ms")
    for name, call in {"all": run["all"], **run["calls"]}.items():
        times = (f"{call[field]:,.1f}" for field in compare.SHOWN.values())
        rows.add_row(name, f"{call['requests']:,}", f"{sum(call['errors'].values()):,}", *times)
    return rows


def side_by_side(files: list[Path], out: Path | None) -> None:
    a, b = (run_in(file) for file in files)
    console, rows = Console(), Table("", "A", "B", "B : A")
    for line in compare.lines(a, b):
        rows.add_row(line.what, line.a, line.b, f"{line.ratio:.2f}" if line.ratio is not None else "")
    console.print(rows)
    for difference in compare.differences(a, b):
        console.print(f"not alike in {difference}", highlight=False)
    if out:
        write(out, page.of_two(a, b))


def run_in(file: Path) -> dict:
    """Raises Unfit for what is no run."""
    try:
        run = json.loads(file.read_text())
    except (OSError, ValueError) as fault:
        raise Unfit(f"{file} cannot be read: {fault}.") from None
    if not isinstance(run, dict) or run.get("version") != 1:
        raise Unfit(f"{file} is no run of this command.")
    return run


def write(out: Path, html: str, run: dict | None = None) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_name(f"{out.name}.html").write_text(html, encoding="utf-8")
    if run:
        out.with_name(f"{out.name}.json").write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    print(f"written to {out}.html" + (f" and {out.name}.json" if run else ""))

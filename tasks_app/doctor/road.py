"""The road: who serves it, how far behind it is, and what an operator should look at. All of it comes from one reading of the figures."""

from collections.abc import Iterator
from datetime import timedelta

from celery import current_app

from accounts.models import Account
from providers import directory, health, registry
from providers.adapters import Keyed
from providers.errors import Invalid
from providers.models import Breaker, Provider

from .. import egress, ids
from ..engine import aside, lanes, slots
from ..engine.clock import database_clock
from ..figures import Figures, Lag, read
from ..models import Task
from .verdict import Verdict, by_limits, fail, ok, warn

LATE_S, STILL_S = 10.0, 60.0  # a free worker takes a due row within 4 s
UNTOLD_S = 900.0  # a deaf receiver's own deliveries wait on purpose
UNCHECKED = timedelta(minutes=5)  # beat has providers checked every minute
OVERDUE = timedelta(minutes=15)
AUDIT_IS_OLD = timedelta(days=2)
SHOWN = 3


def road() -> Iterator[Verdict]:
    return judged(read(database_clock))


def judged(figures: Figures) -> Iterator[Verdict]:
    yield _beat(figures)
    yield _workers(figures)
    yield from _lags(figures)
    yield _stuck(figures)
    yield from _providers(figures)
    yield _webhooks(figures)
    yield _books(figures)
    yield _flags(figures)


def _beat(figures: Figures) -> Verdict:
    age = figures.beat_age_s
    remedy = "Start beat. Tasks go on without it; checks of providers, clean-up and the audit do not."
    if figures.running("beat"):
        return ok("beat", f"seen {age:.0f} s ago")
    return fail("beat", "was not seen within a day" if age is None else f"last seen {age:.0f} s ago", remedy)


def _workers(figures: Figures) -> Verdict:
    workers = figures.running("worker")
    served = {queue for worker in workers for queue in worker.queues}
    missing = sorted({queue.name for queue in current_app.conf.task_queues} - served)
    figure = ", ".join(map(str, workers)) or "none was seen within 30 s"
    if missing:
        return fail("workers", figure, f"Start a worker for {', '.join(missing)}: nobody serves what waits there.")
    return ok("workers", f"{len(workers)} serve every step: {figure}")


def _lags(figures: Figures) -> Iterator[Verdict]:
    """Of each step, the longest wait that neither a cap nor an open breaker explains: a row of a full lane is due, and is not late."""
    at = figures.at
    waiting = [lag for lag in figures.lags if lag.step == "submit" and lag.lane != "submitting"]
    routes = {lag.lane: aside.ways(lag.lane).routes for lag in waiting}
    used = slots.used([route.provider_id for found in routes.values() for route in found])
    full = {lane for lane, found in routes.items() if all(slots.room(route, used, at) == 0 for route in found)}
    for lag in waiting:
        if lag.seconds > LATE_S and not routes[lag.lane]:
            remedy = "Enable a route and its provider, or its tasks wait until they expire."
            yield warn("queue lag", f"{lanes.working(lag.lane)}: no enabled route", remedy)
    for step in ("submit", "poll", "store"):
        yield _lag(step, [lag for lag in figures.lags if lag.step == step and lag.lane not in full])


def _lag(step: str, lags: list[Lag]) -> Verdict:
    longest = max(lags, key=lambda lag: lag.seconds, default=Lag(step, "", 0.0))
    return by_limits(
        "queue lag",
        longest.seconds,
        f"{step}: {longest.seconds:.0f} s" + (f" in {lanes.working(longest.lane)}" if longest.seconds > LATE_S else ""),
        f"Look at the worker of {step} (manage.py top, manage.py logs --process worker): it hangs, is overloaded, or does not run.",
        warn_above=LATE_S,
        fail_above=STILL_S,
    )


def _stuck(figures: Figures) -> Verdict:
    """Open long past their deadline; results that are being stored were paid for, and may take longer."""
    late = Task.objects.filter(status__in=["queued", "submitting", "running"], deadline_at__lt=figures.at - OVERDUE)
    found = list(late.order_by("deadline_at").values_list("id", flat=True)[: SHOWN + 1])
    if not found:
        return ok("stuck tasks", "none is open past its deadline")
    figure = ", ".join(ids.shown("task", id) for id in found[:SHOWN]) + (" and more" if len(found) > SHOWN else "")
    return warn("stuck tasks", figure, "manage.py logs --task ID says what became of them; in the admin, cancel them.")


def _providers(figures: Figures) -> Iterator[Verdict]:
    enabled = [one for one in figures.providers if one.is_enabled]
    failing = [one for one in enabled if not one.is_healthy]
    if not enabled:
        yield warn("providers", "none is enabled", "manage.py install_models, or manage.py providers install NAME; then switch it on.")
    for one in failing:
        judge = fail if len(failing) == len(enabled) else warn
        since = f" since {one.failing_since:%H:%M} UTC" if one.failing_since else ""
        yield judge(
            "providers", f"{one.name} fails{since}: {one.health_note}", "Look at its key and its status page; disable it to drain it."
        )
    yield from (lost := list(_out_of_reach()))
    yield from map(_breaker, shut := [one for one in figures.breakers if one.state != "closed"])
    low = [one for one in enabled if health.is_low(one.balance_days)]
    for one in low:
        yield warn("providers", _left(one), "Pay there before it ends: then its tasks wait, or go elsewhere.")
    unchecked = [one.name for one in enabled if one.checked_at is None or figures.at - one.checked_at > UNCHECKED]
    if unchecked:
        yield warn("providers", f"not checked for 5 minutes: {', '.join(unchecked)}", "Start beat, and a worker for upkeep.")
    if enabled and not (failing or lost or shut or low or unchecked):
        told = [_left(one) for one in enabled if one.balance is not None]
        yield ok("providers", "; ".join([f"{len(enabled)} are healthy", *told]))


def _left(provider: Provider) -> str:
    """What is left of our money there, where that is told."""
    days = "" if provider.balance_days is None else f", for {provider.balance_days:.1f} days"
    return f"{provider.name} has {provider.balance:g} {provider.balance_unit} left{days}"


def _breaker(one: Breaker) -> Verdict:
    """A key or a bill mends itself only by an operator; all else may pass."""
    what = "takes no submits" if one.door == "submit" else "answers no polls"
    figure = f"{one.provider.name} {what} since {one.since:%H:%M} UTC: {one.reason}, {one.note}"
    if one.reason in ("unauthenticated", "quota_exceeded"):
        return fail("providers", figure, "Enter a working key, or pay its bill; then Check now on its page in the admin.")
    return warn("providers", figure, "Its tasks wait, or go elsewhere; probes go by themselves. Look at its status page.")


def _out_of_reach() -> Iterator[Verdict]:
    """Providers that keep their results at an address which is spoken to, and may not be fetched from: they would be paid for and lost."""
    for provider in directory.providers():
        if not (provider.is_enabled and provider.base_url and _keeps_results(provider.adapter)):
            continue
        try:
            egress.check(provider.base_url)
        except Invalid as fault:
            remedy = "Put its host:port into EGRESS_ALLOW, or let it have an https address that is public."
            yield fail("providers", f"{provider.name}: its results would be lost, for {fault.message}", remedy)


def _keeps_results(adapter: str) -> bool:
    try:
        return issubclass(registry.adapter_class(adapter), Keyed)
    except LookupError:  # its health tells of that
        return False


def _webhooks(figures: Figures) -> Verdict:
    waiting, lag = figures.deliveries["pending"], figures.lag_of("notify")
    figure = f"{waiting} wait, the oldest due since {lag:.0f} s" if waiting else "none waits"
    remedy = "One deaf receiver (admin: Deliveries), or no worker for notify."
    return by_limits("webhooks", lag, figure, remedy, warn_above=UNTOLD_S, fail_above=4 * UNTOLD_S)


def _books(figures: Figures) -> Verdict:
    last = figures.audit
    if last is None and not Account.objects.filter(created_at__lt=figures.at - AUDIT_IS_OLD).exists():
        return ok("books", "new; the first audit comes within a day")
    if last is None or figures.at - last.finished_at > AUDIT_IS_OLD:
        figure = f"last looked at {last.finished_at:%Y-%m-%d %H:%M} UTC" if last else "were never looked at"
        return warn("books", figure, "manage.py ledger check; every day, beat and a worker for upkeep do so.")
    if last.faults:
        return fail("books", f"{last.faults} faults in the last audit", "manage.py ledger check names them; see docs/credits.md.")
    return ok("books", f"added up at {last.finished_at:%Y-%m-%d %H:%M} UTC")


def _flags(figures: Figures) -> Verdict:
    if not figures.flags:
        return ok("flags", "no unknown outcome and no loss is open")
    figure = ", ".join(f"{count} {reason}" for reason, count in figures.flags.items())
    return warn("flags", figure, "Decide on each in the admin: Unknown outcomes and losses.")

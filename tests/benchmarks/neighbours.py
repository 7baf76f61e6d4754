"""(j) Ten upstreams at once, one of which hangs and one of which fails half its calls: how the other eight fare."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from . import darkroom
from .ground import Ground, wait_for
from .rows import Result, Row, compared

TITLE = "Ten upstreams at once, of which one hangs and one fails half its calls"
TEXT = """
5,000 tasks wait, 500 for each of ten providers, of which each takes 40 jobs at once: so it is caps, and not this machine's CPU, that bound
the rate. One worker process submits and polls; a job takes a second, and counts when its task has heard that it is done. One upstream
answers nothing, another refuses each second submit and poll with 503. The rate is that of the eight others, beside a run of their 4,000
tasks alone.
"""
EACH, OTHERS, CAP = 500, 8, 40
HANGS, FAILS = "neighbour-hangs", "neighbour-fails"


def main(ground: Ground) -> Result:
    (owner,) = darkroom.customers(1)
    alone, beside = rate(owner, bad=False), rate(owner, bad=True)
    return Result(
        TITLE, TEXT, [compared("tasks of the eight a second; beside them alone", beside, alone, unit="/s", at_least=0.9), *calls()]
    )


def rate(owner: darkroom.Customer, *, bad: bool) -> float:
    """Tasks of the eight a second, from the start of the worker to the last of them."""
    from tasks_app.engine import accept
    from tasks_app.engine.clock import database_clock
    from tasks_app.models import Task

    darkroom.forget_tasks()
    with served(bad=bad) as names:
        for name in names:
            order = accept.Order(model=f"bench/{name}", input=darkroom.INPUT)
            accept.many(owner.account_id, [order] * EACH, now=database_clock())
        good = [f"bench/{name}" for name in names if name not in (HANGS, FAILS)]
        heard = Task.objects.filter(model__in=good, status="storing")
        with darkroom.worker("submit,poll"):
            wait_for(lambda: heard.exists(), within=60, what="the first task")
            took_s = wait_for(lambda: heard.count() == EACH * OTHERS, within=300, what="the tasks of the eight", every=0.2)
    return EACH * OTHERS / took_s


@contextmanager
def served(*, bad: bool) -> Iterator[list[str]]:
    """Eight upstreams that behave, or all ten, each with a provider and a model; their names."""
    from tests.upstreams import Plasma, answer, hang

    orders = {HANGS: [hang()], FAILS: [answer(503, code=19), None]} if bad else {}
    with ExitStack() as stack:
        names = [*(f"neighbour-{number}" for number in range(OTHERS)), *orders]
        for name in names:
            simulator = stack.enter_context(Plasma(seconds=1.0))
            for door in ("submit", "poll", "find"):
                simulator.will(*orders.get(name, ()), at=door, times=50 * EACH)
            furnish(name, simulator)
        yield names


def furnish(name: str, simulator) -> None:
    from django.utils import timezone

    from providers import breakers, catalogue, credentials, directory
    from providers.models import Breaker, Provider, PublicModel, Route

    columns = {"adapter": "plasma_adapter", "base_url": simulator.url, "max_jobs": CAP}
    provider, is_new = Provider.objects.update_or_create(name=name, defaults=columns)
    if is_new:
        credentials.rotate(provider, simulator.credentials, now=timezone.now())
    facts = {"kind": "image.generate", "title": name, "input_schema": darkroom.SCHEMA, "price": "1"}
    model, _ = PublicModel.objects.update_or_create(name=f"bench/{name}", defaults=facts)
    Route.objects.get_or_create(model=model, provider=provider, upstream_model="plasma-image")
    Breaker.objects.filter(provider=provider).delete()
    for one in (breakers, catalogue, directory):
        one.forget()


def calls() -> list[Row]:
    """How often the breakers of the two changed."""
    from providers.models import HealthChange

    return [
        Row(f"changes of the breakers of {name}", f"{HealthChange.objects.filter(provider__name=name).count():,}")
        for name in (HANGS, FAILS)
    ]

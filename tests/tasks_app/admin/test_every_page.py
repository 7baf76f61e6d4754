"""No page asks more of the database where there is more to show: each list, and the page of each kind of row."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from accounts import credits, keys
from accounts.models import Account, ApiKey, LedgerEntry
from providers.models import Provider, PublicModel, Route
from tasks_app import ids
from tasks_app.models import Attempt, Audit, Delivery, File, Flag, Output, Task, WebhookEndpoint

from .conftest import attempt_of, event_of, flag_of, output_of, queries_of, shown, task_of

pytestmark = pytest.mark.django_db

SCREENS = {model._meta.label_lower: model for model in admin.site._registry}
NOW = datetime.now(UTC)


@pytest.fixture
def world(acme, models) -> "World":
    world = World(acme, models)
    world.grows()
    return world


class World:
    """One row of everything, each with something of its own in the tables beside it; `grows` adds another of each, everywhere."""

    def __init__(self, acme, provider):
        self.acme, self.provider, self.numbers = acme, provider, count()
        self.model = provider.routes.first().model
        self.interval, _ = IntervalSchedule.objects.get_or_create(every=7, period="seconds")
        self.crontab = CrontabSchedule.objects.create()
        self.user, self.group = User.objects.create_user("rita", is_staff=True), Group.objects.create(name="night shift")
        self.task = task_of(acme, status="succeeded", provider=provider, captured=3, finished_at=NOW)
        self.endpoint = WebhookEndpoint.objects.create(account=acme.account, url="https://a.example", events=[], sealed="", created_at=NOW)

    def grows(self) -> None:
        number = next(self.numbers)
        self._more_of_the_task(number)
        self._more_accounts(number)
        self._more_of_the_catalogue(number)
        self._more_duties(number)
        self._more_operators(number)

    def _more_of_the_task(self, number: int) -> None:
        other = task_of(self.acme, status="failed", provider=self.provider, captured=0, finished_at=NOW)
        for position, task in enumerate((self.task, other)):
            attempt_of(task, self.provider, number=10 + number)
            event_of(task, task.status, retried_as=shown(other))
            output_of(task, position=number)
            flag_of(task, self.provider, number=10 + number)
            columns = {
                "url": "https://a.example",
                "payload": "{}",
                "lane": "",
                "sequence": position,
                "created_at": NOW,
                "type": "task.done",
            }
            Delivery.objects.create(account=self.acme.account, task_id=task.id, endpoint_id=self.endpoint.id, status="failed", **columns)
        WebhookEndpoint.objects.create(account=self.acme.account, url="https://b.example", events=[], sealed="", created_at=NOW)
        columns = {"name": "fox.png", "content_type": "image/png", "bytes": 1, "sha256": "", "key": "k"}
        File.objects.create(account_id=self.acme.id, created_at=NOW, **columns)
        Audit.objects.create(started_at=NOW, finished_at=NOW, accounts=1, tasks=1, is_whole=True, faults=0)

    def _more_accounts(self, number: int) -> None:
        Account.objects.create(name=f"other {number}")
        for account in Account.objects.all():
            keys.make(account, f"key {number}", now=NOW)
            credits.grant(account.id, 5, by="olga", note="", now=NOW - timedelta(minutes=number))

    def _more_of_the_catalogue(self, number: int) -> None:
        provider = Provider.objects.create(name=f"other-{number}", adapter="plasma_adapter")
        model = PublicModel.objects.create(name=f"darkroom/other-{number}", kind="image.generate", title="other")
        for one in (self.model, model):
            Route.objects.create(model=one, provider=provider, upstream_model="other")

    def _more_duties(self, number: int) -> None:
        for name, when in (("interval", self.interval), ("crontab", self.crontab)):
            PeriodicTask.objects.create(name=f"{name} {number}", task="tasks_app.workers.poll_due", **{name: when})
        IntervalSchedule.objects.create(every=100 + number, period="seconds")
        CrontabSchedule.objects.create(minute=str(number))

    def _more_operators(self, number: int) -> None:
        user, group = User.objects.create_user(f"operator {number}", is_staff=True), Group.objects.create(name=f"group {number}")
        user.groups.add(group)
        self.user.groups.add(group)
        kind = ContentType.objects.get_for_model(Task)
        LogEntry.objects.create(
            user=user, content_type=kind, object_id=str(self.task.id), object_repr="t", action_flag=2, change_message="m"
        )

    def row_of(self, label: str):
        """The row whose page has grown most."""
        mine = {
            Account: self.acme.account,
            Task: self.task,
            PublicModel: self.model,
            Provider: self.provider,
            IntervalSchedule: self.interval,
            CrontabSchedule: self.crontab,
            User: self.user,
            Group: self.group,
            WebhookEndpoint: self.endpoint,
        }
        return mine.get(SCREENS[label]) or SCREENS[label].objects.order_by("pk").first()


def list_of(label: str) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_changelist")


def page_of(label: str, row) -> str:
    screen = admin.site._registry[SCREENS[label]]
    return reverse(f"admin:{label.replace('.', '_')}_change", args=[str(row) if getattr(screen, "prefix", "") else row.pk])


@pytest.mark.parametrize("label", SCREENS)
def test_costs_as_many_queries_however_much_there_is(olga, world, label):
    pages = {"list": list_of(label), "page": page_of(label, world.row_of(label))}
    few = {what: queries_of(olga, url) for what, url in pages.items()}
    world.grows(), world.grows()
    many = {what: queries_of(olga, url) for what, url in pages.items()}
    for what in pages:
        assert len(many[what]) <= len(few[what]), (what, [sql for sql in many[what] if many[what].count(sql) > few[what].count(sql)])


def test_looks_at_every_kind_of_row(world):
    assert {model for model in SCREENS.values() if not model.objects.exists()} == set()
    assert {Account, ApiKey, LedgerEntry, Attempt, Flag, Output} <= set(SCREENS.values())
    assert ids.parse("task", shown(world.task))

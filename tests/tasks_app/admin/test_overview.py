"""The first page, at a glance: what goes on and where it leads, what is wrong, and what it earns."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db.models import F
from django.utils import timezone

from accounts.models import Account
from providers.models import Provider
from tasks_app import audit, hours
from tasks_app.models import Task

from .conftest import attempt_of, flag_of, queries_of, signed_in, task_of, text_of

pytestmark = pytest.mark.django_db


def tiles(client) -> dict[str, tuple[str, str]]:
    """What each number of the first page counts → the number, and where it leads."""
    found = re.findall(
        r'<a href="([^"]+)" class="card tile[^>]*>\s*<strong[^>]*>([^<]+)</strong>\s*<span>([^<]+)</span>', text_of(client.get("/admin/"))
    )
    return {title: (count, url.replace("&amp;", "&")) for url, count, title in found}


def panel(client, title: str, **query) -> str:
    """A panel's text, as it is read; empty where it is not there."""
    found = re.search(rf'<section[^>]*aria-label="{title}">(.*?)</section>', text_of(client.get("/admin/", query)), re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found[1])).split()) if found else ""


class TestTheFirstPage:
    def test_counts_what_is_going_on_and_leads_to_it(self, olga, acme, models):
        for status in ("queued", "queued", "running"):
            task_of(acme, status=status)
        for reason in ("quarantined", "result_lost", "result_lost"):
            flag_of(task_of(acme, status="failed", captured=0, finished_at=datetime.now(UTC)), models, reason=reason)
        flag_of(task_of(acme, status="failed", captured=0, finished_at=datetime.now(UTC)), models, ending="lost")
        Provider.objects.update(is_healthy=False)
        shown = tiles(olga)
        assert {title: count for title, (count, _) in shown.items() if title != "oldest due task"} == {
            "queued": "2",
            "submitting": "0",
            "running": "1",
            "storing": "0",
            "unknown outcomes and losses": "3",
            "result lost": "2",
            "quarantined": "1",
            "providers failing": "1",
            "faults in the books": "?",
        }
        for _, url in shown.values():
            text_of(olga.get(url))

    def test_shows_faults_in_the_books_until_an_audit_finds_none(self, olga, acme):
        alarm = re.compile(r'class="card tile alarming">\s*<strong[^>]*>([^<]+)</strong>\s*<span>faults in the books')
        Account.objects.update(balance=F("balance") + 1)
        audit.run_once(clock=timezone.now)
        assert alarm.search(text_of(olga.get("/admin/")))[1] == "1"
        _, url = tiles(olga)["faults in the books"]
        assert "acme has a balance of 1001 credits, and its ledger sums to 1000." in text_of(olga.get(url))
        Account.objects.update(balance=F("balance") - 1)
        audit.run_once(clock=timezone.now)
        assert tiles(olga)["faults in the books"][0] == "0"
        assert not alarm.search(text_of(olga.get("/admin/")))

    @pytest.mark.parametrize("has_been", [True, False])
    def test_raises_an_alarm_where_nobody_audits(self, olga, acme, has_been):
        long_ago = timezone.now() - timedelta(days=3)
        Account.objects.update(created_at=long_ago)
        if has_been:
            audit.run_once(clock=lambda: long_ago)
        assert tiles(olga)["faults in the books"][0] == "?"
        assert 'class="card tile alarming"' in text_of(olga.get("/admin/"))

    def test_shows_numbers_only_to_who_may_see_what_they_count(self, nobody):
        assert tiles(nobody) == {}

    def test_costs_the_same_number_of_queries_however_many_tasks(self, olga, acme):
        task_of(acme)
        text_of(olga.get("/admin/"))  # what each process keeps for a while is read
        few = len(queries_of(olga, "/admin/"))
        for _ in range(9):
            task_of(acme)
        assert len(queries_of(olga, "/admin/")) == few

    def test_says_how_long_the_oldest_due_task_has_waited(self, olga, acme, models):
        task_of(acme, due_at=timezone.now() - timedelta(minutes=3, seconds=5))
        assert tiles(olga)["oldest due task"][0] == "3 min 05 s"

    def test_says_what_lies_in_storage(self, olga, earned):
        assert tiles(olga)["in storage"][0] == "0 B"


@pytest.fixture
def earned(acme, models) -> None:
    """The past hour: four tasks that captured 3 credits each and took 10 s, of which plasma charged two; and three that failed."""
    now = timezone.now()
    Provider.objects.update(unit_credits=4)
    for number in range(4):
        columns = {"captured": 3, "provider": models, "finished_at": now + timedelta(seconds=10)}
        task = task_of(acme, status="succeeded", created_at=now, **columns)
        if number < 2:
            attempt_of(task, models, upstream_cost=0.5)
    for code in ("moderated", "unavailable", "unavailable"):
        task_of(acme, status="failed", created_at=now, error_code=code, captured=0, provider=models, finished_at=now)
    hours.run_once(clock=timezone.now)


class TestHealth:
    def test_says_what_is_wrong_and_what_to_do(self, olga, acme, models):
        Provider.objects.update(is_healthy=False, health_note="HTTP 401")
        assert "plasma fails: HTTP 401 Look at its key" in panel(olga, "Health")

    def test_tells_broken_things_before_those_to_be_looked_at(self, olga, acme, models):
        flag_of(task_of(acme, status="failed", captured=0, finished_at=datetime.now(UTC)), models)
        said = panel(olga, "Health")
        assert 0 < said.index("Start beat.") < said.index("Decide on each in the admin")


class TestTasks:
    def test_are_told_by_what_came_of_them(self, olga, earned):
        assert "failed 3" in panel(olga, "Tasks")
        assert 'aria-label="7 tasks, succeeded 4, failed 3"' in text_of(olga.get("/admin/"))

    @pytest.mark.parametrize(("days", "bars"), [("1", 24), ("7", 7), ("30", 30), ("8", 24), ("x", 24)])
    def test_are_told_of_a_day_by_the_hour_or_of_more_by_the_day(self, olga, earned, days, bars):
        text = text_of(olga.get("/admin/", {"days": days}))
        assert text.count('<rect class="place"') - text.count('class="meter"') == 2 * bars  # of tasks, and of credits
        assert "failed 3" in panel(olga, "Tasks", days=days)


class TestSlots:
    def test_are_told_with_what_waits_for_them(self, olga, acme, models):
        Provider.objects.update(max_jobs=5)
        task_of(acme, status="running", provider=models, route=models.routes.first())
        task_of(acme), task_of(acme)
        assert "plasma 1 of 5 2" in panel(olga, "Slots and queues")

    def test_of_a_provider_that_is_off_and_empty_are_not(self, olga, models):
        Provider.objects.update(is_enabled=False)
        assert "plasma" not in panel(olga, "Slots and queues")


class TestBalances:
    def test_are_told_with_how_long_they_will_do(self, olga, models):
        at = datetime(2026, 6, 1, 12, tzinfo=UTC)
        Provider.objects.filter(name="plasma").update(balance=1234.5, balance_unit="credits", balance_days=2.04, balance_at=at)
        text = panel(olga, "Balances")
        assert "plasma 1,234.5 credits 2026-06-01 12:00 UTC 2.0 days" in text
        assert 'class="alarming-text">2.0 days' in text_of(olga.get("/admin/"))

    def test_are_nothing_to_tell_where_no_upstream_does(self, olga, models):
        assert panel(olga, "Balances") == ""


class TestFailures:
    def test_are_told_by_provider_and_code(self, olga, earned):
        assert "plasma unavailable 2 plasma moderated 1" in panel(olga, "Failures")


class TestTimes:
    def test_are_told_by_model(self, olga, earned):
        name, tasks, *times = panel(olga, "Times").split("P95")[1].split(maxsplit=2)
        assert (name, tasks) == ("darkroom/plasma-image", "4")
        assert re.fullmatch(r"(9\.\d|10) s (9\.\d|10) s", times[0])


class TestEarnings:
    def test_are_credits_beside_what_the_upstream_charged(self, olga, earned):
        assert "darkroom/plasma-image plasma 4 12 1.00 told of 2 of 4 8 67%" in panel(olga, "Earnings")
        assert "12 credits captured" in panel(olga, "Credits")

    def test_tell_no_margin_where_nobody_said_what_its_unit_is_worth(self, olga, earned):
        Provider.objects.update(unit_credits=None)
        assert "1.00 told of 2 of 4 –" in panel(olga, "Earnings")

    def test_that_are_a_loss_stand_out(self, olga, earned):
        Provider.objects.update(unit_credits=100)
        assert 'class="alarming-text"' in text_of(olga.get("/admin/"))

    def test_are_for_those_who_may_see_the_ledger(self, earned):
        rita = User.objects.create_user("rita", is_staff=True)
        rita.user_permissions.set(Permission.objects.filter(codename="view_task"))
        shown = [
            title
            for title in ("Health", "Tasks", "Slots and queues", "Failures", "Times", "Credits", "Earnings")
            if panel(signed_in(rita), title)
        ]
        assert shown == ["Health", "Tasks", "Failures", "Times"]


class TestTheCost:
    def test_is_the_same_number_of_queries_however_much_there_was(self, olga, acme, models, earned):
        text_of(olga.get("/admin/"))  # what each process keeps for a while is read
        few = len(queries_of(olga, "/admin/"))
        other = Provider.objects.create(name="other", adapter="plasma_adapter")
        now = timezone.now()
        for provider in (models, other):
            task_of(
                acme, status="failed", created_at=now, error_code="other", model="darkroom/plasma-video", provider=provider, finished_at=now
            )
        hours.run_once(clock=timezone.now)
        assert len(queries_of(olga, "/admin/")) == few

    def test_is_not_that_of_reading_tasks(self, olga, earned):
        before = Task.objects.count()
        Task.objects.all().delete()
        assert before == 7
        assert "failed 3" in panel(olga, "Tasks")

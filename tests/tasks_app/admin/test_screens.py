"""All screens together: each opens and has its line in the side bar, and the first page says what is going on."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin

from accounts.models import Account
from providers.models import Provider
from tasks_app import audit
from tasks_app.models import File

from .conftest import attempt_of, flag_of, list_of, output_of, queries_of, task_of, text_of

pytestmark = pytest.mark.django_db

SCREENS = {model._meta.label_lower: screen for model, screen in admin.site._registry.items()}


def address(label: str, view: str = "changelist", *args) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_{view}", args=args)


def side_bar(client) -> list[str]:
    """The addresses in it, of pages within the admin."""
    text = text_of(client.get("/admin/"))
    return re.findall(r'href="(/admin/[^"]+)"', text[text.index('id="nav-sidebar-apps"') : text.index('id="main"')])


def tiles(client) -> dict[str, tuple[str, str]]:
    """What each number of the first page counts → the number, and where it leads."""
    found = re.findall(
        r'<a href="([^"]+)" class="card tile[^>]*>\s*<strong[^>]*>([^<]+)</strong>\s*<span>([^<]+)</span>', text_of(client.get("/admin/"))
    )
    return {title: (count, url.replace("&amp;", "&")) for url, count, title in found}


class TestEachScreen:
    @pytest.mark.parametrize("label", SCREENS)
    def test_opens_and_is_in_the_side_bar(self, olga, label):
        text_of(olga.get(address(label)))
        assert address(label) in side_bar(olga)

    @pytest.mark.parametrize("label", SCREENS)
    def test_wears_the_admins_clothes(self, olga, label):
        assert isinstance(SCREENS[label], ModelAdmin)
        assert olga.get(address(label, "add")).status_code in (200, 403)

    @pytest.mark.parametrize("label", SCREENS)
    def test_is_closed_to_who_may_not_see_it(self, nobody, label):
        assert nobody.get(address(label)).status_code == 403
        assert address(label) not in side_bar(nobody)

    def test_names_a_row_to_the_letter(self, olga, models):
        assert re.search(r">\s*plasma\s*</a", text_of(olga.get(address("providers.provider", "change", models.id))))


class TestOtherFacts:
    @pytest.fixture
    def grows(self, acme, models):
        """Add one of each."""

        def grow() -> None:
            task = task_of(acme, status="succeeded")
            attempt_of(task, models)
            output_of(task)
            columns = {"name": "fox.png", "content_type": "image/png", "bytes": 1, "sha256": "", "key": "k"}
            File.objects.create(account_id=acme.id, created_at=datetime.now(UTC), **columns)

        return grow

    @pytest.mark.parametrize("model", ["attempt", "output", "file"])
    def test_cost_the_same_number_of_queries_however_many(self, olga, grows, model):
        grows()
        few = len(queries_of(olga, list_of(model)))
        for _ in range(8):
            grows()
        assert len(queries_of(olga, list_of(model))) == few

    @pytest.mark.parametrize("model", ["attempt", "output"])
    def test_are_found_by_their_task(self, olga, grows, acme, models, model):
        grows()
        task = task_of(acme, status="succeeded")
        attempt_of(task, models), output_of(task)
        rows = re.findall(rf'<a href="/admin/tasks_app/{model}/[^/]+/change/', text_of(olga.get(list_of(model), {"q": str(task)})))
        assert len(rows) == 1

    def test_of_uploads_are_found_by_their_account(self, olga, grows, bolt):
        grows()
        assert "fox.png" in text_of(olga.get(list_of("file"), {"q": "acme"}))
        assert "fox.png" not in text_of(olga.get(list_of("file"), {"q": "bolt"}))

    def test_an_orphan_stands_out(self, olga, acme, models):
        attempt_of(task_of(acme), models, is_orphan=True)
        assert "orphan" in text_of(olga.get(list_of("attempt"), {"is_orphan__exact": "1"}))


class TestTheFirstPage:
    def test_counts_what_is_going_on_and_leads_to_it(self, olga, acme, models):
        for status in ("queued", "queued", "running"):
            task_of(acme, status=status)
        for reason in ("quarantined", "result_lost", "result_lost"):
            flag_of(task_of(acme, status="failed", captured=0, finished_at=datetime.now(UTC)), models, reason=reason)
        flag_of(task_of(acme, status="failed", captured=0, finished_at=datetime.now(UTC)), models, ending="lost")
        Provider.objects.update(is_healthy=False)
        shown = tiles(olga)
        assert {title: count for title, (count, _) in shown.items()} == {
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
        few = len(queries_of(olga, "/admin/"))
        for _ in range(9):
            task_of(acme)
        assert len(queries_of(olga, "/admin/")) == few

"""All screens together: each opens and has its line in the side bar."""

import re
from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.urls import reverse
from unfold.admin import ModelAdmin

from tasks_app.models import File

from .conftest import attempt_of, list_of, output_of, queries_of, task_of, text_of

pytestmark = pytest.mark.django_db

SCREENS = {model._meta.label_lower: screen for model, screen in admin.site._registry.items()}


def address(label: str, view: str = "changelist", *args) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_{view}", args=args)


def side_bar(client) -> list[str]:
    """The addresses in it, of pages within the admin."""
    text = text_of(client.get("/admin/"))
    return re.findall(r'href="(/admin/[^"]+)"', text[text.index('id="nav-sidebar-apps"') : text.index('id="main"')])


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

    def test_a_job_that_was_cut_off_says_so(self, olga, acme, models):
        attempt_of(task_of(acme), models, outcome="accepted", late_outcome="interrupted")
        assert "interrupted" in text_of(olga.get(list_of("attempt")))

    def test_an_orphan_stands_out(self, olga, acme, models):
        attempt_of(task_of(acme), models, is_orphan=True)
        assert "orphan" in text_of(olga.get(list_of("attempt"), {"is_orphan__exact": "1"}))

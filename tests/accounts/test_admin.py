"""The operator's pages, through the browser's door: real URLs, real forms, the CSRF check on."""

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path, reverse
from django.utils import timezone

from accounts import credits, keys
from accounts.models import Account, ApiKey, LedgerEntry

from .conftest import books, settlement

urlpatterns = [path("admin/", admin.site.urls)]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

KEY = re.compile(r"dk_[A-Za-z0-9_-]{43}")


@pytest.fixture
def olga(client):
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def made(acme, now):
    return keys.make(acme, "ci", now=now)


def page(row, action="change"):
    """The address of a row's page, or of one of its dialogs."""
    return reverse(f"admin:accounts_{row._meta.model_name}_{action}", args=[row.id])


def says(answer):
    """The text of the page that a dialog leads to."""
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def submit(client, url, **fields):
    return client.post(url, {"_form_submitted": "True", **fields}, follow=True)


class TestTheAccountPage:
    def test_shows_what_is_owned_set_aside_free_and_at_work(self, olga, acme, made):
        credits.hold(acme.id, 37)
        text = says(olga.get(page(acme)))
        assert all(shown in text for shown in ("100", "37", "63", made[0].prefix))
        assert f'href="{page(made[0])}"' in text

    def test_gives_the_statement_of_each_month_for_excel(self, olga, acme):
        Account.objects.filter(id=acme.id).update(created_at=timezone.now() - timedelta(days=62))
        months = re.findall(r'href="(/admin/accounts/account/\d+/statement/[\d-]+\.csv)"', says(olga.get(page(acme))))
        assert len(months) == 3
        answer = olga.get(reverse("admin:accounts_account_statement", args=[acme.id, "2026-06"]))
        assert answer.getvalue().decode().splitlines()[2] == "2026-06-01T12:00:00Z,grant,,,100,100,to begin with"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="acme-2026-06.csv"'
        assert all(olga.get(url).getvalue().startswith(b"\xef\xbb\xbftime,") for url in months)

    def test_gives_no_statement_of_no_month_or_to_who_may_not_see_the_ledger(self, olga, client, acme):
        assert olga.get(reverse("admin:accounts_account_statement", args=[acme.id, "2026-13"])).status_code == 404
        vera = User.objects.create_user("vera", is_staff=True)
        vera.user_permissions.set(Permission.objects.filter(codename="view_account"))
        client.force_login(vera)
        assert client.get(reverse("admin:accounts_account_statement", args=[acme.id, "2026-06"])).status_code == 403
        assert "/statement/" not in says(client.get(page(acme)))

    def test_a_new_account_has_no_statements_yet(self, olga):
        assert "/statement/" not in says(olga.get(reverse("admin:accounts_account_add")))

    def test_the_cap_can_be_changed(self, olga, acme):
        olga.post(page(acme), form(olga, acme, max_active="9"))
        acme.refresh_from_db()
        assert acme.max_active == 9

    def test_a_save_writes_only_what_was_changed(self, olga, acme):
        filled = form(olga, acme, max_active="9")
        with CaptureQueriesContext(connection) as queries:
            olga.post(page(acme), filled)
        (update,) = [query["sql"] for query in queries if query["sql"].startswith("UPDATE") and "accounts_account" in query["sql"]]
        assert "max_active" in update
        assert not re.search("balance|held|is_enabled", update)

    def test_balance_held_and_active_cannot_be_posted(self, olga, acme):
        olga.post(page(acme), form(olga, acme, balance="9999", held="5", active="3"))
        assert books(acme) == (100, 0, 0)

    def test_a_new_account_can_be_added(self, olga):
        olga.post("/admin/accounts/account/add/", {"name": "bolt", "is_enabled": "on", "max_active": "4", **management()})
        assert books(Account.objects.get(name="bolt")) == (0, 0, 0)

    def test_an_account_cannot_be_deleted(self, olga, acme):
        assert olga.post(page(acme, "delete"), {"post": "yes"}).status_code == 403


class TestMovingCredits:
    def test_a_grant_is_booked_in_the_operators_name(self, olga, acme):
        text = says(submit(olga, page(acme, "grant"), amount="50", note="invoice 7"))
        assert "Booked +50 credits for acme." in text
        entry = LedgerEntry.objects.latest("id")
        assert (entry.kind, entry.amount, entry.by, entry.note) == ("grant", 50, "olga", "invoice 7")
        assert books(acme) == (150, 0, 0)

    def test_an_adjustment_may_take_some_away(self, olga, acme):
        says(submit(olga, page(acme, "adjust"), amount="-30", note="counted twice"))
        assert books(acme) == (70, 0, 0)
        assert LedgerEntry.objects.latest("id").by == "olga"

    def test_what_cannot_be_taken_is_said_and_not_booked(self, olga, acme):
        credits.hold(acme.id, 90)
        text = says(submit(olga, page(acme, "adjust"), amount="-11", note="too much"))
        assert "acme has 10 credits free: 11 cannot be taken." in text
        assert books(acme) == (100, 90, 1)

    @pytest.mark.parametrize(
        ("action", "amount", "note"), [("grant", "0", "x"), ("grant", "-5", "x"), ("grant", "5", ""), ("adjust", "", "x")]
    )
    def test_a_form_that_makes_no_sense_books_nothing(self, olga, acme, action, amount, note):
        assert "errors" in says(submit(olga, page(acme, action), amount=amount, note=note))
        assert books(acme) == (100, 0, 0)

    def test_to_look_at_the_form_books_nothing(self, olga, acme):
        says(olga.get(page(acme, "grant") + "?amount=50&note=x&_form_submitted=True"))
        assert books(acme) == (100, 0, 0)

    def test_a_dialog_of_htmx_is_told_where_to_go(self, olga, acme):
        answer = olga.post(page(acme, "grant"), {"_form_submitted": "True", "amount": "5", "note": "x"}, headers={"HX-Request": "true"})
        assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, page(acme))


class TestMakingAKey:
    def test_shows_it_exactly_once(self, olga, acme):
        text = says(submit(olga, page(acme, "new_key"), name="ci"))
        (key,) = set(KEY.findall(text))
        assert keys.find(key, now=timezone.now()).account_id == acme.id
        assert not KEY.search(says(olga.get(page(acme))))

    def test_leaves_the_operators_name_and_no_key_in_the_history(self, olga, acme):
        submit(olga, page(acme, "new_key"), name="ci")
        entry = LogEntry.objects.get()
        assert (entry.user.username, ApiKey.objects.get().prefix in entry.change_message) == ("olga", True)
        assert not KEY.search(entry.change_message)


class TestRestrictingAKey:
    def test_when_it_is_made(self, olga, acme):
        fields = {"read_only": "on", "only_models": "darkroom/a", "credits_limit": "5", "expires_at": "2027-01-31 12:00"}
        says(submit(olga, page(acme, "new_key"), name="ci", **fields))
        key = ApiKey.objects.get()
        assert (key.read_only, key.only_models, key.credits_limit) == (True, "darkroom/a", 5)
        assert key.expires_at.isoformat() == "2027-01-31T12:00:00+00:00"

    def test_on_its_own_page_holds_at_once(self, olga, made, now):
        filled = {"only_models": "", "only_networks": "203.0.113.0/24", "credits_limit": "", "read_only": "on"}
        olga.post(page(made[0]), filled | {"expires_at_0": "", "expires_at_1": ""})
        scope = keys.find(made[1], now=now).scope
        assert (scope.read_only, [str(one) for one in scope.networks]) == (True, ["203.0.113.0/24"])

    @pytest.mark.parametrize("networks", ["everywhere", "203.0.113.1/24"])
    def test_a_network_that_is_none_is_refused(self, olga, acme, made, networks):
        assert "Write them as" in says(submit(olga, page(acme, "new_key"), name="x", only_networks=networks))
        assert "Write them as" in says(olga.post(page(made[0]), {"only_networks": networks, "expires_at_0": "", "expires_at_1": ""}))
        assert list(ApiKey.objects.values_list("only_networks", flat=True)) == [""]


class TestRevokingKeys:
    def test_on_the_keys_page(self, olga, made, now):
        text = says(submit(olga, page(made[0], "revoke")))
        assert "Revoked the API key" in text
        assert keys.find(made[1], now=now) is None
        assert LogEntry.objects.get().change_message == "Revoked"

    def test_to_open_the_dialog_revokes_nothing(self, olga, made, now):
        says(olga.get(page(made[0], "revoke")))
        assert keys.find(made[1], now=now) is not None

    def test_several_in_the_list(self, olga, acme, made, now):
        other, kept = keys.make(acme, "laptop", now=now), keys.make(acme, "phone", now=now)
        olga.post("/admin/accounts/apikey/", {"action": "revoke_selected", "_selected_action": [made[0].id, other[0].id]})
        assert [keys.find(key, now=now) is None for _, key in (made, other, kept)] == [True, True, False]

    def test_a_leaked_key_is_found_by_its_first_characters(self, olga, acme, made, now):
        other, _ = keys.make(acme, "laptop", now=now)
        text = says(olga.get("/admin/accounts/apikey/", {"q": made[1][:11]}))
        assert made[0].prefix in text
        assert other.prefix not in text

    def test_neither_digest_nor_key_is_on_any_page(self, olga, acme, made):
        for url in (page(acme), "/admin/accounts/apikey/", page(made[0])):
            text = says(olga.get(url))
            assert made[0].digest not in text
            assert made[1][11:] not in text


class TestTheLedgerPage:
    def test_shows_entries_and_changes_none(self, olga, acme):
        entry = LedgerEntry.objects.get()
        assert "to begin with" in says(olga.get("/admin/accounts/ledgerentry/"))
        assert olga.get("/admin/accounts/ledgerentry/add/").status_code == 403
        assert olga.post(page(entry), {"amount": "5"}).status_code == 403
        assert olga.post(page(entry, "delete"), {"post": "yes"}).status_code == 403

    def test_finds_entries_by_account_and_by_task(self, olga, open_account, now):
        for name, task in (("acme", "task_1"), ("bolt", "task_2")):
            account = open_account(name)
            credits.hold(account.id, 7)
            credits.settle([settlement(account, held=7, captured=7, reference=task)], now=now)
        for term in ("CM", "task_1"):
            text = says(olga.get("/admin/accounts/ledgerentry/", {"q": term}))
            assert "task_1" in text
            assert "task_2" not in text

    def test_neither_counts_nor_joins(self, olga, acme):
        with CaptureQueriesContext(connection) as queries:
            says(olga.get("/admin/accounts/ledgerentry/"))
        assert not any("COUNT(" in query["sql"] for query in queries)
        (read,) = [query["sql"] for query in queries if "accounts_ledgerentry" in query["sql"]]
        assert "JOIN" not in read

    @pytest.mark.parametrize("name", ["ledgerentry", "apikey", "account"])
    def test_a_list_costs_the_same_number_of_queries_however_long_it_is(self, olga, open_account, now, name):
        def cost():
            with CaptureQueriesContext(connection) as queries:
                says(olga.get(f"/admin/accounts/{name}/"))
            return len(queries)

        keys.make(open_account("acme"), "ci", now=now)
        few = cost()
        for number in range(10):
            keys.make(open_account(f"account {number}"), "ci", now=now)
        assert cost() == few


class TestWhoMayDoThis:
    def test_nobody_without_a_login(self, client, acme, made):
        for url in (page(acme, "grant"), page(acme, "new_key"), page(made[0], "revoke")):
            assert client.post(url, {"_form_submitted": "True", "amount": "5", "note": "x"}).url.startswith("/admin/login/")

    def test_nobody_who_may_only_look(self, client, acme, made):
        viewer = User.objects.create_user("vera", is_staff=True)
        viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
        client.force_login(viewer)
        for url in (page(acme, "grant"), page(acme, "new_key"), page(made[0], "revoke")):
            assert client.post(url, {"_form_submitted": "True", "amount": "5", "note": "x", "name": "x"}).status_code == 403
        assert books(acme) == (100, 0, 0)

    def test_no_other_site_in_the_operators_browser(self, acme):
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(User.objects.create_superuser("olga"))
        assert strict.post(page(acme, "grant"), {"_form_submitted": "True", "amount": "5", "note": "x"}).status_code == 403
        assert books(acme) == (100, 0, 0)


def management():
    return {"keys-TOTAL_FORMS": "0", "keys-INITIAL_FORMS": "0"}


def form(client, account, **changed):
    """What the browser would send back from the account's page, with some fields changed."""
    initial = client.get(page(account)).context["adminform"].form.initial
    filled = {"name": initial["name"], "max_active": str(initial["max_active"]), "is_enabled": "on" if initial["is_enabled"] else ""}
    return {**filled, **management(), **changed}

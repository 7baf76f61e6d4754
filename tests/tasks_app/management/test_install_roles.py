"""`manage.py install_roles`: four groups, and what an operator of each may do, page by page and deed by deed."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from accounts import keys
from accounts.models import LedgerEntry
from providers.models import Provider, PublicModel
from tasks_app.management.commands.install_roles import ROLES
from tasks_app.models import Task
from tests.tasks_app.admin.conftest import flag_of, signed_in, task_of, text_of
from tests.tasks_app.api.conftest import models

__all__ = ["models"]

pytestmark = pytest.mark.django_db

SCREENS = {model._meta.label_lower for model in admin.site._registry}
OPERATORS = {"auth.user", "auth.group"}
DEEDS = {
    "cancel a task": {"support", "admin"},
    "retry a task": {"support", "admin"},
    "refund a task": {"finance", "admin"},
    "link": {"support", "admin"},
    "ask": {"support", "admin"},
    "lose": {"support", "admin"},
    "refund a flagged task": {"finance", "admin"},
    "grant": {"finance", "admin"},
    "adjust": {"finance", "admin"},
    "make a key": {"admin"},
    "revoke a key": {"admin"},
}


def install():
    call_command("install_roles", verbosity=0)


@pytest.fixture
def operator(db):
    """Sign in as somebody of this role."""
    install()

    def of(role: str):
        user = User.objects.create_user(f"a {role}", is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        return signed_in(user)

    return of


@pytest.fixture
def addresses(acme, models) -> dict[str, str]:
    """Of each deed: that of its dialog, for a row that it can be done to."""
    waiting, paid = acme.submits("darkroom/plasma-image"), task_of(acme, status="succeeded", captured=3, finished_at=acme.clock())
    failed = task_of(acme, status="failed", captured=0, finished_at=acme.clock(), provider=models)
    flag, key = flag_of(paid, models, reason="quarantined"), keys.make(acme.account, "k", now=timezone.now())[0]
    return {
        "cancel a task": _dialog("tasks_app_task_cancel", waiting),
        "retry a task": _dialog("tasks_app_task_retry", failed),
        "refund a task": _dialog("tasks_app_task_refund", paid),
        "link": _dialog("tasks_app_flag_link", flag.id),
        "ask": _dialog("tasks_app_flag_ask", flag.id),
        "lose": _dialog("tasks_app_flag_lose", flag.id),
        "refund a flagged task": _dialog("tasks_app_flag_refund", flag.id),
        "grant": _dialog("accounts_account_grant", acme.id),
        "adjust": _dialog("accounts_account_adjust", acme.id),
        "make a key": _dialog("accounts_account_new_key", acme.id),
        "revoke a key": _dialog("accounts_apikey_revoke", key.id),
    }


def _dialog(name: str, row) -> str:
    return reverse(f"admin:{name}", args=[row if isinstance(row, int) else str(row)])


def address(label: str, view: str = "changelist", *args) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_{view}", args=args)


class TestTheGroups:
    def test_are_there_once_however_often_they_are_installed(self):
        install()
        before = list(Group.permissions.through.objects.values_list("group__name", "permission__codename"))
        install()
        assert list(Group.permissions.through.objects.values_list("group__name", "permission__codename")) == before
        assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)

    def test_get_what_a_new_release_brings_and_lose_what_they_should_not_have(self):
        install()
        support = Group.objects.get(name="support")
        support.permissions.remove(Permission.objects.get(codename="cancel_task"))
        support.permissions.add(Permission.objects.get(codename="change_user"))
        install()
        codenames = set(support.permissions.values_list("codename", flat=True))
        assert "cancel_task" in codenames
        assert "change_user" not in codenames

    def test_of_the_operators_own_stay_as_they_are(self):
        mine = Group.objects.create(name="night shift")
        mine.permissions.add(Permission.objects.get(codename="cancel_task"))
        install()
        assert list(mine.permissions.values_list("codename", flat=True)) == ["cancel_task"]


class TestWhatARoleSees:
    @pytest.mark.parametrize("role", ROLES)
    def test_is_every_screen_but_operators_are_the_admins_to_see(self, operator, role):
        client = operator(role)
        seen = {label for label in SCREENS if client.get(address(label)).status_code == 200}
        assert seen == (SCREENS if role == "admin" else SCREENS - OPERATORS)

    @pytest.mark.parametrize("role", ROLES)
    def test_is_no_secret(self, operator, role):
        assert not {codename for codename in ROLES[role] if "credential" in codename or "secret" in codename or "otp_" in codename}


class TestWhatARoleDoes:
    @pytest.mark.parametrize("role", ROLES)
    def test_is_what_it_is_for_and_nothing_else(self, operator, addresses, role):
        client = operator(role)
        done = {deed for deed, url in addresses.items() if client.get(url).status_code == 200}
        assert done == {deed for deed, roles in DEEDS.items() if role in roles}
        form = {"_form_submitted": "True", "note": "why", "amount": "5", "job": "1"}
        for deed in set(addresses) - done:
            assert client.post(addresses[deed], form).status_code == 403, deed

    @pytest.mark.parametrize("role", ["viewer", "support", "finance"])
    def test_adds_and_changes_no_row_unless_it_is_the_admins(self, operator, acme, models, role):
        client = operator(role)
        for label in SCREENS:
            assert client.get(address(label, "add")).status_code == 403, label
        row = address("accounts.account", "change", acme.id)
        assert client.post(row, {"name": "mine", "max_active": "9"}).status_code == 403
        row = address("providers.provider", "change", models.id)
        assert client.post(row, {"name": "mine", "new_credentials": '{"api_key": "k"}'}).status_code == 403

    def test_of_support_ends_a_task_in_its_own_name(self, operator, addresses):
        operator("support").post(addresses["cancel a task"], {"_form_submitted": "True"})
        assert Task.objects.filter(status="canceled").count() == 1

    def test_of_finance_books_in_its_own_name(self, operator, addresses):
        operator("finance").post(addresses["grant"], {"_form_submitted": "True", "amount": "50", "note": "invoice 7"})
        assert LedgerEntry.objects.latest("id").by == "a finance"


class TestFinanceAndPrices:
    @pytest.fixture
    def model(self, models) -> PublicModel:
        return PublicModel.objects.get(name="darkroom/plasma-image")

    def test_changes_the_price_and_nothing_else_of_a_model(self, operator, model):
        client, url = operator("finance"), address("providers.publicmodel", "change", model.id)
        client.post(url, {"price": "7 * n", "usage": "{}", "title": "mine", "is_enabled": "", **routes(client, url)})
        model.refresh_from_db()
        assert (model.price, model.title, model.is_enabled) == ("7 * n", "darkroom/plasma-image", True)

    def test_is_told_of_a_price_that_is_none(self, operator, model):
        client, url = operator("finance"), address("providers.publicmodel", "change", model.id)
        assert "errorlist" in text_of(client.post(url, {"price": "7 *", "usage": "{}", **routes(client, url)}))

    def test_switches_no_model_off_in_the_list(self, operator, model):
        client, url = operator("finance"), address("providers.publicmodel")
        assert 'type="checkbox" name="form-0-is_enabled"' not in text_of(client.get(url))
        client.post(url, {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": model.id, "_save": "Save"})
        assert PublicModel.objects.filter(is_enabled=True).count() == 2

    def test_changes_no_route(self, operator, model):
        client, url = operator("finance"), address("providers.publicmodel", "change", model.id)
        assert not re.search(r'name="routes-0-weight"', text_of(client.get(url)))

    def test_of_support_are_to_be_looked_at(self, operator, model):
        assert operator("support").post(address("providers.publicmodel", "change", model.id), {"price": "0"}).status_code == 403
        assert Provider.objects.count() == 1


def routes(client, url: str) -> dict[str, str]:
    """The hidden fields of the inline routes, as a browser posts them; none where they are only shown."""
    return dict(re.findall(r'<input type="hidden" name="(routes-[A-Z_]+)" value="(\d*)"', text_of(client.get(url))))

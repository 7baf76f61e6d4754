"""What an operator does about a task: by the engine's own functions, in the operator's name."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from accounts.models import LedgerEntry
from tasks_app.models import Task, TaskEvent
from tests.upstreams import fail

from .conftest import list_of, page, shown, signed_in, task_of, text_of

pytestmark = pytest.mark.django_db

IMAGE = "darkroom/plasma-image"


def does(client: Client, task: Task, verb: str, **fields: str):
    """Open the dialog, fill it in, submit it, and go where it leads."""
    dialog = text_of(client.get(page(task, verb)))
    kept = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', dialog))
    return client.post(page(task, verb), kept | fields, follow=True)


def selects(client: Client, action: str, *tasks: Task):
    return client.post(list_of(), {"action": action, "_selected_action": [str(task.id) for task in tasks]}, follow=True)


def events_by(name: str) -> list[tuple[str, dict]]:
    return list(TaskEvent.objects.filter(by=name).order_by("id").values_list("status", "detail"))


def offered(client: Client, task: Task) -> set[str]:
    """The verbs that the task's page offers."""
    text = text_of(client.get(page(task)))
    return {verb for verb in ("cancel", "retry", "refund") if f'hx-get="{page(task, verb)}"' in text}


@pytest.fixture
def failed(acme, plasma, road) -> Task:
    plasma.will(fail("moderated"))
    task = acme.submits(IMAGE)
    road.runs_dry()
    task.refresh_from_db()
    return task


@pytest.fixture
def paid(acme, plasma, road) -> Task:
    task = acme.submits("darkroom/plasma-video", duration=5)
    road.runs_dry()
    task.refresh_from_db()
    assert task.captured == 10
    return task


class TestCancel:
    def test_of_a_waiting_task_ends_it_in_the_operators_name(self, olga, acme, plasma):
        task = acme.submits(IMAGE)
        assert f"{shown(task)}: canceled." in text_of(does(olga, task, "cancel"))
        task.refresh_from_db()
        assert (task.status, acme.held, events_by("olga")) == ("canceled", 0, [("canceled", {})])

    def test_of_a_running_task_is_asked_for_in_the_operators_name(self, olga, acme, plasma, road):
        plasma.manual = True
        task = acme.submits(IMAGE)
        road.submits()
        assert "asked to cancel" in text_of(does(olga, task, "cancel"))
        assert events_by("olga") == [("running", {"asked": "cancel"})]
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, acme.balance) == ("canceled", 1000)

    def test_that_comes_too_late_is_refused_with_the_reason(self, olga, acme):
        task = task_of(acme, status="storing")
        assert "A task that is being stored cannot be canceled." in text_of(does(olga, task, "cancel"))
        assert not TaskEvent.objects.exists()

    def test_of_several_says_what_came_of_each(self, olga, acme, plasma):
        waiting, other, stored = acme.submits(IMAGE), acme.submits(IMAGE), task_of(acme, status="storing")
        text = text_of(selects(olga, "cancel_selected", waiting, stored))
        assert f"{shown(waiting)}: canceled." in text
        assert f"{shown(stored)}: A task that is being stored cannot be canceled." in text
        assert list(Task.objects.filter(status="canceled")) == [waiting]
        assert other.status == "queued"


class TestRetry:
    def test_orders_the_task_again_for_its_account(self, olga, acme, failed):
        assert "retried as a new task" in text_of(does(olga, failed, "retry"))
        new = Task.objects.exclude(id=failed.id).get()
        assert (new.retry_of, new.status, new.account_id, acme.held) == (failed.id, "queued", acme.id, 3)
        assert events_by("olga") == [("queued", {"retry_of": shown(failed)}), ("failed", {"retried_as": shown(new)})]

    def test_pressed_twice_orders_it_once(self, olga, acme, failed):
        dialog = text_of(olga.get(page(failed, "retry")))
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', dialog))
        for _ in range(2):
            assert olga.post(page(failed, "retry"), form).status_code == 302
        assert (Task.objects.count(), acme.held) == (2, 3)

    def test_opened_again_orders_it_again(self, olga, failed):
        for _ in range(2):
            does(olga, failed, "retry")
        assert Task.objects.count() == 3

    def test_without_the_credits_is_refused_with_the_reason(self, olga, zero, failed):
        Task.objects.filter(id=failed.id).update(account=zero.id)
        assert "zero has 0 credits free and this task needs 3" in text_of(does(olga, failed, "retry"))
        assert Task.objects.count() == 1

    def test_of_an_input_that_no_longer_fits_names_the_field(self, olga, failed):
        Task.objects.filter(id=failed.id).update(input={"prompt": ""})
        assert "prompt" in text_of(does(olga, failed, "retry"))
        assert Task.objects.count() == 1

    def test_of_several(self, olga, acme, failed):
        text = text_of(selects(olga, "retry_selected", failed, acme.submits(IMAGE)))
        assert "The task is not over" in text
        assert Task.objects.filter(retry_of=failed.id).count() == 1


class TestRefund:
    def test_gives_back_what_was_captured_in_the_operators_name(self, olga, acme, paid):
        assert "10 credits refunded." in text_of(does(olga, paid, "refund", note="green faces"))
        entry = LedgerEntry.objects.get(kind="refund")
        assert (entry.amount, entry.by, entry.note, acme.balance) == (10, "olga", "green faces", 1000)
        assert events_by("olga") == [("succeeded", {"refunded": 10, "note": "green faces"})]

    def test_a_second_time_is_refused(self, olga, acme, paid):
        does(olga, paid, "refund", note="green faces")
        assert "has been given back already" in text_of(does(olga, paid, "refund", note="again"))
        assert acme.balance == 1000

    def test_wants_a_reason(self, olga, acme, paid):
        assert "This field is required." in text_of(does(olga, paid, "refund", note=""))
        assert acme.balance == 990

    def test_has_a_permission_of_its_own(self, acme, paid):
        user = User.objects.create_user("rita", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=("view_task", "cancel_task", "retry_task")))
        rita = signed_in(user)
        assert offered(rita, paid) == {"retry"}
        assert rita.post(page(paid, "refund"), {"_form_submitted": "True", "note": "x"}).status_code == 403


class TestWhatIsOffered:
    @pytest.mark.parametrize(
        ("status", "captured", "verbs"),
        [
            ("queued", None, {"cancel"}),
            ("submitting", None, {"cancel"}),
            ("running", None, {"cancel"}),
            ("storing", None, set()),
            ("succeeded", 3, {"retry", "refund"}),
            ("canceled", 3, {"retry", "refund"}),
            ("failed", 0, {"retry"}),
        ],
    )
    def test_is_what_the_state_allows(self, olga, acme, status, captured, verbs):
        finished_at = None if captured is None else acme.clock()
        assert offered(olga, task_of(acme, status=status, captured=captured, finished_at=finished_at)) == verbs

    def test_is_nothing_to_who_may_only_look(self, vera, acme):
        assert offered(vera, task_of(acme)) == set()
        assert "cancel_selected" not in text_of(vera.get(list_of()))


class TestWhoMayDoIt:
    def test_nobody_without_a_login(self, client, acme):
        task = task_of(acme)
        for verb in ("cancel", "retry", "refund"):
            assert client.post(page(task, verb), {"_form_submitted": "True"}).url.startswith("/admin/login/")

    def test_nobody_who_may_only_look(self, vera, acme):
        task = task_of(acme)
        for verb in ("cancel", "retry", "refund"):
            assert vera.post(page(task, verb), {"_form_submitted": "True", "key": "k", "note": "n"}).status_code == 403
        selects(vera, "cancel_selected", task)
        task.refresh_from_db()
        assert task.status == "queued"

    def test_no_other_site_in_the_operators_browser(self, acme):
        strict = signed_in(User.objects.create_superuser("olga"), enforce_csrf_checks=True)
        task = task_of(acme)
        assert strict.post(page(task, "cancel"), {"_form_submitted": "True"}).status_code == 403
        task.refresh_from_db()
        assert task.status == "queued"

    def test_to_open_a_dialog_does_nothing(self, olga, acme):
        task = task_of(acme)
        text_of(olga.get(page(task, "cancel") + "?_form_submitted=True"))
        task.refresh_from_db()
        assert task.status == "queued"


class TestTheHistory:
    def test_names_the_operator_and_the_task(self, olga, acme, plasma):
        task = acme.submits(IMAGE)
        does(olga, task, "cancel")
        entry = LogEntry.objects.get()
        assert (entry.user.username, entry.object_repr, entry.change_message) == ("olga", shown(task), "canceled.")
        assert shown(task) in text_of(olga.get(entry.get_admin_url()))

    def test_has_nothing_of_what_was_refused(self, olga, acme):
        does(olga, task_of(acme, status="storing"), "cancel")
        assert not LogEntry.objects.exists()

    def test_a_dialog_of_htmx_is_told_where_to_go(self, olga, acme, plasma):
        task = acme.submits(IMAGE)
        answer = olga.post(page(task, "cancel"), {"_form_submitted": "True"}, headers={"HX-Request": "true"})
        assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, page(task))

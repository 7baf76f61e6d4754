"""The operator's pages as they look: on a desk and on a phone, with all that they can hold, to everybody, and in both languages.

Each leaves a screenshot below var/screenshots/admin.
"""

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
import pyvips
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import keys
from providers.models import Provider, PublicModel, Route
from tasks_app import hours
from tasks_app.models import Attempt, Audit, Delivery, Process, Task, WebhookEndpoint
from tests import looks
from tests.browser import DESKTOP, PHONE, Looked, looked_at
from tests.tasks_app.api.conftest import IMAGE, VIDEO

from .conftest import attempt_of, event_of, flag_of, list_of, output_of, page, task_of
from .test_browser import PASSWORD, signs_in

pytestmark = pytest.mark.django_db(transaction=True)

WINDOWS = {"desk": DESKTOP, "phone": PHONE}
PICTURE = (
    (pyvips.Image.xyz(640, 480)[0] / 3)
    .cast("uchar")
    .bandjoin([(pyvips.Image.xyz(640, 480)[1] / 2).cast("uchar"), 90])
    .copy(interpretation="srgb")
)
OLDEST = timedelta(hours=23)


@pytest.fixture(autouse=True)
def olga(transactional_db) -> User:
    return User.objects.create_superuser("olga", password=PASSWORD)


@pytest.fixture
def lived_in(acme, bolt, models) -> dict[str, str]:
    """A day of a house that is not quite well; the addresses of the pages that tell of it."""
    now = datetime.now(UTC)
    grit = Provider.objects.create(
        name="grit", adapter="grit_adapter", is_healthy=False, failing_since=now, health_note="HTTP 401", checked_at=now
    )
    Provider.objects.filter(id=models.id).update(max_jobs=4, unit_credits=20, checked_at=now)
    Route.objects.create(model=PublicModel.objects.get(name=VIDEO), provider=grit, upstream_model="grit-video", priority=1)
    for number in range(60):
        _over(acme if number % 3 else bolt, models if number % 4 else grit, number, now)
    for number in range(3):
        task_of(acme, status="running", provider=models, route=models.routes.first(), progress=number / 3)
        task_of(bolt, due_at=now - timedelta(minutes=4))
    task = _told_in_full(acme, models, now)
    failed = task_of(acme, status="failed", captured=0, provider=grit, finished_at=now, error_code="submission_outcome_unknown")
    flag = flag_of(failed, grit)
    delivery = _delivery(acme, task, now)
    key = keys.make(acme.account, "ci", now=now)[0]
    Audit.objects.create(started_at=now, finished_at=now, accounts=2, tasks=66, is_whole=False, faults=0)
    Process.objects.create(kind="beat", host="here", pid=7, started_at=now, seen_at=now)
    LogEntry.objects.log_actions(
        User.objects.get().id, Task.objects.filter(id=task.id), 2, change_message="3 credits refunded. Why: green faces"
    )
    call_command("install_schedule", verbosity=0)
    call_command("install_roles", verbosity=0)
    hours.run_once(clock=lambda: now)
    return {
        "overview": "/admin/",
        "tasks": list_of(),
        "task": page(task),
        "flags": list_of("flag"),
        "flag": page(flag),
        "attempts": list_of("attempt"),
        "attempt": reverse("admin:tasks_app_attempt_change", args=[Attempt.objects.get(task_id=task.id).pk]),
        "deliveries": list_of("delivery"),
        "delivery": page(delivery),
        "accounts": reverse("admin:accounts_account_changelist"),
        "account": reverse("admin:accounts_account_change", args=[acme.id]),
        "key": reverse("admin:accounts_apikey_change", args=[key.id]),
        "ledger": reverse("admin:accounts_ledgerentry_changelist"),
        "providers": reverse("admin:providers_provider_changelist"),
        "provider": reverse("admin:providers_provider_change", args=[models.id]),
        "model": reverse("admin:providers_publicmodel_change", args=[PublicModel.objects.get(name=VIDEO).id]),
        "duties": reverse("admin:django_celery_beat_periodictask_changelist"),
        "operators": reverse("admin:auth_user_changelist"),
        "deeds": reverse("admin:admin_logentry_changelist"),
        "second-factor": reverse("admin:second_factor"),
    }


def _over(member, provider, number: int, now: datetime) -> None:
    made = now - OLDEST * number / 60
    is_good = number % 5 != 0
    code = "" if is_good else ("moderated", "unavailable", "deadline_exceeded")[number % 3]
    took = timedelta(seconds=(7, 11, 26)[number % 3] * (4 if number % 2 else 1))
    task = task_of(
        member,
        status="succeeded" if is_good else "failed",
        model=IMAGE if number % 2 else VIDEO,
        created_at=made,
        finished_at=made + took,
        captured=3 + number % 4 if is_good else 0,
        provider=provider,
        error_code=code,
        lane="",
    )
    if number % 2:
        attempt_of(task, provider, upstream_cost=0.08) if provider.routes.exists() else None


def _told_in_full(member, provider, now: datetime) -> Task:
    task = task_of(
        member,
        status="succeeded",
        provider=provider,
        captured=3,
        attempts=1,
        input={"prompt": "a red fox in the snow, at dusk", "n": 1},
        cost_items=[{"what": IMAGE, "credits": 3}],
        finished_at=now + timedelta(seconds=12),
        lane="",
    )
    order = json.dumps({"prompt": "a red fox in the snow, at dusk. " * 20}, indent=2)
    wire = {
        "request": f"POST https://ark.example/api/v3/contents/generations/tasks\n\n{order}",
        "answer": 'HTTP 200\n\n{\n  "id": "cgt-2026-11-26-1"\n}',
    }
    attempt_of(task, provider, upstream_cost=0.08, handle={"id": "cgt-2026-11-26-1"}, **wire)
    for status in ("submitting", "running", "storing", "succeeded"):
        event_of(task, status)
    output_of(task, PICTURE.pngsave_buffer(), thumbnail=PICTURE.thumbnail_image(320).webpsave_buffer(), width=640, height=480)
    return task


def _delivery(member, task: Task, now: datetime) -> Delivery:
    endpoint = WebhookEndpoint.objects.create(
        account=member.account, url="https://shop.example/hooks", events=["task.succeeded"], sealed="", created_at=now
    )
    columns = {"lane": "", "sequence": 2, "type": "task.succeeded", "payload": '{"type": "task.succeeded"}', "created_at": now}
    answer = {
        "status": "failed",
        "tries": 8,
        "tried_at": now,
        "took_ms": 214,
        "answer_status": 500,
        "reason": "answer",
        "answer_body": "oops",
    }
    return Delivery.objects.create(account=member.account, task_id=task.id, endpoint_id=endpoint.id, url=endpoint.url, **columns, **answer)


@pytest.mark.parametrize("window", WINDOWS)
def test_every_page_fits_its_window_and_is_for_everybody(live_server, lived_in, window):
    barriers = {}
    with looked_at(live_server.url, WINDOWS[window]) as looked:
        signs_in(looked)
        for name, url in lived_in.items():
            looked.page.goto(url)
            for folded in looked.page.locator("details.folded summary").all():
                folded.click()
            assert looked.too_wide_px() <= 0, name
            looks.shot(looked, f"admin/{window}-{name}")
            if window == "desk" or name in ("overview", "task"):  # what differs on a phone
                barriers |= {name: found} if (found := looked.barriers()) else {}
        assert looked.troubles == []
    assert barriers == {}


def test_the_first_page_in_the_dark_and_in_chinese(live_server, lived_in):
    with looked_at(live_server.url, DESKTOP) as looked:
        looked.page.emulate_media(color_scheme="dark")
        looked.page.set_extra_http_headers({"Accept-Language": "zh-CN"})
        looked.page.goto("/admin/")
        looks.shot(looked, "admin/desk-sign-in-chinese")
        looked.page.get_by_label("用户名").fill("olga")
        looked.page.get_by_label("密码").first.fill(PASSWORD)
        looked.page.keyboard.press("Enter")
        looked.page.get_by_role("heading", name="健康").wait_for()
        looks.shot(looked, "admin/desk-overview-chinese-dark")
        assert looked.barriers() == []
        looked.page.goto(lived_in["flag"])
        looks.shot(looked, "admin/desk-flag-chinese-dark")
        assert looked.troubles == []


class TestByKeyboard:
    def test_an_operator_signs_in_and_cancels_a_task(self, live_server, acme, models):
        task = acme.submits(IMAGE)
        with looked_at(live_server.url, DESKTOP) as looked:
            press = looked.page.keyboard.press
            looked.page.goto(page(task))
            looked.page.get_by_label("Username").wait_for()
            press("Tab")
            assert looked.page.evaluate("document.activeElement.name") == "username"
            looked.page.keyboard.type("olga")
            press("Tab")
            looked.page.keyboard.type(PASSWORD)
            press("Enter")
            looked.page.get_by_text("Cancel task", exact=True).wait_for()
            reaches(looked, "Cancel task")
            press("Enter")
            looked.page.get_by_role("button", name="Yes, cancel the task").wait_for()
            reaches(looked, "Yes, cancel the task")
            press("Enter")
            looked.page.get_by_text("canceled.").wait_for()
            assert looked.troubles == []
        task.refresh_from_db()
        assert task.status == "canceled"


def reaches(looked: Looked, text: str) -> None:
    """By Tab alone, as a keyboard does."""
    for _ in itertools.repeat(None, 120):
        looked.page.keyboard.press("Tab")
        if text in (looked.page.evaluate("document.activeElement.innerText") or ""):
            return
    raise AssertionError(f"Tab never came to {text!r}")


class TestAQuote:
    def test_is_tried_in_its_dialog_and_told_there(self, live_server, models):
        model = PublicModel.objects.get(name=VIDEO)
        with looked_at(live_server.url, DESKTOP) as looked:
            signs_in(looked)
            looked.page.goto(reverse("admin:providers_publicmodel_change", args=[model.id]))
            looked.page.get_by_text("Try a quote", exact=True).click()
            dialog = looked.page.locator("#modal-content")
            dialog.get_by_label("Input").fill('{"prompt": "a fox", "duration": 4}')
            dialog.get_by_role("button", name="Quote").click()
            told = dialog.get_by_text("8 credits · 1 output")
            told.wait_for()
            looks.shot(looked, "admin/desk-quote")
            dialog.get_by_label("Input").fill('{"duration": 4}')
            dialog.get_by_role("button", name="Quote").click()
            told.wait_for(state="detached")
            assert "prompt" in dialog.inner_text()
            assert looked.troubles == []


class TestASecondFactor:
    def test_is_set_up_with_what_the_page_shows_and_asked_for_then(self, live_server):
        from tests.config.test_second_factor import shown_by

        with looked_at(live_server.url, PHONE) as looked:
            signs_in(looked)
            looked.page.goto(reverse("admin:second_factor"))
            secret = looked.page.locator("code").inner_text()
            looked.page.get_by_role("textbox", name="Code").fill(code_of(secret))
            looked.page.get_by_role("button", name="Set up").click()
            looked.page.locator(".codes li").nth(9).wait_for()
            looks.shot(looked, "admin/phone-recovery-codes")
            recovery = looked.page.locator(".codes li").first.inner_text()
            looked.page.context.clear_cookies()
            looked.page.goto("/admin/")
            looked.page.get_by_label("Username").fill("olga")
            looked.page.get_by_label("Password").fill(PASSWORD)
            looked.page.get_by_role("textbox", name="Code").fill(recovery)
            looked.page.get_by_role("button", name="Log in").click()
            looked.page.wait_for_url("**/admin/")
            assert looked.troubles == []
        assert shown_by(TOTPDevice.objects.get(confirmed=True)).isdecimal()


def code_of(secret: str) -> str:
    """What an app shows that was given the secret, as typed from the page."""
    from base64 import b32decode

    from django_otp.oath import TOTP

    return f"{TOTP(b32decode(secret)).token():06}"

"""A task's page: all that is known of it, and nothing that can be changed or should not be seen."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils.html import escape

from accounts import credits
from accounts.models import ApiKey, LedgerEntry
from providers import credentials
from tasks_app.engine import lanes
from tasks_app.models import Attempt, Task
from tests.cast import START
from tests.upstreams import answer

from .conftest import attempt_of, event_of, list_of, output_of, page, queries_of, shown, task_of, text_of

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"


class TestWhatItSays:
    def test_of_the_order(self, olga, acme):
        task = task_of(
            acme, input={"prompt": "城市的灯", "n": 2}, metadata={"album": "42"}, end_user="ann", idempotency_key="k-1", priority="low"
        )
        text = text_of(olga.get(page(task)))
        assert escape('{\n  "prompt": "城市的灯",\n  "n": 2\n}') in text
        assert all(word in text for word in (escape('"album": "42"'), "ann", "k-1", "low", "acme", "image.generate"))

    def test_of_what_happened_and_who_did_it(self, olga, acme):
        task = task_of(acme, status="canceled", captured=0, finished_at=START)
        event_of(task, "submitting")
        event_of(task, "queued", code="unavailable", message="The upstream answered 503.")
        event_of(task, "running", by="olga", asked="cancel")
        event_of(task, "canceled", by="root", retried_as=shown(task))
        event_of(task, "canceled", by="rita", refunded=1200, note="green faces")
        event_of(task, "canceled", unheard_of=7)
        text = text_of(olga.get(page(task)))
        told = (
            "unavailable",
            "The upstream answered 503.",
            "asked to cancel",
            "by olga",
            "retried as",
            "by root",
            "1,200 credits refunded",
        )
        assert all(word in text for word in (*told, "green faces · by rita", escape('{"unheard_of": 7}')))

    def test_of_each_attempt(self, olga, acme, models):
        task = task_of(acme, status="running", provider=models, attempts=2)
        late = task.created_at + timedelta(seconds=3)
        first = attempt_of(task, models, outcome="rate_limited", message="Too many requests.", landed_at=late)
        attempt_of(task, models, number=2, handle={"id": "job-9"}, upstream_cost=0.35, is_orphan=True)
        text = text_of(olga.get(page(task)))
        told = ("plasma", first.token, "rate_limited", "Too many requests.", "answered after 3.0 s", "job-9", "0.35", "orphan")
        assert all(word in text for word in told)

    def test_of_what_each_attempt_sent_and_heard_until_it_is_opened(self, olga, acme, models):
        task = task_of(acme, status="failed", captured=0, finished_at=START, provider=models, attempts=2)
        attempt_of(task, models, outcome="rate_limited", request="POST https://a.example/jobs\n\n{}", answer="HTTP 429\n\nslow down")
        attempt_of(task, models, number=2, request="POST https://b.example/jobs", ending="GET https://b.example/jobs/1\n\nHTTP 200")
        text = text_of(olga.get(page(task)))
        folded = re.findall(
            r"<details class=.folded.><summary>(\S.*?) <code[^>]*>(.*?)</code></summary><pre class=.mono.>(.*?)</pre>", text, re.S
        )
        assert folded == [
            ("Request", "POST https://a.example/jobs", "POST https://a.example/jobs\n\n{}"),
            ("Answer", "HTTP 429", "HTTP 429\n\nslow down"),
            ("Request", "POST https://b.example/jobs", "POST https://b.example/jobs"),
            ("Answer that ended the task", "GET https://b.example/jobs/1", "GET https://b.example/jobs/1\n\nHTTP 200"),
        ]
        assert "<details open" not in text

    def test_of_credits_from_hold_to_ledger(self, olga, acme, plasma, road):
        task = acme.submits("darkroom/plasma-video", duration=5)
        road.runs_dry()
        credits.refund(acme.id, 4, reference=shown(task), by="rita", note="too dark", now=START)
        text = text_of(olga.get(page(task)))
        assert all(word in text for word in ("-10", "+4", "rita", "too dark"))

    def test_of_a_price_that_rests_on_usage(self, olga, acme):
        item = {"what": "darkroom/plasma-image", "credits": 9, "price": "4 + 0.01 * tokens", "up_to": {"tokens": 500}}
        task = task_of(acme, status="succeeded", captured=5, finished_at=START, cost_items=[item], used={"tokens": 83})
        event_of(task, "succeeded", doubts=["`tokens` was not told."])
        text = text_of(olga.get(page(task)))
        told = ("4 + 0.01 * tokens, with tokens up to 500", escape('"tokens": 83'), "usage in doubt", "`tokens` was not told.")
        assert all(word in text for word in told)

    def test_of_its_error(self, olga, acme):
        error = {"error_code": "moderated", "error_message": "Refused: violence.", "error_field": "prompt", "retryable": False}
        assert "Refused: violence." in text_of(olga.get(page(task_of(acme, status="failed", captured=0, finished_at=START, **error))))

    def test_of_what_the_engine_knows(self, olga, acme):
        task = task_of(acme, lane=lanes.parking_lane(acme.id), due_at=None, lost_claims=2, handle={"id": "job-9"}, lease_token=77777777)
        text = text_of(olga.get(page(task)))
        assert all(word in text for word in ("parked: its account is at its cap", "needs no worker now", "a worker has it", "job-9"))

    def test_costs_the_same_number_of_queries_however_much_happened(self, olga, acme, models):
        task = task_of(acme, status="succeeded", captured=1, finished_at=START, provider=models, attempts=1)

        def happens(number: int) -> None:
            event_of(task, "submitting")
            attempt_of(task, models, number=number, request="POST /", answer="HTTP 200")
            output_of(task, position=number)

        happens(1)
        few = len(queries_of(olga, page(task)))
        for number in range(2, 9):
            happens(number)
        assert len(queries_of(olga, page(task))) == few

    def test_is_found_under_the_bare_id_too_where_the_history_leads(self, olga, acme):
        task = task_of(acme)
        assert shown(task) in text_of(olga.get(f"/admin/tasks_app/task/{task.id}/change/"))
        assert shown(task) in text_of(olga.get(f"/admin/tasks_app/task/{task.id}/history/"))


class TestItsOutputs:
    def test_are_shown_with_their_measures(self, olga, acme):
        task = task_of(acme, status="succeeded", captured=1, finished_at=START)
        picture = output_of(task, thumbnail=b"small", width=768, height=512)
        video = output_of(task, position=1, content_type="video/mp4", thumbnail=b"small", duration=8.5)
        text = text_of(olga.get(page(task)))
        assert f'<img src="{page(picture, "thumbnail")}"' in text
        assert "768 × 512" in text
        assert f'<video src="{page(video, "content")}" poster="{page(video, "thumbnail")}"' in text

    def test_that_a_browser_might_run_are_only_named(self, olga, acme):
        task = task_of(acme, status="succeeded", captured=1, finished_at=START)
        output = output_of(task, content_type="image/svg+xml")
        text = text_of(olga.get(page(task)))
        assert f'src="{page(output, "content")}"' not in text
        assert f'href="{page(output, "content")}">Download' in text

    def test_are_left_out_for_who_may_not_see_outputs(self, vera, acme):
        task = task_of(acme, status="succeeded", captured=1, finished_at=START)
        output = output_of(task)
        assert str(output) in text_of(vera.get(page(task)))
        User.objects.get(username="vera").user_permissions.remove(Permission.objects.get(codename="view_output"))
        assert str(output) not in text_of(vera.get(page(task)))


class TestWhatAnAttemptSentAndHeard:
    @pytest.fixture
    def task(self, acme, models):
        task = task_of(acme, status="running", provider=models, attempts=1)
        attempt_of(task, models, request="POST https://a.example/jobs", answer="HTTP 418")
        return task

    def test_is_shown_on_the_attempts_own_page_too(self, olga, task):
        assert "HTTP 418" in text_of(olga.get(reverse("admin:tasks_app_attempt_change", args=[Attempt.objects.get().pk])))

    def test_is_left_out_for_who_may_not_see_attempts(self, vera, task):
        assert "HTTP 418" in text_of(vera.get(page(task)))
        User.objects.get(username="vera").user_permissions.remove(Permission.objects.get(codename="view_attempt"))
        assert "HTTP 418" not in text_of(vera.get(page(task)))

    def test_is_not_read_for_a_list(self, olga, task):
        assert not [sql for sql in queries_of(olga, list_of("attempt")) if re.search(r"attempt.\..answer", sql)]

    def test_of_an_upstream_that_quotes_our_key_and_a_script_is_text_without_the_key(self, olga, acme, grit, road):
        grit.will(answer(400, code=f"{HOSTILE} {grit.KEY}"))
        task = acme.submits("darkroom/grit-image", prompt=HOSTILE)
        road.submits()
        text = text_of(olga.get(page(task)))
        assert "HTTP 400" in text
        assert text.count(escape(HOSTILE)) >= 3  # in the input, the request and the answer
        assert (HOSTILE in text, grit.KEY in text) == (False, False)


class TestWhatItKeepsToItself:
    def test_no_key_no_digest_no_credential_and_no_fence_is_shown(self, olga, acme, models):
        credentials.rotate(models, {"api_key": "s3cret"}, now=START)
        task = task_of(acme, status="running", provider=models, credential_version=1, lease_token=987654321)
        attempt_of(task, models)
        text = text_of(olga.get(page(task)))
        assert not any(secret in text for secret in ("s3cret", acme.key, ApiKey.objects.get().digest, "987654321"))

    @pytest.mark.parametrize("place", ["input", "metadata", "end_user", "error_message", "event", "attempt", "record", "note"])
    def test_what_strangers_wrote_is_text_and_never_a_part_of_the_page(self, olga, acme, models, place):
        columns = {"input": {"prompt": HOSTILE}, "metadata": {"a": HOSTILE}, "end_user": HOSTILE, "error_message": HOSTILE}
        task = task_of(
            acme, status="failed", captured=0, finished_at=START, error_code="x", **{k: v for k, v in columns.items() if k == place}
        )
        if place == "event":
            event_of(task, "failed", code=HOSTILE, message=HOSTILE)
        if place == "attempt":
            attempt_of(task, models, outcome="unavailable", message=HOSTILE, handle={"id": HOSTILE})
        if place == "record":
            Task.objects.filter(id=task.id).update(attempts=1)
            attempt_of(task, models, request=HOSTILE, answer=HOSTILE, ending=HOSTILE)
        if place == "note":
            LedgerEntry.objects.create(account=acme.account, kind="refund", amount=1, reference=shown(task), note=HOSTILE, created_at=START)
        text = text_of(olga.get(page(task)))
        assert HOSTILE not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


class TestNothingCanBeChanged:
    @pytest.mark.parametrize("view", ["change", "delete"])
    def test_on_its_page(self, olga, acme, view):
        task = task_of(acme)
        assert olga.post(page(task, view), {"status": "succeeded", "post": "yes"}).status_code == 403
        task.refresh_from_db()
        assert task.status == "queued"

    @pytest.mark.parametrize("model", ["task", "attempt", "output", "file"])
    def test_nor_added(self, olga, model):
        assert olga.get(f"/admin/tasks_app/{model}/add/").status_code == 403

    def test_and_no_button_offers_to_save(self, olga, acme):
        assert 'name="_save"' not in text_of(olga.get(page(task_of(acme))))

"""What an attempt keeps of what was said to its upstream, and what the upstream said."""

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from providers.outcomes import Callback
from tasks_app.engine import callback, poll, submit
from tasks_app.models import Attempt, Task
from tests.upstreams import accept_then, answer, cut_before_answer, fail, garbage, say

IMAGE = "darkroom/plasma-image"


def writes_of(work) -> list[str]:
    """The writes to attempts that `work` made."""
    with CaptureQueriesContext(connection) as queries:
        work()
    return [query["sql"] for query in queries if re.match(r"(INSERT|UPDATE)\b.*tasks_app_attempt", query["sql"])]


class TestASubmit:
    def test_is_kept_with_its_answer(self, acme, plasma, road):
        plasma.manual = True
        acme.submits(IMAGE, prompt="a red fox")
        road.submits()
        attempt = Attempt.objects.get()
        assert attempt.request.startswith(f"POST {plasma.url}/v1/jobs\n\n{{\n")
        assert '"prompt": "a red fox"' in attempt.request
        assert attempt.answer.startswith("HTTP 200\n\n{\n")
        assert f'"id": "{attempt.handle["id"]}"' in attempt.answer
        assert (attempt.ending, plasma.KEY in attempt.request + attempt.answer) == ("", False)

    def test_that_was_refused_is_kept_with_the_refusal(self, acme, plasma, road):
        plasma.will(answer(400, code=12))
        acme.submits(IMAGE)
        road.submits()
        answered = Attempt.objects.get().answer
        assert answered.startswith("HTTP 400\n\n")
        assert '"code": 12' in answered

    def test_that_nobody_answered_is_kept_alone(self, acme, grit, road):
        grit.will(cut_before_answer())
        acme.submits("darkroom/grit-image")
        road.submits()
        attempt = Attempt.objects.get()
        assert ("a red fox" in attempt.request, attempt.answer) == (True, "")

    def test_that_was_answered_by_somebody_else_is_kept_with_that(self, acme, grit, road):
        grit.will(garbage())
        acme.submits("darkroom/grit-image")
        road.submits()
        assert "Welcome to nginx!" in Attempt.objects.get().answer

    def test_costs_no_write_more_than_its_outcome(self, acme, plasma, road):
        acme.submits(IMAGE)
        assert len(writes_of(road.submits)) == 2  # the intent, and what it came to

    def test_is_not_replaced_by_a_look_up(self, acme, bell, road):
        bell.will(cut_before_answer())  # it took the order
        acme.submits("darkroom/bell-image")
        road.submits()
        lost = Attempt.objects.get()
        callback.came(lost.token, Callback({}, json.dumps(bell.ringing(bell.jobs["bell1"])).encode()), now=road.clock())
        road.submits()
        attempt = Attempt.objects.get()
        assert (Task.objects.get().status, attempt.outcome) == ("running", "accepted")
        assert (attempt.request, attempt.answer) == (lost.request, "")

    def test_shows_no_address_for_calls(self, acme, bell, road):
        acme.submits("darkroom/bell-image")
        road.submits()
        assert re.search(r'"call": "http://127\.0\.0\.1:9/hooks/bell/…/task_\w+-1"', Attempt.objects.get().request)


class TestAnAnswerThatEndedItsTask:
    def test_is_kept_where_the_job_failed(self, acme, plasma, road):
        plasma.will(fail("moderated"))
        acme.submits(IMAGE)
        road.runs_dry()
        attempt = Attempt.objects.get()
        assert Task.objects.get().status == "failed"
        assert attempt.ending.startswith(f"GET {plasma.url}/v1/jobs/{attempt.handle['id']}\n\nHTTP 200\n\n")
        assert "this picture was refused" in attempt.ending
        assert attempt.answer.startswith("HTTP 200")  # to the submit

    def test_is_kept_where_the_time_was_up(self, acme, plasma, road):
        plasma.manual = True
        task = acme.submits(IMAGE)
        road.submits()
        road.clock.now = task.deadline_at
        plasma.will(answer(503, code=19), at="poll")
        road.polls()
        assert Task.objects.get().status == "expired"
        assert "HTTP 503" in Attempt.objects.get().ending

    def test_is_not_kept_of_a_job_that_goes_on_or_ended_well(self, acme, plasma, road):
        plasma.will(accept_then(say("drawing"), answer(503, code=19), say("drawing")))
        acme.submits(IMAGE)
        road.submits()
        assert sum(len(writes_of(lambda: (road.moves_to_next_due(), road.polls()))) for _ in range(3)) == 0
        road.runs_dry()
        assert (Task.objects.get().status, Attempt.objects.get().ending) == ("succeeded", "")

    def test_costs_one_write(self, acme, plasma, road):
        plasma.will(fail())
        acme.submits(IMAGE)
        road.submits()
        plasma.finish()
        road.moves_to_next_due()
        assert len(writes_of(road.polls)) == 1

    def test_is_not_kept_by_who_lost_the_task_meanwhile(self, acme, plasma, road):
        plasma.will(fail())
        acme.submits(IMAGE)
        road.submits()
        plasma.finish()
        road.moves_to_next_due()
        (asked,) = poll.take(1, road.clock)
        outcome = road.calls(poll, asked)
        Task.objects.update(lease_token=1)
        poll.land([(asked, outcome)], road.clock)
        assert Attempt.objects.get().ending == ""


@pytest.mark.parametrize("columns", [{"outcome": "accepted"}, {"outcome": "finished"}])
def test_a_known_answer_is_not_replaced_by_what_says_nothing(acme, plasma, clock, road, columns):
    acme.submits(IMAGE)
    plasma.will(answer(500))
    (taken,) = submit.take(1, clock)
    outcome = road.calls(submit, taken)
    Attempt.objects.update(answer="HTTP 200", **columns)
    submit.land([(taken, outcome)], clock)
    assert Attempt.objects.get().answer == "HTTP 200"

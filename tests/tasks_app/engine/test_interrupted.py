"""Jobs that an upstream lost or cut off, where another may be begun in their place."""

from tasks_app.engine.decisions import MOST_RUNS
from tasks_app.models import Attempt, Task, TaskEvent
from tests.upstreams import answer, fail

VIDEO = "darkroom/plasma-video"
CUT_OFF = fail("interrupted")


class TestAJobThatWasCutOff:
    def test_is_begun_anew_and_its_task_succeeds(self, acme, plasma, road):
        plasma.will(CUT_OFF)
        task = acme.submits(VIDEO)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.captured, acme.balance, acme.held) == ("succeeded", 10, 990, 0)
        path = list(TaskEvent.objects.filter(task_id=task.id).order_by("id").values_list("status", flat=True))
        assert path == ["submitting", "running", "queued", "submitting", "running", "storing", "succeeded"]

    def test_is_an_attempt_of_its_own_that_keeps_its_handle_and_its_end(self, acme, plasma, road):
        plasma.will(CUT_OFF)
        acme.submits(VIDEO)
        road.runs_dry()
        kept = list(Attempt.objects.order_by("id").values_list("outcome", "late_outcome", "ask_at"))
        assert kept == [("accepted", "interrupted", None), ("accepted", "", None)]
        assert [one["id"] for one in Attempt.objects.order_by("id").values_list("handle", flat=True)] == list(plasma.jobs)

    def test_leaves_nothing_of_it_on_the_row_but_says_why_in_its_history(self, acme, plasma, road):
        plasma.will(CUT_OFF)
        task = acme.submits(VIDEO)
        road.submits()
        Task.objects.update(progress=0.6)
        plasma.finish()
        road.moves_to_next_due()
        road.polls()
        task.refresh_from_db()
        assert (task.status, task.handle, task.progress, task.provider_id, task.error_code) == ("queued", None, 0, None, "")
        assert TaskEvent.objects.get(status="queued").detail == {"code": "generation_failed", "message": "the machine was taken away"}

    def test_again_and_again_fails_with_its_credits_back(self, acme, plasma, road):
        plasma.will(*[CUT_OFF] * MOST_RUNS)
        task = acme.submits(VIDEO)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.error_code, task.retryable, task.flagged) == ("failed", "generation_failed", True, False)
        assert (plasma.bought, acme.balance, acme.held) == (MOST_RUNS, 1000, 0)

    def test_is_begun_anew_however_often_there_was_no_room(self, acme, plasma, road):
        plasma.will(*[answer(429, code=17)] * (MOST_RUNS + 1), CUT_OFF)
        task = acme.submits(VIDEO)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, plasma.bought) == ("succeeded", 2)

    def test_is_not_begun_anew_for_a_client_who_canceled(self, acme, plasma, road):
        plasma.will(CUT_OFF)
        task = acme.submits(VIDEO)
        road.submits()
        acme.cancels(task)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, plasma.bought, acme.balance, acme.held) == ("canceled", 1, 1000, 0)

    def test_is_not_begun_anew_after_its_deadline(self, acme, plasma, road):
        plasma.will(CUT_OFF)
        task = acme.submits(VIDEO)
        road.submits()
        road.clock.now = task.deadline_at
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, plasma.bought, acme.held) == ("expired", 1, 0)

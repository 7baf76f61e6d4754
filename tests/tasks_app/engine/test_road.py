"""The whole road, step by step, against upstreams on sockets."""

import pytest

from tasks_app.models import Attempt, Output, Task, TaskEvent
from tests.upstreams import (
    answer,
    cut_before_answer,
    cut_mid_json,
    deliver,
    fail,
    finish_without_output,
    garbage,
    result_gone,
    rubbish_result,
    say,
    short_result,
)


def path_of(task: Task) -> list[str]:
    return list(TaskEvent.objects.filter(task_id=task.id).order_by("id").values_list("status", flat=True))


class TestAnUpstreamThatBehaves:
    def test_a_task_is_bought_once_stored_and_paid(self, acme, plasma, road):
        task = acme.submits("darkroom/plasma-video", duration=5)
        assert (acme.balance, acme.held, acme.active) == (1000, 10, 1)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.captured, task.progress) == ("succeeded", 10, 1)
        assert (acme.balance, acme.held, acme.active) == (990, 0, 0)
        assert plasma.bought == 1
        assert path_of(task) == ["submitting", "running", "storing", "succeeded"]

    def test_its_output_is_kept_with_all_that_is_known_of_it(self, acme, plasma, road):
        task = acme.submits("darkroom/plasma-video")
        road.runs_dry()
        output = Output.objects.get(task_id=task.id)
        assert (output.type, output.content_type, output.position, len(output.sha256)) == ("video", "video/mp4", 0, 64)
        assert output.width
        assert output.height
        assert output.duration
        assert output.bytes
        assert output.thumbnail_key

    def test_the_attempt_keeps_handle_outcome_and_cost(self, acme, plasma, road):
        task = acme.submits("darkroom/plasma-image")
        road.runs_dry()
        attempt = Attempt.objects.get(task_id=task.id)
        assert attempt.outcome == "accepted"
        assert attempt.handle["id"] in plasma.jobs
        assert attempt.landed_at

    def test_a_job_done_in_the_answer_itself_skips_polling(self, acme, plasma, road):
        plasma.instant = True
        task = acme.submits("darkroom/plasma-image")
        road.runs_dry()
        assert path_of(task) == ["submitting", "storing", "succeeded"]
        assert not plasma.polls

    def test_fewer_outputs_than_asked_cost_less_and_say_so(self, acme, plasma, road):
        plasma.will(deliver(2))
        task = acme.submits("darkroom/plasma-image", n=4)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.hold, task.captured) == ("succeeded", 12, 6)
        assert task.warnings == ["2 of 4 outputs were made."]


class TestRefusals:
    def test_a_moderated_job_costs_nothing(self, acme, plasma, road):
        plasma.will(fail("moderated"))
        task = acme.submits("darkroom/plasma-image")
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.error_code, acme.held, acme.balance) == ("failed", "moderated", 0, 1000)

    def test_an_invalid_input_is_not_tried_again(self, acme, plasma, road):
        plasma.will(answer(400, code=12))
        task = acme.submits("darkroom/plasma-image")
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.error_code, task.attempts) == ("failed", "invalid_input", 1)

    def test_finished_without_an_output_is_a_failure(self, acme, plasma, road):
        plasma.will(finish_without_output())
        task = acme.submits("darkroom/plasma-image")
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.error_code, acme.balance) == ("failed", "no_output", 1000)


class TestNotAccepted:
    @pytest.mark.parametrize(
        "order", [answer(429, retry_after=3), answer(503, code=19), answer(401, code=31), answer(402, code=23)], ids=str
    )
    def test_the_task_waits_and_is_bought_once_later(self, acme, plasma, road, order):
        plasma.will(order)
        task = acme.submits("darkroom/plasma-image")
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.attempts, plasma.bought) == ("succeeded", 2, 1)

    def test_a_busy_upstream_keeps_the_task_to_its_deadline_and_no_longer(self, acme, plasma, road):
        plasma.will(answer(429, retry_after=86400))
        task = acme.submits("darkroom/plasma-image")
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, acme.held, plasma.bought) == ("expired", 0, 0)


class TestTheWireBreaksAfterSending:
    @pytest.mark.parametrize("order", [cut_before_answer(), cut_mid_json(), garbage()], ids=["cut", "half", "garbage"])
    def test_where_the_token_is_honoured_the_job_is_found_and_bought_once(self, acme, plasma, road, order):
        plasma.will(order)
        task = acme.submits("darkroom/plasma-video")
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.attempts, plasma.bought) == ("succeeded", 1, 1)

    @pytest.mark.parametrize("order", [cut_before_answer(), cut_mid_json(), garbage()], ids=["cut", "half", "garbage"])
    def test_where_it_is_not_the_task_is_never_sent_twice_and_its_credits_come_back(self, acme, grit, road, order):
        grit.will(order)
        task = acme.submits("darkroom/grit-video")
        road.runs_dry()
        task.refresh_from_db()
        assert (task.error_code, task.flagged) == ("submission_outcome_unknown", True)
        assert (grit.bought, acme.held, acme.balance) == (1, 0, 1000)


class TestPolling:
    @pytest.mark.parametrize("order", [answer(500), answer(401), answer(429), cut_before_answer(), garbage(), say("folding")], ids=str)
    def test_an_answer_that_is_no_verdict_fails_nothing(self, acme, plasma, road, order):
        plasma.will(order, at="poll", times=3)
        task = acme.submits("darkroom/plasma-image")
        road.runs_dry()
        task.refresh_from_db()
        assert task.status == "succeeded"

    def test_a_job_that_never_ends_is_stopped_at_its_deadline_and_costs_nothing(self, acme, plasma, road):
        plasma.manual = True
        task = acme.submits("darkroom/plasma-image", expires_in=60)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.error_code, acme.balance) == ("expired", "expired", 1000)
        assert all(job.is_canceled for job in plasma.jobs.values())


class TestStoring:
    def test_a_result_that_is_gone_is_lost_and_not_bought_again(self, acme, plasma, road):
        plasma.will(result_gone())
        task = acme.submits("darkroom/plasma-image")
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.error_code, task.flagged, plasma.bought) == ("failed", "result_lost", True, 1)
        assert not Output.objects.exists()

    def test_a_result_that_breaks_off_is_fetched_again_for_as_long_as_it_lives(self, acme, plasma, road):
        plasma.will(short_result())
        task = acme.submits("darkroom/plasma-image")
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.error_code, plasma.bought) == ("failed", "result_lost", 1)
        assert sum(plasma.fetched.values()) > 3

    def test_a_result_that_is_no_media_is_never_kept(self, acme, plasma, road, settings):
        plasma.will(rubbish_result())
        task = acme.submits("darkroom/plasma-image")
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.error_code, plasma.fetched.total()) == ("failed", "result_lost", 1)
        assert [path for path in settings.STORAGE_DIR.rglob("*") if path.is_file()] == []


class TestCancel:
    def test_a_waiting_task_is_canceled_at_once(self, acme, plasma, road):
        task = acme.submits("darkroom/plasma-image")
        acme.cancels(task)
        task.refresh_from_db()
        assert (task.status, acme.held, acme.active) == ("canceled", 0, 0)
        road.runs_dry()
        assert plasma.bought == 0

    def test_a_running_task_is_stopped_upstream(self, acme, plasma, road):
        plasma.manual = True
        task = acme.submits("darkroom/plasma-image")
        road.submits()
        acme.cancels(task)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, acme.held, acme.balance) == ("canceled", 0, 1000)
        assert [job.is_canceled for job in plasma.jobs.values()] == [True]

    def test_who_asked_for_it_is_kept_once_however_often_they_ask(self, acme, plasma, road):
        plasma.manual = True
        task = acme.submits("darkroom/plasma-image")
        road.submits()
        for _ in range(3):
            acme.cancels(task)
        asked = TaskEvent.objects.filter(task_id=task.id, detail={"asked": "cancel"})
        assert list(asked.values_list("status", "by")) == [("running", "acme")]

    def test_an_upstream_that_cannot_stop_refuses_the_cancel(self, acme, grit, road):
        from tasks_app.engine.accept import Problem

        grit.manual = True
        task = acme.submits("darkroom/grit-video")
        road.submits()
        with pytest.raises(Problem) as refused:
            acme.cancels(task)
        assert refused.value.status == 409

    def test_anothers_task_is_not_there(self, acme, bolt, plasma):
        from tasks_app.engine.accept import Problem

        task = acme.submits("darkroom/plasma-image")
        with pytest.raises(Problem) as refused:
            bolt.cancels(task)
        assert refused.value.status == 404

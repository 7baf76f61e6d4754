"""The database was put back to a backup: what waits in it may have been bought since."""

from providers.models import Route
from tasks_app.engine import restored, submit
from tasks_app.models import Attempt, Task, TaskEvent
from tests.upstreams import answer

IMAGE, GRIT = "darkroom/plasma-image", "darkroom/grit-image"


def put_back(task: Task, clock) -> None:
    """The row as it was before the task was submitted."""
    waiting = {"status": "queued", "lane": task.model, "lease_token": 0, "attempts": 0, "provider": None, "route": None, "handle": None}
    Task.objects.filter(id=task.id).update(**waiting, due_at=clock(), started_at=None)
    TaskEvent.objects.filter(task_id=task.id).delete()
    Attempt.objects.filter(task_id=task.id).delete()


def looked(clock) -> tuple[int, int]:
    return restored.run_once(clock=clock, by="olga", trust_tokens=True)


class TestWhereTokensAreNotTrusted:
    def test_a_task_that_was_refused_since_and_then_taken_is_not_bought_again(self, acme, plasma, road, clock):
        task = acme.submits(IMAGE)
        plasma.will(answer(503, code=19))
        road.submits()
        clock.move(seconds=5)
        road.submits()
        assert plasma.bought == 1
        put_back(task, clock)
        assert restored.run_once(clock=clock, by="olga") == (0, 1)
        road.runs_dry()
        assert (Task.objects.get().error_code, plasma.bought) == ("submission_outcome_unknown", 1)

    def test_a_task_on_its_way_is_given_up_too(self, acme, plasma, clock):
        acme.submits(IMAGE)
        submit.take(1, clock)
        assert restored.run_once(clock=clock, by="olga") == (0, 1)
        assert (Task.objects.get().status, acme.held, acme.active) == ("failed", 0, 0)


class TestATaskThatWaitsAgainAndWasBought:
    def test_goes_on_where_its_upstream_answers_the_token_with_the_job_it_has(self, acme, plasma, road, clock):
        task = acme.submits(IMAGE)
        road.submits()
        put_back(task, clock)
        assert looked(clock) == (1, 0)
        road.runs_dry()
        assert (Task.objects.get().status, plasma.bought) == ("succeeded", 1)

    def test_is_given_up_where_its_upstream_would_sell_it_again(self, acme, grit, road, clock):
        task = acme.submits(GRIT)
        road.submits()
        put_back(task, clock)
        assert looked(clock) == (0, 1)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.error_code, task.flagged, acme.held) == ("failed", "submission_outcome_unknown", True, 0)
        assert grit.bought == 1
        assert TaskEvent.objects.get(task_id=task.id).by == "olga"

    def test_is_given_up_where_another_upstream_might_get_it_this_time(self, acme, plasma, grit, clock):
        route = Route.objects.get(model__name=GRIT)
        Route.objects.create(model=Route.objects.get(model__name=IMAGE).model, provider=route.provider, upstream_model="grit-image")
        acme.submits(IMAGE)
        assert looked(clock) == (0, 1)

    def test_is_given_up_where_nobody_serves_its_model_at_the_moment(self, acme, plasma, clock):
        acme.submits(IMAGE)
        Route.objects.update(is_enabled=False)
        assert looked(clock) == (0, 1)


def test_a_parked_task_may_have_been_let_in_and_bought_too(member, grit, clock):
    small = member("small", credits=100, max_active=1)
    for _ in range(2):
        small.submits(GRIT)
    assert looked(clock) == (0, 2)
    assert (small.held, small.active) == (0, 0)

"""A lost submit found in a list that echoes our text: ours is the one job that looks like it and that no other attempt has."""

import pytest

from providers.errors import OutcomeUnknown
from providers.outcomes import Accepted, Callback
from tasks_app.engine import callback, claims, submit
from tasks_app.models import Attempt, Task
from tests.upstreams import cut_before_answer

IMAGE = "darkroom/bell-image"


pytestmark = pytest.mark.usefixtures("by_list")


@pytest.fixture
def loses(acme, bell, road):
    """A task whose submit is cut off after bell took it, or before."""

    def lose(*, accepts: bool = True, **more) -> Task:
        bell.will(cut_before_answer(accepts=accepts))
        task = acme.submits(IMAGE, **more)
        road.submits()
        task.refresh_from_db()
        assert task.status == "submitting"
        return task

    return lose


def after(road, seconds: float, *tasks: Task) -> list[tuple[str, str]]:
    """Status and order of these tasks, so much later."""
    road.clock.move(seconds=seconds)
    road.submits()
    rows = [Task.objects.get(id=task.id) for task in tasks]
    return [(row.status, row.handle["order"] if row.handle else "") for row in rows]


class TestTheOneThatLooksLikeIt:
    def test_is_ours_and_nothing_is_bought_again(self, loses, bell, road, acme):
        task = loses()
        assert after(road, 2, task) == [("running", "bell1")]
        bell.finish()
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.attempts, bell.bought, acme.balance) == ("succeeded", 1, 1, 997)

    def test_is_told_from_other_texts_and_counts(self, loses, acme, road):
        acme.submits(IMAGE, prompt="a grey fox")
        acme.submits(IMAGE, n=2)
        road.submits()
        assert after(road, 2, loses()) == [("running", "bell3")]

    def test_is_told_from_its_twin_whose_order_is_known(self, loses, acme, road):
        twin = acme.submits(IMAGE)
        road.submits()
        task = loses()
        assert after(road, 2, task, twin) == [("running", "bell2"), ("running", "bell1")]

    def test_is_told_from_its_like_of_an_hour_before(self, loses, road):
        loses()
        Attempt.objects.all().delete()  # as if another had bought it with our key
        Task.objects.all().delete()
        road.clock.move(hours=1)
        assert after(road, 2, loses()) == [("running", "bell2")]


class TestTwoThatLookLikeIt:
    def test_are_both_left_alone_and_the_operator_is_told(self, loses, bell, road, acme):
        tasks = [loses(), loses()]
        assert after(road, 2, *tasks) == 2 * [("submitting", "")]
        road.runs_dry()
        ended = [(task.status, task.error_code, task.flagged) for task in Task.objects.all()]
        assert ended == 2 * [("failed", "submission_outcome_unknown", True)]
        assert (bell.bought, acme.balance) == (2, 1000)

    def test_are_told_apart_by_the_addresses_that_they_came_with(self, loses, road, settings):
        settings.HOOKS_URL = "http://127.0.0.1:9"
        assert after(road, 2, loses(), loses()) == [("running", "bell1"), ("running", "bell2")]


class TestNoneThatLooksLikeIt:
    def test_is_believed_once_the_list_would_surely_show_it(self, loses, bell, road):
        task = loses(accepts=False)
        assert after(road, 30, task) == [("submitting", "")]
        road.clock.move(seconds=10)
        road.submits()
        after(road, 60, task)
        task.refresh_from_db()
        assert (task.status, task.attempts, bell.bought) == ("running", 2, 1)

    def test_is_not_believed_where_its_upstream_has_called(self, loses, bell, road, settings, clock):
        settings.HOOKS_URL = "http://127.0.0.1:9"
        task = loses()
        bell.orders["bell1"] = bell.orders["bell1"] | {"call": "elsewhere"}
        callback.came(claims.submit_token(task.id, 1), Callback({}, b""), now=clock())
        assert after(road, 60, task) == [("submitting", "")]
        road.runs_dry()
        task.refresh_from_db()
        assert (task.error_code, task.attempts, bell.bought) == ("submission_outcome_unknown", 1, 1)


class TestAJobThatMayBeAnothers:
    """Two tasks of one text, and one order: whichever it is made for, two must not follow it."""

    def test_is_given_to_one_of_two_that_find_it_at_the_same_moment(self, loses, road, clock):
        tasks = [loses(), loses(accepts=False)]
        clock.move(seconds=2)
        taken = submit.take(2, clock)
        found = [(one, road.calls(submit, one)) for one in taken]
        assert [outcome for _, outcome in found] == 2 * [Accepted({"order": "bell1"})]
        submit.land(found, clock)
        assert sorted(Task.objects.get(id=task.id).status for task in tasks) == ["running", "submitting"]

    def test_is_not_another_tasks_where_one_worker_found_it_twice(self, loses, road, clock):
        """It was frozen past its lease, awoke, and took its own row anew."""
        loses()
        clock.move(seconds=2)
        before = submit.take(1, clock)
        clock.move(seconds=claims.LEASE.total_seconds() + 1)
        taken = before + submit.take(1, clock)
        submit.land([(one, road.calls(submit, one)) for one in taken], clock)
        assert (len(taken), Task.objects.get().status, Attempt.objects.get().handle) == (2, "running", {"order": "bell1"})

    def test_is_given_to_the_first_of_two_workers_that_find_it(self, loses, road, clock):
        loses(), loses(accepts=False)
        clock.move(seconds=2)
        first, second = submit.take(2, clock)
        found = [(one, road.calls(submit, one)) for one in (first, second)]
        submit.land(found[:1], clock)
        submit.land(found[1:], clock)
        assert [Task.objects.get(id=one.id).status for one in (first, second)] == ["running", "submitting"]
        assert Attempt.objects.filter(handle__isnull=False).count() == 1

    def test_is_nobodys_while_its_twin_is_not_answered(self, loses, acme, bell, road, clock):
        task = loses(accepts=False)
        acme.submits(IMAGE)
        clock.move(seconds=1)
        open_call = submit.take(10, clock)
        (fresh,) = [one for one in open_call if one.is_fresh]
        submit.land([(one, OutcomeUnknown()) for one in open_call if not one.is_fresh], clock)
        answer = road.calls(submit, fresh)
        assert after(road, 4, task) == [("submitting", "")]
        submit.land([(fresh, answer)], clock)
        assert Task.objects.get(id=fresh.id).handle == {"order": "bell1"}
        road.clock.move(seconds=40)
        road.submits()
        after(road, 60, task)
        task.refresh_from_db()
        assert (task.status, task.attempts, bell.bought) == ("running", 2, 2)

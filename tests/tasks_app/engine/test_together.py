"""Many jobs asked about in one call: each row hears its own answer, and no job fails by what a list leaves out."""

import asyncio
from datetime import UTC, datetime

import pytest

from providers.errors import OutcomeUnknown
from providers.models import Provider
from providers.outcomes import Facts, Job
from tasks_app.engine import together
from tasks_app.models import Task
from tests.cast import forget_rows
from tests.upstreams import answer, fail, hang
from tests.upstreams.paper import paper_honest

IMAGE = "darkroom/plasma-image"
JOBS = [Job(f"task_{n}-1", "image.generate", "plasma-image", {}, datetime(2026, 6, 1, tzinfo=UTC), {"id": str(n)}) for n in range(3)]


class Faulty:
    FACTS = Facts(kinds=frozenset(), batch=10)

    async def poll_many(self, jobs):
        raise KeyError("data")


@pytest.fixture
def listed(plasma, settings):
    """plasma, whose adapter asks about ten jobs in a call; its jobs take until they are finished."""
    settings.ADAPTERS = [*settings.ADAPTERS, "tests.upstreams.plasma_list_adapter"]
    Provider.objects.update(adapter="plasma_list_adapter")
    forget_rows()
    plasma.manual = True
    return plasma


@pytest.fixture
def running(member, listed, road, clock):
    """Tasks of so many jobs that run, due to be asked about."""

    def start(count: int) -> list[Task]:
        acme = member("many", credits=10_000, max_active=1000)
        tasks = [acme.submits(IMAGE) for _ in range(count)]
        road.submits()
        clock.move(seconds=2)
        return tasks

    return start


def statuses() -> dict[str, int]:
    found = list(Task.objects.values_list("status", flat=True))
    return {status: found.count(status) for status in found}


class TestOneCall:
    def test_tells_of_as_many_jobs_as_the_upstream_allows(self, running, listed, road):
        running(25)
        road.polls()
        assert (listed.requests["poll"], set(listed.polls.values()), len(listed.polls)) == (3, {1}, 25)
        assert statuses() == {"running": 25}

    def test_moves_each_row_by_its_own_answer(self, running, listed, road):
        running(5)
        listed.finish(next(iter(listed.jobs)))
        road.polls()
        assert (listed.requests["poll"], statuses()) == (1, {"storing": 1, "running": 4})

    def test_is_made_anew_by_rows_that_fall_due_together(self, running, listed, road, clock):
        running(7)
        road.polls()
        clock.now = min(Task.objects.values_list("due_at", flat=True))
        assert set(Task.objects.values_list("due_at", flat=True)) == {clock.now}
        road.polls()
        assert listed.requests["poll"] == 2

    def test_is_not_made_for_a_job_that_is_alone(self, running, listed, road):
        (task,) = running(1)
        listed.unlisted.update(listed.jobs)
        road.polls()
        task.refresh_from_db()
        assert (task.status, listed.requests["poll"]) == ("running", 1)

    def test_is_none_where_an_adapter_has_only_the_fact(self, running, listed, road, settings):
        Provider.objects.update(adapter="plasma_adapter")
        forget_rows()
        running(3)
        road.polls()
        assert listed.requests["poll"] == 3


class TestAJobThatTheListLeavesOut:
    def test_is_asked_for_alone(self, running, listed, road):
        running(4)
        left_out = next(iter(listed.jobs))
        listed.unlisted.add(left_out)
        listed.finish(left_out)
        road.polls()
        assert (listed.requests["poll"], statuses()) == (2, {"storing": 1, "running": 3})

    def test_is_missing_only_where_it_is_so_alone(self, running, listed, road):
        running(3)
        del listed.jobs[next(iter(listed.jobs))]
        road.polls()
        assert [task.unseen_since is not None for task in Task.objects.order_by("id")] == [True, False, False]


class TestAJobThatFailed:
    def test_is_asked_for_alone_which_tells_why(self, member, listed, road, clock):
        listed.will(fail("moderated"))
        acme = member("many", credits=100)
        tasks = [acme.submits(IMAGE) for _ in range(2)]
        road.submits()
        listed.finish()
        clock.move(seconds=2)
        road.polls()
        codes = [Task.objects.get(id=task.id).error_code for task in tasks]
        assert sorted(codes) == ["", "moderated"]


class TestACallThatFails:
    @pytest.mark.parametrize("said", [answer(503), answer(404, code=22), answer(401), hang()], ids=str)
    def test_is_no_verdict_on_any_job(self, running, listed, road, said):
        running(3)
        listed.will(said, at="poll")
        road.polls()
        assert statuses() == {"running": 3}
        assert set(Task.objects.values_list("unseen_since", flat=True)) == {None}
        assert listed.requests["poll"] == 1

    def test_by_a_fault_of_ours_is_told_once(self, caplog):
        async def ask():
            call = together.Together(Faulty(), JOBS)
            return await asyncio.gather(*map(call.poll, JOBS), return_exceptions=True)

        assert list(map(type, asyncio.run(ask()))) == [OutcomeUnknown] * len(JOBS)
        assert [record.message for record in caplog.records] == ["a call about 3 jobs failed in our own code"]


class TestWhatIsGathered:
    def test_is_nothing_where_each_job_is_asked_for_alone(self):
        adapter = paper_honest.Adapter(None)
        assert together.gathered([(adapter, object()), (adapter, object())]) == [None, None]

"""Tasks that only a full route can take stand aside for those that could go elsewhere at once, and lose no place by it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from providers import breakers
from providers.breaker import FINAL_PAUSE, Call
from providers.errors import Unauthenticated
from providers.models import Provider, PublicModel, Route
from tasks_app import figures, rows
from tasks_app.admin import task_page
from tasks_app.doctor import road as doctor
from tasks_app.engine import accept, aside, claims, expiry, lanes, lifecycle, slots
from tasks_app.engine.decisions import Move
from tasks_app.models import Task
from tests.cast import forget_rows

from .two_routes import LOUD, SMALL, cap, fill

MODEL = "our/video"
ROOM = 4  # of a look


@pytest.fixture
def many(member):
    return member("many", credits=100_000, max_active=10_000)


@pytest.fixture
def submits(served, many, clock):
    """A task with this input, a moment later than the one before it."""

    def submit(given: dict, **more) -> Task:
        clock.move(milliseconds=1)
        return accept.one(many.id, accept.Order(MODEL, {"prompt": "a kite", **given}, **more), now=clock()).task

    return submit


@pytest.fixture
def looks(clock):
    """One look for rows: how many went to whom."""

    def look(room: int = ROOM) -> Counter:
        return Counter(Provider.objects.get(id=one.row["provider_id"]).name for one in slots.take(room, now=clock()))

    return look


def lane_of(task: Task) -> str:
    return Task.objects.get(id=task.id).lane


def at(task: Task) -> str | None:
    """Whose job it is; None where it waits."""
    return Task.objects.values_list("provider__name", flat=True).get(id=task.id)


class TestManyTasksOfWhichAFullRouteAloneIsCapable:
    def test_hold_up_none_that_another_takes(self, submits, looks):
        fill("kling")
        for _ in range(3 * ROOM):
            submits(LOUD)
        task = submits(SMALL)
        assert looks() == {"vidu": 1}
        assert at(task) == "vidu"

    def test_stay_where_they_are_while_nobody_could_go(self, submits, looks):
        fill("kling")
        fill("vidu")
        tasks = [submits(LOUD), submits(SMALL)]
        assert looks() == {}
        assert {lane_of(task) for task in tasks} == {MODEL}

    def test_stay_where_they_are_once_the_last_slot_is_taken(self, submits, looks):
        fill("kling")
        cap("vidu", 1)
        tasks = [submits(LOUD), *(submits({}) for _ in range(3))]
        assert looks() == {"vidu": 1}
        assert [lane_of(task) for task in tasks] == [MODEL, "", MODEL, MODEL]

    def test_go_in_the_order_in_which_they_came_once_there_is_a_slot(self, submits, looks):
        fill("kling")
        tasks = [submits(LOUD) for _ in range(ROOM)]
        looks()
        tasks += [submits(LOUD) for _ in range(ROOM)]
        for slots_there in range(1, len(tasks) + 1):
            cap("kling", slots_there)
            looks()
            assert [at(task) for task in tasks] == slots_there * ["kling"] + (len(tasks) - slots_there) * [None]

    def test_go_after_who_came_before_them(self, submits, looks, clock):
        fill("kling")
        loud = submits(LOUD)
        looks()
        fill("vidu")
        clock.move(seconds=-1)
        before = submits({})
        clock.move(seconds=1)
        cap("kling", 1)
        assert looks() == {"kling": 1}
        assert (at(before), at(loud)) == ("kling", None)

    def test_go_before_those_of_low_priority(self, submits, looks):
        fill("kling")
        low = submits(LOUD, priority="low")
        loud = submits(LOUD)
        looks()
        assert lanes.working(lane_of(low)) == f"{MODEL}:low"
        cap("kling", 1)
        assert looks() == {"kling": 1}
        assert (at(low), at(loud)) == (None, "kling")

    def test_are_all_passed_in_one_look_with_the_oldest_of_the_others_first(self, submits, looks, many, clock):
        fill("kling")
        orders = [accept.Order(MODEL, {"prompt": "a kite", **LOUD})] * 950
        accept.many(many.id, orders, now=clock())
        others = [submits(SMALL) for _ in range(2 * ROOM)]
        assert looks() == {"vidu": ROOM}
        assert [at(task) for task in others] == ROOM * ["vidu"] + ROOM * [None]

    def test_cost_a_later_look_no_row(self, submits, looks, django_assert_num_queries):
        fill("kling")
        for _ in range(3 * ROOM):
            submits(LOUD)
        looks()
        # The lane where a row is due, that there is no other, and the one route's open jobs.
        with django_assert_num_queries(3):
            looks()

    def test_are_compared_no_more(self, submits, looks):
        fill("kling")
        submits(LOUD)
        looks()
        cap("kling", 1)
        with CaptureQueriesContext(connection) as asked:
            looks()
        assert len(asked) > 3
        assert not any("input" in query["sql"] for query in asked)

    def test_end_as_any_that_waits(self, submits, looks, many, clock):
        fill("kling")
        canceled = submits(LOUD)
        submits(LOUD, expires_in=60)
        looks()
        many.cancels(canceled)
        clock.move(seconds=61)
        expiry.run_once(clock=clock)
        assert list(Task.objects.order_by("id").values_list("status", "lane")) == [("canceled", ""), ("expired", "")]
        assert (many.held, many.active) == (0, 0)

    def test_can_be_canceled_while_they_step_aside(self, submits, looks, many, clock):
        fill("kling")
        task = submits(LOUD)
        seen = claims.read(task.id)
        looks()
        assert lifecycle.advance([lifecycle.Step(seen, Move("canceled"))], now=clock()) == set()
        many.cancels(task)
        assert (many.held, many.active) == (0, 0)

    def test_queue_behind_their_like_alone(self, submits, looks):
        fill("kling")
        loud = [submits(LOUD) for _ in range(3)]
        looks()
        assert [rows.queue_position(rows.of(Task.objects.get(id=task.id))) for task in loud] == [1, 2, 3]


class TestWhatIsKnownOfTheRoutes:
    @pytest.fixture
    def loud(self, submits, looks):
        """A task that stands aside for kling."""
        fill("kling")
        task = submits(LOUD)
        looks()
        assert lane_of(task).startswith(lanes.ASIDE)
        return task

    def test_is_in_the_lanes_name_and_in_no_process(self, loud):
        routes, alike = aside.ways(lane_of(loud)).routes, aside.ways(lane_of(loud)).alike
        assert ([route.upstream_model for route in routes], alike) == (["kling-3.0"], True)

    def test_is_read_from_rows_that_waited_before_a_route_was_added(self, loud, looks):
        other = Provider.objects.create(name="other", adapter="kling")
        Route.objects.create(model=PublicModel.objects.get(), provider=other, upstream_model="kling-3.0")
        forget_rows()
        assert looks() == {"other": 1}

    def test_is_read_from_rows_that_waited_before_a_route_was_changed(self, loud, served, looks):
        Route.objects.filter(provider=served["vidu"]).update(upstream_model="of which nothing is known")
        forget_rows()
        assert looks() == {"vidu": 1}

    def test_changes_with_a_provider_that_is_drained(self, loud, looks):
        Provider.objects.filter(name="kling").update(is_enabled=False)
        forget_rows()
        assert looks() == {"vidu": 1}  # which refuses it by name: else it would wait for a route that is not there

    def test_changes_with_a_route_that_is_deleted(self, loud, served, looks):
        Route.objects.filter(provider=served["kling"]).delete()
        forget_rows()
        assert looks() == {"vidu": 1}

    def test_moves_rows_to_the_lane_that_is_theirs_now(self, loud, served, submits, looks):
        Route.objects.create(model=PublicModel.objects.get(), provider=served["vidu"], upstream_model="viduq3-pro", is_enabled=True)
        forget_rows()
        before = lane_of(loud)
        newer = submits(LOUD)
        looks()
        assert lane_of(loud) == lane_of(newer) != before

    def test_is_not_changed_by_priority_cost_or_caps(self, loud, served, looks):
        Route.objects.filter(provider=served["kling"]).update(priority=5, cost=0.1, weight=7)
        cap("vidu", 9)
        assert aside.ways(lane_of(loud)).alike


class TestABreakerThatOpens:
    def test_lets_its_tasks_stand_aside_and_probes_with_the_oldest(self, served, submits, looks, clock):
        breakers.heard(served["kling"].id, "submit", [Call(Unauthenticated(), clock())], now=clock())
        loud = [submits(LOUD) for _ in range(2 * ROOM)]
        small = submits(SMALL)
        assert looks() == {"vidu": 1}
        clock.move(seconds=FINAL_PAUSE.total_seconds())
        assert looks() == {"kling": 1}
        assert [at(task) for task in (loud[0], loud[1], small)] == ["kling", None, "vidu"]


class TestWhatOperatorsSee:
    @pytest.fixture
    def waits(self, submits, looks, clock):
        """A task that has stood aside for kling for an hour."""
        fill("kling")
        task = submits(LOUD, expires_in=86_400)
        looks()
        clock.move(hours=1)
        return task

    def test_is_how_long_it_waits_in_its_models_lane(self, waits, submits, clock):
        submits({})
        lags = {lag.lane: lag.seconds for lag in figures.read(clock).lags if lag.step == "submit"}
        assert lags == {MODEL: 0.0, lane_of(waits): 3600.001, "submitting": 0.0}
        assert figures.read(clock).lag_by_lane["submit", MODEL] == 3600.001

    def test_is_no_fault_of_a_worker_while_its_routes_are_full(self, waits, clock):
        assert lag_found(clock) == "ok"

    def test_is_a_fault_where_it_could_go(self, waits, clock):
        cap("kling", 1)
        assert lag_found(clock) == "fail"

    def test_is_told_of_those_it_waits_for_alone(self, waits):
        assert task_page.lane(Task.objects.get(id=waits.id)) == "our/video → kling"


def lag_found(clock) -> str:
    """The worst that the doctor finds about waiting rows."""
    found = [one.level for one in doctor.judged(figures.read(clock)) if one.check == "queue lag"]
    return max(found, key=("ok", "warn", "fail").index)


@pytest.mark.usefixtures("many_writers")
class TestManyWorkersAtOnce:
    def test_take_what_can_go_once_and_leave_the_rest_in_one_lane(self, served, many, clock):
        cap("kling", 3)
        for given in (LOUD, SMALL):
            accept.many(many.id, [accept.Order(MODEL, {"prompt": "a kite", **given})] * 60, now=clock())
        with ThreadPoolExecutor(6) as workers:
            looks = [workers.submit(look_and_close, clock) for _ in range(24)]
        taken = [id for look in looks for id in look.result()]
        while left := slots.take(10, now=clock()):  # of two workers that saw the same rows at once, one got none
            taken += [one.id for one in left]
        assert len(taken) == len(set(taken)) == 63
        assert Counter(map(at, Task.objects.filter(status="submitting"))) == {"kling": 3, "vidu": 60}
        assert [aside.ways(lane).alike for lane in waiting_lanes()] == [True]


def waiting_lanes() -> set[str]:
    return set(Task.objects.filter(status="queued").values_list("lane", flat=True))


def look_and_close(clock) -> list:
    try:
        return [one.id for one in slots.take(10, now=clock())]
    finally:
        connection.close()

"""POST /hooks/{provider}/{secret}/{token}: what an upstream may say, what a stranger learns, what it costs."""

import io
import logging
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError, connection
from django.test import Client

from providers import hooks
from tasks_app.callbacks import MOST_BYTES
from tasks_app.engine import submit
from tasks_app.models import Attempt, Task
from tests.cast import HandClock

IMAGE = "darkroom/bell-image"


@pytest.fixture
def clock() -> HandClock:
    """The door names the real clock, so the road begins now."""
    return HandClock(datetime.now(UTC))


@pytest.fixture
def task(acme, bell, road) -> Task:
    """A task whose job runs; it is due in a minute."""
    task = acme.submits(IMAGE)
    road.submits()
    task.refresh_from_db()
    assert task.status == "running"
    return task


@pytest.fixture
def path(task) -> str:
    """Where its upstream calls."""
    return path_of(Attempt.objects.get())


def path_of(attempt: Attempt, provider: str = "bell") -> str:
    return urlsplit(hooks.address(provider, attempt.token)).path


def calls(path: str, body=None, **more):
    return Client(enforce_csrf_checks=True).post(path, body if body is not None else {}, content_type="application/json", **more)


def is_due(task: Task, road) -> bool:
    """Whether it is now, as the road sees it from now on."""
    task.refresh_from_db()
    road.clock.now = datetime.now(UTC)
    return task.due_at <= road.clock()


class TestACall:
    @pytest.mark.parametrize("method", ["post", "get"])
    def test_makes_the_row_due_now(self, task, path, road, method):
        assert not is_due(task, road)
        answer = getattr(Client(), method)(path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert is_due(task, road)

    @pytest.mark.parametrize("body", [b"", b"\xff{", b'{"state": "done"}', b"[" * 50_000], ids=["none", "rubbish", "lies", "deep"])
    def test_is_never_believed(self, task, path, bell, road, body):
        assert Client().generic("POST", path, body).status_code == 204
        assert is_due(task, road)
        road.polls()
        task.refresh_from_db()
        assert (task.status, task.handle, bell.polls.total()) == ("running", {"order": "bell1"}, 1)

    def test_twice_is_as_good_as_once(self, task, path, bell, road):
        assert [calls(path).status_code for _ in range(5)] == 5 * [204]
        assert is_due(task, road)
        assert (road.polls(), road.polls(), bell.polls.total()) == (1, 0, 1)

    def test_that_comes_again_at_once_waits_for_a_second(self, task, path, road):
        calls(path)
        first = Attempt.objects.get().called_at
        assert is_due(task, road)
        road.polls()
        calls(path)
        task.refresh_from_db()
        assert task.due_at - first == timedelta(seconds=1)

    def test_of_any_length_is_answered_and_what_is_too_long_says_nothing(self, task, path):
        long = b'{"order": "bell9", "pad": "' + b"x" * MOST_BYTES + b'"}'
        assert Client().generic("POST", path, long).status_code == 204
        attempt = Attempt.objects.get()
        assert attempt.called_at
        assert attempt.hint is None

    def test_that_wants_an_answer_gets_it_and_says_nothing_of_a_job(self, task, path, road):
        answer = calls(path, {"knock": "who is there?"})
        assert (answer.status_code, answer.json()) == (200, {"knock": "who is there?"})
        assert Attempt.objects.get().called_at is None
        assert not is_due(task, road)

    def test_may_come_by_a_name_that_no_client_uses(self, task, path, road, settings):
        settings.ALLOWED_HOSTS = ["api.example.com"]
        assert calls(path, HTTP_HOST="hooks.example.com").status_code == 204
        assert is_due(task, road)

    def test_costs_a_fixed_number_of_queries(self, task, path, django_assert_num_queries):
        calls(path)  # this process knows its providers now
        with django_assert_num_queries(6):  # two reads, and two writes between their savepoint's ends
            calls(path, {"order": "bell1"})

    def test_after_a_new_sealing_key_finds_its_row_while_the_former_is_kept(self, task, path, road, settings):
        settings.SEALING_KEYS = ["M" * 43 + "=", *settings.SEALING_KEYS]
        assert calls(path).status_code == 204
        assert is_due(task, road)


class TestWhatIsNoAddressOfOurs:
    def refused(self, path: str) -> tuple:
        answer = calls(path)
        told = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
        return answer.status_code, answer.content, told

    @pytest.fixture
    def nowhere(self, db) -> tuple:
        answer = self.refused("/nothing/is/there")
        assert answer[0] == 404
        return answer

    @pytest.mark.parametrize("place", [2, 3, 4], ids=["provider", "secret", "token"])
    def test_is_not_there_whichever_part_is_wrong_and_costs_no_query(self, task, path, nowhere, road, place, django_assert_num_queries):
        parts = path.split("/")
        parts[place] = parts[place][:-1] + ("0" if parts[place][-1] != "0" else "2")
        with django_assert_num_queries(0):
            refused = self.refused("/".join(parts))
        assert (refused[0], refused[1]) == (nowhere[0], nowhere[1])
        assert not is_due(task, road)

    def test_says_no_more_where_the_attempt_is_gone(self, task, path):
        parts = path.split("/")
        stranger = self.refused("/".join([*parts[:3], "x" * 22, parts[4]]))
        Attempt.objects.all().delete()
        assert self.refused(path) == stranger

    def test_is_read_by_nobody(self, task, path):
        body = io.BytesIO(b"x" * 10_000)
        answer = Client().generic("POST", path[:-1], "", CONTENT_LENGTH="10000", **{"wsgi.input": body})
        assert (answer.status_code, body.tell()) == (404, 0)

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
    def test_other_methods_do_nothing(self, task, path, road, method):
        assert Client().generic(method, path).status_code == 405
        assert not is_due(task, road)


class TestASecret:
    @pytest.fixture
    def lines(self):
        written = io.StringIO()
        handler, root = logging.StreamHandler(written), logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        requests = logging.getLogger("django.request")
        silent, requests.level = requests.level, logging.DEBUG
        yield written
        requests.level = silent
        root.removeHandler(handler)
        root.setLevel(level)

    def test_stands_in_no_line_whatever_a_call_comes_to(self, task, path, lines, capfd):
        secret = path.split("/")[3]
        calls(path)
        Client().get(f"{path}/more")
        Client().put(path)
        Attempt.objects.all().delete()
        calls(path)
        seen = lines.getvalue() + "".join(capfd.readouterr())
        assert "bell called about task_" in seen
        assert "Not Found: /hooks/" in seen
        assert secret not in seen

    def test_stands_in_no_line_where_the_database_is_away(self, task, path, lines, capfd):
        secret = path.split("/")[3]

        def away(*_):
            raise OperationalError(2006, "gone")

        with connection.execute_wrapper(away):
            answer = calls(path)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        seen = lines.getvalue() + "".join(capfd.readouterr())
        assert "Service Unavailable: /hooks/" in seen
        assert secret not in seen

    def test_is_not_shown_by_the_job_that_carries_it(self, acme, bell, clock):
        acme.submits(IMAGE)
        (taken,) = submit.take(1, clock)
        secret = urlsplit(taken.job.callback_url).path.split("/")[3]
        assert len(secret) == 22
        assert secret not in repr(taken)


def test_no_address_is_given_where_upstreams_cannot_reach_us(acme, bell, road, settings):
    settings.HOOKS_URL = ""
    acme.submits(IMAGE)
    road.submits()
    assert [order.get("call") for order in bell.orders.values()] == [None]

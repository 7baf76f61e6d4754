"""The stream tier on a real socket: what its clients hear, whatever happens to them, to Redis, to their key or to the tier itself."""

import json
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import redis
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone

from accounts import keys, sessions
from accounts.models import ApiKey
from tasks_app.ids import shown
from tasks_app.models import Process, Task
from tasks_app.watch import news
from tests.deploy.streaming import Streaming, connects_to, database_url, states
from tests.deploy.web import PATIENCE_S, Gunicorn, wait_until
from tests.servers import Redis

IMAGE = "darkroom/plasma-image"
ORDER = json.dumps({"model": IMAGE, "input": {"prompt": "a red fox"}})


@pytest.fixture(scope="module", autouse=True)
def two_processes():
    if connection.vendor != "mysql":
        pytest.skip("two processes share a database that SQLite holds in one's memory")


@pytest.fixture(autouse=True)
def shared(transactional_db):
    pass


@pytest.fixture(scope="module")
def tier(two_processes, django_db_setup):
    """One for all tests that leave it as it is."""
    with Streaming() as running:
        yield running


@pytest.fixture
def own_tier(shared):
    """For who ends it, and for who orders: it knows no models of a test before."""
    with Streaming() as running:
        yield running


@pytest.fixture
def task(acme, plasma) -> Task:
    return acme.submits(IMAGE)


def path(task: Task) -> str:
    return f"/tasks/{shown('task', task.id)}/events"


def asked(port: int, method: str, path: str, key: str, body: str | None = None, **headers: str):
    """Status, headers and JSON."""
    asking = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    asking.request(method, f"/api/v1{path}", body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"} | headers)
    answer = asking.getresponse()
    return answer.status, answer.headers, json.loads(answer.read() or b"null")


class TestATask:
    def test_is_shown_then_told_of_until_it_is_over(self, tier, acme, task, road):
        with tier.events(path(task), acme.key) as stream:
            first = stream.next()
            road.runs_dry()
            heard = stream.rest()
        assert (stream.status, stream.headers["Content-Type"], stream.headers["Cache-Control"]) == (200, "text/event-stream", "no-store")
        assert stream.headers["X-Accel-Buffering"] == "no"
        assert (first.name, first.data["status"], stream.retries) == ("snapshot", "queued", [2000])
        assert states(heard) == ["submitting", "running", "storing", "succeeded"]
        assert len(heard[-1].data["task"]["outputs"]) == 1

    def test_tells_how_far_it_is(self, tier, acme, task, road, plasma):
        plasma.seconds = 1000
        with tier.events(path(task), acme.key) as stream:
            road.submits()
            stream.until(stage="running")
            next(iter(plasma.jobs.values())).created_at -= 1000
            road.moves_to_next_due()
            road.polls()
            progress = stream.next()
        assert (progress.name, progress.data["task"], round(progress.data["progress"], 1)) == ("progress", shown("task", task.id), 0.5)

    def test_that_is_over_is_shown_and_that_is_all(self, tier, acme, task, road):
        road.runs_dry()
        with tier.events(path(task), acme.key) as stream:
            assert [event.data["status"] for event in stream.rest()] == ["succeeded"]

    def test_lives_through_silence(self, own_tier, acme, task):
        with own_tier.events(path(task), acme.key) as stream, ThreadPoolExecutor(1) as pool:
            stream.next()
            waits = pool.submit(stream.next)
            wait_until(lambda: stream.heartbeats >= 2, "two heartbeats came")
            own_tier.process.terminate()
            assert waits.result() is None

    def test_of_a_neighbour_is_not_there(self, tier, bolt, task):
        with tier.events(path(task), bolt.key) as stream:
            assert stream.status == 404


class TestAClientThatWasCut:
    def test_hears_each_state_that_it_missed(self, tier, acme, task, road):
        with tier.events(path(task), acme.key) as stream:
            road.submits()
            last = stream.until(stage="submitting")[-1].id
        road.runs_dry()
        with tier.events(path(task), acme.key, last=last) as stream:
            assert states(stream.rest()) == ["running", "storing", "succeeded"]

    def test_goes_on_where_it_was(self, tier, acme, task, road):
        with tier.events(path(task), acme.key) as stream:
            last = stream.next().id
        with tier.events(path(task), acme.key, last=last) as stream:
            road.runs_dry()
            assert states(stream.rest()) == ["submitting", "running", "storing", "succeeded"]

    def test_is_told_to_come_no_more_once_it_has_heard_all(self, tier, acme, task, road):
        road.runs_dry()
        with tier.events(path(task), acme.key) as stream:
            last = stream.rest()[-1].id
        with tier.events(path(task), acme.key, last=last) as stream:
            assert (stream.status, stream.rest()) == (204, [])


class TestAnAccount:
    def test_hears_of_all_its_tasks_and_of_no_others(self, tier, acme, bolt, task, road):
        with tier.events("/account/events", acme.key) as stream:
            first = stream.next()
            bolt.submits(IMAGE)
            new = acme.submits(IMAGE)
            road.runs_dry()
            ended = {task.id, new.id}
            heard = []
            while ended:
                heard.append(stream.next())
                if heard[-1].name == "state" and heard[-1].data["status"] == "succeeded":
                    ended.remove(next(one for one in ended if shown("task", one) == heard[-1].data["task"]["id"]))
        assert [one["id"] for one in first.data["data"]] == [shown("task", task.id)]
        mine = {shown("task", task.id), shown("task", new.id)}
        assert {event.data["task"]["id"] for event in heard if event.name == "state"} == mine

    def test_hears_what_it_missed_of_tasks_that_are_not_shown(self, tier, acme, task, road):
        with tier.events("/account/events", acme.key) as stream:
            last = stream.next().id
        road.runs_dry()
        for _ in range(100):
            acme.submits(IMAGE)
        with tier.events("/account/events", acme.key, last=last) as stream:
            assert shown("task", task.id) not in {one["id"] for one in stream.next().data["data"]}
            missed = stream.next()
        assert (missed.data["task"]["id"], missed.data["status"]) == (shown("task", task.id), "succeeded")


class TestRedis:
    def test_that_dies_takes_no_state_along(self, acme, task, road):
        with Redis() as redis_server, Streaming(REDIS_URL=redis_server.url()) as tier, tier.events(path(task), acme.key) as stream:
            stream.next()
            with redis.Redis.from_url(redis_server.url()) as asking:
                wait_until(
                    lambda: dict(asking.pubsub_numsub(news.CHANNEL))[news.CHANNEL.encode()] == 1, "the tier hears, by one connection"
                )
            redis_server.kill()
            road.runs_dry()
            assert states(stream.rest()) == ["submitting", "running", "storing", "succeeded"]
            tier.wait_for("Redis is away")

    def test_that_comes_back_is_heard_again(self, acme, task):
        with Redis() as redis_server, Streaming(REDIS_URL=redis_server.url()) as tier, tier.events(path(task), acme.key) as stream:
            stream.next()
            redis_server.restart()
            with redis.Redis.from_url(redis_server.url()) as asking:
                wait_until(lambda: dict(asking.pubsub_numsub(news.CHANNEL))[news.CHANNEL.encode()] == 1, "the tier hears again")

    def test_that_was_never_there_is_not_missed(self, acme, task, road, plasma):
        plasma.seconds = 1000
        with Streaming(REDIS_URL="") as tier, tier.events(path(task), acme.key) as stream:
            road.submits()
            stream.until(stage="running")
            next(iter(plasma.jobs.values())).created_at -= 1000
            road.moves_to_next_due()
            road.polls()
            assert stream.next().name == "progress"
            plasma.finish()
            road.runs_dry()
            assert states(stream.rest()) == ["storing", "succeeded"]


class TestTheDatabase:
    def test_is_held_by_no_stream(self, tier, acme, task):
        port = urlsplit(os.environ["DATABASE_URL"]).port
        with tier.events(path(task), acme.key) as stream, tier.events("/account/events", acme.key) as account:
            stream.next(), account.next()
            (worker,) = tier.workers()
            wait_until(lambda: not connects_to(worker, port), "no connection was open")


class TestAWait:
    def test_for_a_new_task_is_answered_when_it_is_over(self, own_tier, acme, plasma, road):
        with ThreadPoolExecutor(1) as pool:
            waits = pool.submit(asked, own_tier.port, "POST", "/tasks", acme.key, ORDER, Prefer="wait=60")
            wait_until(lambda: Task.objects.exists(), "the task was there")
            road.runs_dry()
            status, headers, body = waits.result()
        assert (status, headers["Preference-Applied"], body["status"]) == (201, "wait=60", "succeeded")
        assert headers["Location"] == body["urls"]["self"]

    def test_for_one_that_is_there_likewise(self, tier, acme, task, road):
        with ThreadPoolExecutor(1) as pool:
            waits = pool.submit(asked, tier.port, "GET", path(task).removesuffix("/events"), acme.key, Prefer="respond-async, wait=30")
            road.runs_dry()
            status, headers, body = waits.result()
        assert (status, headers["Preference-Applied"], body["status"]) == (200, "wait=30", "succeeded")
        assert headers["ETag"]

    def test_that_takes_too_long_is_answered_with_the_task_as_it_stands(self, own_tier, acme, plasma):
        status, headers, body = asked(own_tier.port, "POST", "/tasks", acme.key, ORDER, Prefer="wait=1")
        assert (status, headers["Preference-Applied"], body["status"]) == (201, "wait=1", "queued")

    def test_is_answered_at_once_when_the_tier_is_told_to_stop(self, own_tier, acme, task):
        with ThreadPoolExecutor(1) as pool:
            waits = pool.submit(asked, own_tier.port, "GET", path(task).removesuffix("/events"), acme.key, Prefer="wait=60")
            wait_until(lambda: Process.objects.filter(kind="stream").exists() and open_streams("wait"), "it waited")
            own_tier.process.terminate()
            status, headers, _ = waits.result()
        assert (status, headers["Preference-Applied"]) == (200, None)

    def test_that_is_refused_is_refused_at_once(self, own_tier, acme, plasma):
        status, headers, body = asked(own_tier.port, "POST", "/tasks", acme.key, '{"model": "nothing/here", "input": {}}', Prefer="wait=60")
        assert (status, body["code"], headers["Preference-Applied"]) == (422, "invalid_input", None)


class TestBounds:
    def test_one_account_has_so_many_streams(self, acme, bolt, task):
        with Streaming(STREAM_LIMIT_PER_ACCOUNT="1") as tier, tier.events(path(task), acme.key) as first:
            first.next()
            status, headers, body = asked(tier.port, "GET", "/account/events", acme.key)
            assert (status, body["code"], headers["Retry-After"]) == (429, "too_many_streams", "5")
            with tier.events("/account/events", bolt.key) as other:
                assert other.status == 200

    def test_one_process_has_so_many_streams(self, acme, bolt, task):
        with Streaming(STREAM_LIMIT="1") as tier, tier.events(path(task), acme.key) as first:
            first.next()
            status, headers, body = asked(tier.port, "GET", "/account/events", bolt.key)
            assert (status, body["code"], headers["Retry-After"]) == (503, "unavailable", "1")

    def test_a_stream_that_ended_leaves_its_place(self, acme, task):
        with Streaming(STREAM_LIMIT="1") as tier:
            with tier.events(path(task), acme.key) as stream:
                stream.next()
            wait_until(lambda: asked_for_events(tier, acme) == 200, "the place was free")

    def test_who_does_not_read_is_cut(self, tier, acme, plasma):
        for _ in range(10):
            acme.submits(IMAGE, prompt="a red fox " * 4000)
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(PATIENCE_S)
            asking.connect(str(tier.path))
            asking.sendall(f"GET /api/v1/account/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {acme.key}\r\n\r\n".encode())
            tier.wait_for("does not read")
            got = b"".join(iter(lambda: asking.recv(1 << 20), b""))
        assert b"event: snapshot" in got
        assert b"]}\n\n" not in got  # what the kernel had no room for is not kept for it


class TestAKey:
    def test_that_is_revoked_ends_its_streams_and_no_others(self, tier, acme, task, road):
        other = keys.make(acme.account, "other", now=timezone.now())[1]
        with tier.events(path(task), acme.key) as stream, tier.events(path(task), other) as lives:
            stream.next(), lives.next()
            keys.revoke(ApiKey.objects.get(name="test", account=acme.account), now=timezone.now())
            assert stream.rest() == []
            road.runs_dry()
            assert states(lives.rest())[-1] == "succeeded"


class TestABrowser:
    """An EventSource sends no key, but its session's cookie."""

    @pytest.fixture
    def cookie(self, acme) -> str:
        answer = HttpResponse()
        sessions.begin(answer, keys.find(acme.key, now=timezone.now()), now=timezone.now())
        return answer.cookies.output(header="", attrs=[]).strip()

    def test_follows_by_its_session_for_as_long_as_its_key_holds(self, tier, acme, task, cookie):
        with tier.events("/account/events", cookie=cookie) as stream:
            assert [one["id"] for one in stream.next().data["data"]] == [shown("task", task.id)]
            keys.revoke(ApiKey.objects.get(name="test", account=acme.account), now=timezone.now())
            assert stream.rest() == []

    def test_without_a_session_is_refused(self, tier, task, cookie):
        with tier.events("/account/events", cookie=f"{cookie}x") as stream:
            assert stream.status == 401


class TestTheEnd:
    def test_tells_clients_when_to_come_again_and_is_soon_over(self, own_tier, acme, task):
        with own_tier.events(path(task), acme.key) as stream, own_tier.events("/account/events", acme.key) as account:
            stream.next(), account.next()
            own_tier.process.send_signal(signal.SIGTERM)
            assert (stream.rest(), account.rest()) == ([], [])
            assert all(500 <= one.retries[-1] <= 3000 and len(one.retries) == 2 for one in (stream, account))
        assert own_tier.process.wait(PATIENCE_S) == 0

    def test_is_taken_up_by_the_next_one(self, acme, task, road):
        with Streaming() as tier, tier.events(path(task), acme.key) as stream:
            last = stream.next().id
            tier.process.terminate()
            stream.rest()
        road.runs_dry()
        with Streaming() as tier, tier.events(path(task), acme.key, last=last) as stream:
            assert states(stream.rest())[-1] == "succeeded"


class TestTheWebTier:
    """It hands on what is to be streamed, and holds no thread for it."""

    @pytest.fixture
    def web(self, own_tier):
        with Gunicorn("config.wsgi", WEB_WORKERS="1", WEB_THREADS="1", **own_tier.shared) as running:
            yield running

    def test_hands_streams_on(self, own_tier, web, acme, task, road):
        with (
            own_tier.events(path(task), acme.key, port=web.port) as stream,
            own_tier.events("/account/events", acme.key, port=web.port) as account,
        ):
            assert (stream.next().name, account.next().name) == ("snapshot", "snapshot")
            assert web.get("/healthz")[0] == 200
            road.runs_dry()
            assert states(stream.rest())[-1] == "succeeded"

    def test_hands_waits_on(self, web, acme, plasma, road):
        with ThreadPoolExecutor(1) as pool:
            waits = pool.submit(asked, web.port, "POST", "/tasks", acme.key, ORDER, Prefer="wait=60")
            wait_until(lambda: Task.objects.exists(), "the task was there")
            assert web.get("/healthz")[0] == 200
            road.runs_dry()
            status, headers, body = waits.result()
        assert (status, headers["Preference-Applied"], body["status"]) == (201, "wait=60", "succeeded")

    def test_hands_on_a_connection_that_was_used_before(self, web, acme, task):
        asking = HTTPConnection("127.0.0.1", web.port, timeout=PATIENCE_S)
        assert web.get("/healthz", on=asking)[0] == 200
        asking.request("GET", f"/api/v1{path(task)}", headers={"Authorization": f"Bearer {acme.key}"})
        answer = asking.getresponse()
        assert (answer.status, answer.headers["Connection"]) == (200, "close")

    def test_forgets_what_it_handed_on(self, own_tier, web, acme, task, road):
        (worker,) = web.workers()
        opened = len(os.listdir(f"/proc/{worker}/fd"))
        with own_tier.events(path(task), acme.key, port=web.port) as stream:
            stream.next()
            wait_until(lambda: len(os.listdir(f"/proc/{worker}/fd")) <= opened, "its own descriptor was closed")

    def test_without_a_stream_tier_says_when_to_come_again_and_does_not_wait(self, acme, plasma, task, tmp_path):
        without = {"STREAM_SOCKET": str(tmp_path / "nobody"), "WEB_WORKERS": "1"}
        with Gunicorn("config.wsgi", DATABASE_URL=database_url(), **without) as web:
            status, headers, body = asked(web.port, "GET", path(task), acme.key)
            assert (status, body["code"], headers["Retry-After"]) == (503, "unavailable", "1")
            status, headers, body = asked(web.port, "POST", "/tasks", acme.key, ORDER, Prefer="wait=60")
            assert (status, headers["Preference-Applied"], body["status"]) == (201, None, "queued")


def asked_for_events(tier: Streaming, acme) -> int:
    with tier.events("/account/events", acme.key) as stream:
        return stream.status


def open_streams(kind: str) -> float:
    """As the tier reported them."""
    samples = [sample for process in Process.objects.filter(kind="stream") for sample in process.samples]
    return sum(value for _, name, labels, value in samples if name == "darkroom_streams" and labels["kind"] == kind)

"""The official openai client waits for its pictures, before a real web tier and a real stream tier."""

import json
import os
import random
import signal
import socket
from base64 import b64decode
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from urllib.parse import urlsplit

import openai
import pytest
from django.db import connection

from tasks_app.ids import shown
from tasks_app.models import Output, Process, Task, TaskEvent
from tests.deploy.nginx import Nginx
from tests.deploy.streaming import Streaming, connects_to, database_url
from tests.deploy.web import PATIENCE_S, Gunicorn, wait_until
from tests.tasks_app.api.conftest import output_of
from tests.upstreams import fail

IMAGE = "darkroom/plasma-image"
WISH = json.dumps({"model": IMAGE, "prompt": "a red fox"})
MANY = 60


@pytest.fixture(scope="module", autouse=True)
def two_processes():
    if connection.vendor != "mysql":
        pytest.skip("processes share a database that SQLite holds in one's memory")


@pytest.fixture(autouse=True)
def shared(transactional_db, plasma):
    pass


@pytest.fixture
def tier(shared):
    with Streaming() as running:
        yield running


@pytest.fixture
def web(tier):
    """As we ship it, but with so few threads that nobody could wait on them."""
    with Gunicorn("config.wsgi", WEB_WORKERS="3", WEB_THREADS="2", **tier.shared) as running:
        yield running


@pytest.fixture
def client(web, acme) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"http://127.0.0.1:{web.port}/v1", api_key=acme.key, max_retries=0, timeout=PATIENCE_S)


@pytest.fixture
def wish(client):
    """Wish for a picture, and go on; the answer is the future's."""
    with ThreadPoolExecutor(MANY) as pool:

        def ask(prompt: str = "a red fox", *, by: openai.OpenAI = client, **more) -> Future:
            return pool.submit(by.images.generate, model=IMAGE, prompt=prompt, **more)

        yield ask


def wait_for(tier: Streaming, wishes: int) -> None:
    """Until so many wait in the stream tier."""
    wait_until(lambda: waits(tier) == wishes, f"{wishes} waited")


def waits(tier: Streaming) -> float | None:
    """As the tier reports it; None where it has not reported yet."""
    reported = Process.objects.filter(kind="stream", pid__in=tier.workers()).values_list("samples", flat=True)
    told = {labels["kind"]: value for samples in reported for _, name, labels, value in samples if name == "darkroom_streams"}
    return told.get("wait")


def pictures(answer) -> list[str]:
    return [sha256(b64decode(image.b64_json)).hexdigest() for image in answer.data]


class TestManyWhoWait:
    def test_hold_up_nobody_else(self, tier, web, acme, wish):
        wishes = {f"fox {number}": wish(f"fox {number}") for number in range(MANY)}
        wait_for(tier, MANY)
        for _ in range(10):
            assert web.get("/healthz")[0] == 200
            assert account(web, acme)["held"] == MANY * 3
        assert not any(one.done() for one in wishes.values())
        for task in Task.objects.all():
            ends_with(task, task.input["prompt"].encode())
        answers = {prompt: one.result().data for prompt, one in wishes.items()}
        assert {prompt: b64decode(data[0].b64_json).decode() for prompt, data in answers.items()} == {prompt: prompt for prompt in wishes}

    def test_hold_no_connection_to_the_database(self, tier, wish, road):
        port = urlsplit(os.environ["DATABASE_URL"]).port
        wishes = [wish(f"fox {number}") for number in range(3)]
        wait_for(tier, 3)
        (worker,) = tier.workers()
        wait_until(lambda: not connects_to(worker, port), "no connection was open")
        road.runs_dry()
        assert all(one.result().data for one in wishes)


class TestTheAnswer:
    def test_has_all_pictures_and_what_the_request_had_told(self, tier, client, road):
        with ThreadPoolExecutor(1) as pool:
            raw = client.images.with_raw_response.generate
            wish = pool.submit(raw, model=IMAGE, prompt="a red fox", n=3, extra_headers={"X-Request-ID": "mine"})
            wait_for(tier, 1)
            road.runs_dry()
            answer = wish.result()
        assert pictures(answer.parse()) == list(Output.objects.order_by("position").values_list("sha256", flat=True))
        assert (answer.headers["X-Request-ID"], answer.headers["Connection"]) == ("mine", "close")
        assert int(answer.headers["Content-Length"]) == len(answer.content)
        assert not {"Location", "openai-poll-after-ms", "Preference-Applied"} & set(answer.headers)

    def test_of_what_is_refused_is_an_error_that_is_not_tried_again(self, tier, web, acme, wish, road, plasma):
        plasma.will(fail("moderated"))
        asked = wish(by=openai.OpenAI(base_url=f"http://127.0.0.1:{web.port}/v1", api_key=acme.key))
        wait_for(tier, 1)
        road.runs_dry()
        with pytest.raises(openai.BadRequestError) as caught:
            asked.result()
        error = caught.value
        assert (error.code, error.response.headers["x-should-retry"]) == ("moderation_blocked", "false")
        assert (Task.objects.count(), plasma.bought) == (1, 1)

    def test_is_at_once_where_the_account_has_too_many_waits(self, shared, acme):
        with (
            Streaming(STREAM_LIMIT_PER_ACCOUNT="1") as tier,
            Gunicorn("config.wsgi", WEB_WORKERS="1", **tier.shared) as web,
            tier.events("/account/events", acme.key) as stream,
        ):
            stream.next()
            client = openai.OpenAI(base_url=f"http://127.0.0.1:{web.port}/v1", api_key=acme.key, max_retries=0)
            answer = client.images.generate(model=IMAGE, prompt="a red fox")
        assert (answer.data, answer.task["id"]) == (None, shown("task", Task.objects.get().id))

    def test_is_at_once_where_there_is_no_stream_tier(self, shared, acme, tmp_path):
        without = {"STREAM_SOCKET": str(tmp_path / "nobody"), "WEB_WORKERS": "1", "DATABASE_URL": database_url()}
        with Gunicorn("config.wsgi", **without) as web:
            client = openai.OpenAI(base_url=f"http://127.0.0.1:{web.port}/v1", api_key=acme.key, max_retries=0)
            answer = client.images.generate(model=IMAGE, prompt="a red fox")
        assert (answer.data, answer.task["id"]) == (None, shown("task", Task.objects.get().id))

    def test_has_a_line_in_the_log_under_the_requests_own_id(self, tier, web, acme, wish, road, plasma):
        plasma.will(fail("moderated"))
        asked = wish(extra_headers={"X-Request-ID": "mine"})
        wait_for(tier, 1)
        road.runs_dry()
        assert asked.exception()
        for server, status in ((web, 202), (tier, 400)):
            server.wait_for(f"POST /v1/images/generations {status}")
            assert [line for line in server.lines if f"generations {status}" in line and "mine" in line]


class TestAClientThatHangsUp:
    def test_is_waited_for_no_longer_and_its_task_is_made(self, tier, web, acme, road, plasma):
        asking = web.connect()
        asking.request("POST", "/v1/images/generations", WISH, bearer(acme))
        wait_for(tier, 1)
        asking.close()
        wait_for(tier, 0)
        road.runs_dry()
        assert (Task.objects.get().status, plasma.bought) == ("succeeded", 1)


class TestBehindNginx:
    """It speaks to web over connections that it keeps; one of these is what web hands on."""

    def test_pictures_come_and_the_clients_connection_stays(self, tier, acme, road, tmp_path):
        socket_path = tmp_path / "web.sock"
        with (
            Gunicorn("config.wsgi", "--bind", f"unix:{socket_path}", WEB_WORKERS="1", WEB_THREADS="1", **tier.shared),
            Nginx(tmp_path, socket_path) as proxy,
        ):
            asking, other = proxy.connect(), proxy.connect()
            for _ in range(2):
                other.request("GET", "/healthz")
                assert other.getresponse().read()
                asking.request("POST", "/v1/images/generations", WISH, bearer(acme))
                wait_for(tier, 1)
                other.request("GET", "/healthz")
                assert other.getresponse().read()
                road.runs_dry()
                answer = asking.getresponse()
                assert (answer.status, len(json.loads(answer.read())["data"])) == (200, 1)
                wait_for(tier, 0)


class TestALargePicture:
    """Larger than all that lies between the tier and a client that does not read."""

    CONTENT = random.Random(7).randbytes(24_000_000)

    def test_comes_whole_to_who_reads_and_is_kept_for_nobody_else(self, tier, web, acme, wish):
        with dialed(web) as silent:
            silent.sendall(request(acme))
            asked = wish("another fox")
            wait_for(tier, 2)
            for task in Task.objects.all():
                ends_with(task, self.CONTENT)
            assert b64decode(asked.result().data[0].b64_json) == self.CONTENT
            tier.wait_for("does not read")
            got = b"".join(iter(lambda: silent.recv(1 << 20), b""))
        assert got.startswith(b"HTTP/1.1 200 OK")
        assert len(got) < len(self.CONTENT)


class TestTheStreamTier:
    def test_that_is_killed_has_its_clients_come_again_for_the_same_pictures(self, tier, web, acme, wish, road, plasma):
        """By the official client's own second try; another process has taken the place meanwhile."""
        asked = wish(by=openai.OpenAI(base_url=f"http://127.0.0.1:{web.port}/v1", api_key=acme.key))
        wait_for(tier, 1)
        with Streaming(STREAM_SOCKET=tier.shared["STREAM_SOCKET"]) as heir:
            (worker,) = tier.workers()
            tier.process.kill()
            os.kill(worker, signal.SIGKILL)
            wait_for(heir, 1)
            road.runs_dry()
            answer = asked.result()
        assert pictures(answer) == [Output.objects.get().sha256]
        assert (Task.objects.count(), plasma.bought) == (1, 1)

    def test_that_is_told_to_stop_says_where_to_ask(self, tier, wish):
        asked = wish()
        wait_for(tier, 1)
        tier.process.terminate()
        answer = asked.result()
        assert (answer.data, answer.task["id"]) == (None, shown("task", Task.objects.get().id))
        assert answer.url.endswith(f"/v1/images/{answer.task['id']}?response_format=b64_json")


def account(web: Gunicorn, acme) -> dict:
    asking = web.connect()
    asking.request("GET", "/api/v1/account", headers=bearer(acme))
    answer = asking.getresponse()
    assert answer.status == 200
    return json.loads(answer.read())


def dialed(web: Gunicorn) -> socket.socket:
    return socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE_S)


def request(acme) -> bytes:
    """A wish for a picture as it stands on the wire."""
    headers = {"Host": "localhost", "Content-Length": str(len(WISH))} | bearer(acme)
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return f"POST /v1/images/generations HTTP/1.1\r\n{''.join(lines)}\r\n{WISH}".encode()


def ends_with(task: Task, content: bytes) -> None:
    """The task is done, and this is its picture."""
    output_of(task, content)
    Task.objects.filter(id=task.id).update(status="succeeded", finished_at=task.created_at)
    TaskEvent.objects.create(task_id=task.id, status="succeeded", created_at=task.created_at)


def bearer(acme) -> dict[str, str]:
    return {"Authorization": f"Bearer {acme.key}", "Content-Type": "application/json"}

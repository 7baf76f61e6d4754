"""What the simulators promise to the tests that lean on them."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from . import (
    Bell,
    Grit,
    Plasma,
    Receiver,
    accept_then,
    answer,
    call_about,
    call_before_answer,
    call_late,
    call_twice,
    cut_before_answer,
    cut_mid_json,
    deliver,
    fail,
    finish_without_output,
    garbage,
    hang,
    never_call,
    result_gone,
    say,
    short_result,
)
from .receiver import reply
from .simulator import Simulator

PLASMA_ORDER = {"model": "plasma-image", "prompt": "a kite", "client_token": "t1"}
GRIT_ORDER = {"engine": "grit-video", "text": "a kite"}


def ask(
    simulator: Simulator, method: str, path: str, body: dict | None = None, *, key: str = Simulator.KEY, timeout: float = 10
) -> tuple[int, dict]:
    status, content = raw(simulator, method, path, body, key=key, timeout=timeout)
    return status, json.loads(content)


def raw(
    simulator: Simulator, method: str, path: str, body: dict | None = None, *, key: str = Simulator.KEY, timeout: float = 10
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=timeout)
    try:
        connection.request(method, path, json.dumps(body) if body else None, {"Authorization": f"Bearer {key}"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.fixture
def plasma() -> Iterator[Plasma]:
    with Plasma() as running:
        yield running


@pytest.fixture
def grit() -> Iterator[Grit]:
    with Grit() as running:
        yield running


class TestPlasmaIsStrict:
    def test_a_missing_or_wrong_key_is_refused(self, plasma):
        assert ask(plasma, "POST", "/v1/jobs", PLASMA_ORDER, key="wrong")[0] == 401
        assert plasma.bought == 0

    @pytest.mark.parametrize(
        ("change", "status", "code", "field"),
        [
            ({"sampler": "x"}, 400, 12, "sampler"),
            ({"n": "2"}, 400, 12, "n"),
            ({"n": 9}, 400, 12, "n"),
            ({"prompt": ""}, 400, 12, "prompt"),
            ({"model": "plasma-opera"}, 404, 21, "model"),
        ],
    )
    def test_what_the_protocol_does_not_know_is_refused_by_name(self, plasma, change, status, code, field):
        found, body = ask(plasma, "POST", "/v1/jobs", PLASMA_ORDER | change)
        assert (found, body["error"]["code"], body["error"]["field"]) == (status, code, field)
        assert plasma.bought == 0

    def test_an_unknown_job_is_404(self, plasma):
        assert ask(plasma, "GET", "/v1/jobs/pl-000099")[0] == 404


class TestPlasmaHonoursItsToken:
    def test_a_repeat_answers_with_the_first_job_and_both_are_in_the_books(self, plasma):
        first, second = (ask(plasma, "POST", "/v1/jobs", PLASMA_ORDER)[1] for _ in range(2))
        assert first["id"] == second["id"]
        assert (plasma.received, plasma.bought) == ({"t1": 2}, 1)

    def test_a_job_is_found_by_its_token_and_another_is_not(self, plasma):
        ask(plasma, "POST", "/v1/jobs", PLASMA_ORDER)
        assert [job["id"] for job in ask(plasma, "GET", "/v1/jobs?client_token=t1")[1]["data"]] == ["pl-000001"]
        assert ask(plasma, "GET", "/v1/jobs?client_token=t2")[1]["data"] == []


class TestJobsTakeTheirTime:
    def test_a_job_by_hand_is_drawing_until_it_is_finished(self):
        with Plasma(manual=True) as plasma:
            id = ask(plasma, "POST", "/v1/jobs", PLASMA_ORDER)[1]["id"]
            assert ask(plasma, "GET", f"/v1/jobs/{id}")[1]["status"] == "drawing"
            plasma.finish(id)
            assert ask(plasma, "GET", f"/v1/jobs/{id}")[1]["status"] == "done"

    def test_an_instant_job_is_done_in_the_submits_own_answer(self):
        with Plasma(instant=True) as plasma:
            assert ask(plasma, "POST", "/v1/jobs", PLASMA_ORDER)[1]["status"] == "done"

    def test_a_canceled_job_ends_and_an_ended_one_can_not_be_canceled(self):
        with Plasma(manual=True) as plasma:
            id = ask(plasma, "POST", "/v1/jobs", PLASMA_ORDER)[1]["id"]
            assert ask(plasma, "DELETE", f"/v1/jobs/{id}")[1]["status"] == "canceled"
            assert ask(plasma, "DELETE", f"/v1/jobs/{id}")[0] == 409

    def test_results_are_real_files_and_no_two_are_alike(self, plasma):
        files = []
        for number, model in enumerate(("plasma-image", "plasma-video")):
            id = ask(plasma, "POST", "/v1/jobs", PLASMA_ORDER | {"model": model, "n": 2, "client_token": f"t{number}"})[1]["id"]
            urls = [result["url"] for result in ask(plasma, "GET", f"/v1/jobs/{id}")[1]["results"]]
            files += [raw(plasma, "GET", url.removeprefix(plasma.url))[1] for url in urls]
        assert [content[:4] for content in files[:2]] == [b"\x89PNG"] * 2
        assert [content[4:8] for content in files[2:]] == [b"ftyp"] * 2
        assert len(set(files)) == 4


class TestTheNextSubmitIsOrdered:
    def test_an_answer_accepts_nothing_and_the_one_after_behaves(self, plasma):
        plasma.will(answer(429, retry_after=3))
        assert ask(plasma, "POST", "/v1/jobs", PLASMA_ORDER)[1] == {"error": {"code": 17, "message": "as ordered"}}
        assert plasma.bought == 0
        assert ask(plasma, "POST", "/v1/jobs", PLASMA_ORDER)[0] == 200

    @pytest.mark.parametrize("accepts", [True, False])
    @pytest.mark.parametrize(
        ("order", "error"), [(cut_before_answer, ConnectionResetError), (cut_mid_json, http.client.IncompleteRead), (hang, TimeoutError)]
    )
    def test_a_broken_answer_leaves_a_job_only_where_it_was_accepted(self, grit, order, error, accepts):
        grit.will(order(accepts=accepts))
        with pytest.raises(error):
            ask(grit, "POST", "/generate", GRIT_ORDER, timeout=2 if order is hang else 10)
        assert (grit.received.total(), grit.bought) == (1, int(accepts))

    def test_garbage_is_a_page_and_not_json(self, grit):
        grit.will(garbage())
        assert raw(grit, "POST", "/generate", GRIT_ORDER)[1].startswith(b"<html>")
        assert grit.bought == 1

    def test_a_refusal_may_come_as_http_200(self, grit):
        grit.will(answer(200, code="BUSY"))
        assert ask(grit, "POST", "/generate", GRIT_ORDER) == (200, {"ok": False, "why": "BUSY", "say": "as ordered"})


class TestTheJobIsOrdered:
    def test_it_fails_for_the_reason_given(self, grit):
        grit.will(fail("moderated"))
        job = ask(grit, "POST", "/generate", GRIT_ORDER)[1]
        assert (job["state"], job["why"]) == ("error", "NOT_NICE")

    @pytest.mark.parametrize(("order", "files"), [(finish_without_output(), 0), (deliver(1), 1)])
    def test_it_delivers_what_it_is_told(self, grit, order, files):
        grit.will(order)
        job = ask(grit, "POST", "/generate", GRIT_ORDER | {"count": 3})[1]
        assert (job["state"], len(job["files"])) == ("ready", files)

    def test_its_first_polls_go_wrong_and_the_next_is_well(self, grit):
        grit.will(accept_then(answer(503), say("dreaming")))
        number = ask(grit, "POST", "/generate", GRIT_ORDER)[1]["job"]
        answers = [ask(grit, "GET", f"/jobs/{number}") for _ in range(3)]
        assert [(status, body.get("state")) for status, body in answers] == [(503, None), (200, "dreaming"), (200, "ready")]
        assert grit.polls == {"1": 3}

    def test_its_result_is_gone(self, grit):
        grit.will(result_gone())
        ask(grit, "POST", "/generate", GRIT_ORDER)
        assert raw(grit, "GET", "/files/1/0")[0] == 404

    def test_its_result_ends_before_the_length_it_announced(self, grit):
        grit.will(short_result())
        ask(grit, "POST", "/generate", GRIT_ORDER)
        with pytest.raises(http.client.IncompleteRead):
            raw(grit, "GET", "/files/1/0")


class TestTheBooks:
    def test_a_test_waits_for_what_should_arrive_and_is_told_what_did(self, grit):
        ask(grit, "POST", "/generate", GRIT_ORDER)
        grit.wait_until(lambda books: books.bought == 1)
        with pytest.raises(AssertionError, match="'submit': 1"):
            grit.wait_until(lambda books: books.bought == 2, timeout=0.01)

    def test_connections_are_counted_once_however_many_requests_they_carry(self, grit):
        connection = http.client.HTTPConnection("127.0.0.1", grit.port)
        for _ in range(3):
            connection.request("GET", "/ping", headers={"Authorization": f"Bearer {Grit.KEY}"})
            connection.getresponse().read()
        connection.close()
        assert (grit.connections, grit.requests["check"]) == (1, 3)


class TestItsOwnProcess:
    def test_books_are_read_and_jobs_ended_over_http(self):
        command = [sys.executable, "-m", "tests.upstreams", "plasma", "--manual"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                plasma = Plasma(port=int(process.stdout.readline().rsplit(":", 1)[1]))  # never started: only to ask the other
                ask(plasma, "POST", "/v1/jobs", PLASMA_ORDER)
                assert ask(plasma, "POST", "/finish?spread=0")[1] == {"finishing": 1}
                books = ask(plasma, "GET", "/books")[1]
                assert (books["bought"], books["received"], list(books["done_at"])) == (1, {"t1": 1}, ["pl-000001"])
            finally:
                process.terminate()
        assert process.returncode == 0


BELL_ORDER = {"model": "bell-image", "text": "a kite"}


class TestBellCalls:
    @pytest.fixture
    def receiver(self) -> Iterator[Receiver]:
        with Receiver() as running:
            yield running

    def made(self, bell: Bell, receiver: Receiver, *, key: str = Bell.KEY) -> dict:
        return ask(bell, "POST", "/orders", BELL_ORDER | {"call": f"{receiver.url}/hook"}, key=key)[1]

    def states(self, receiver: Receiver) -> list[str]:
        return [got.json["state"] for got in receiver.got]

    def test_once_an_order_is_taken_and_once_it_has_ended(self, receiver):
        with Bell(manual=True) as bell:
            id = self.made(bell, receiver)["id"]
            receiver.wait_until(lambda it: len(it.got) == 1)
            bell.finish()
            receiver.wait_until(lambda it: len(it.got) == 2)
        assert [got.json for got in receiver.got] == [{"order": id, "state": "open"}, {"order": id, "state": "done"}]

    def test_before_it_answers_and_though_nobody_hears_its_answer(self, receiver):
        with Bell(manual=True) as bell:
            bell.will(call_before_answer(), at="call")
            bell.will(cut_before_answer())
            with pytest.raises((ConnectionError, http.client.HTTPException)):
                self.made(bell, receiver)
            assert (self.states(receiver), bell.bought) == (["open"], 1)

    def test_twice_about_another_order_or_never_as_told(self, receiver):
        with Bell(instant=True) as bell:
            first = self.made(bell, receiver)["id"]
            receiver.wait_until(lambda it: len(it.got) == 2)
            bell.will(call_twice(), call_about(first), never_call(), at="call")
            second = self.made(bell, receiver)["id"]
            receiver.wait_until(lambda it: len(it.got) == 6)
            self.made(bell, receiver)
            receiver.wait_until(lambda it: len(it.got) == 8)
            self.made(bell, receiver)
            bell.will(call_late(0.1), at="call")
            self.made(bell, receiver)
            receiver.wait_until(lambda it: len(it.got) == 10)
        assert [got.json["order"] for got in receiver.got] == 2 * [first] + 4 * [second] + 2 * [first] + 2 * ["bell5"]

    def test_and_takes_no_order_before_its_knock_is_answered(self, receiver):
        with Bell(knocks=True) as bell:
            receiver.will(reply(200, '{"knock": "who is there?"}'), reply(200, '{"knock": "go away"}'))
            assert self.made(bell, receiver)["state"] == "done"
            assert self.made(bell, receiver)["error"] == "WRONG"
            assert bell.bought == 1

    def test_it_lists_what_was_ordered_newest_first(self, receiver):
        with Bell() as bell:
            ids = [self.made(bell, receiver)["id"] for _ in range(2)]
            listed = ask(bell, "GET", "/orders?since=0")[1]["orders"]
            assert ask(bell, "GET", f"/orders?since={bell.orders[ids[1]]['made_at'] + 1}")[1]["orders"] == []
        assert [(one["id"], one["text"], one["call"]) for one in listed] == [(id, "a kite", f"{receiver.url}/hook") for id in ids[::-1]]

"""Loads on a server that stalls, refuses and breaks."""

import os
import signal

import pytest
from aiohttp import web

from tasks_app.management.loadtest.fire import fire
from tasks_app.management.loadtest.plan import Plan, Unfit

from .stalling import STALL_S, Stalling


def silent(*_) -> None:
    pass


def run(server, *, tell=silent, keys=("key",), mix=None, **how):
    return fire(Plan(url=server.url, mix=mix or {"account": 1}, **how), keys, tell)


class TestAServerStallsForASecond:
    def test_an_open_loop_shows_it_and_a_closed_one_hides_it(self):
        with Stalling(stalls_at=100) as server:
            opened = run(server, rate=150, seconds=3)
        with Stalling(stalls_at=100) as server:
            closed = run(server, clients=2, seconds=3)
        # A third of those who came had to wait; but only two of the clients' many hundred requests.
        assert opened["all"]["p99_ms"] > 1000 * STALL_S * 0.9
        assert opened["all"]["p90_ms"] > 1000 * STALL_S * 0.5
        assert closed["all"]["p99_ms"] < 1000 * STALL_S * 0.3
        assert closed["all"]["max_ms"] > 1000 * STALL_S * 0.9
        assert closed["all"]["requests"] > 200

    def test_an_open_loop_sends_all_the_same(self):
        with Stalling(stalls_at=50, until=80) as server:
            told = run(server, rate=100, seconds=2)
        assert told["all"]["requests"] == 200
        assert told["client"]["open_most"] >= 80


class TestALoad:
    def test_of_three_hundred_a_second_costs_its_client_less_than_half_a_core(self):
        with Stalling() as server:
            told = run(server, mix={"accept": 1, "get": 6, "list": 2, "account": 1}, rate=300, seconds=3)
        assert told["all"]["requests"] == 900
        assert told["client"]["cpu_ms"] * 300 < 500

    def test_is_mixed_by_its_weights(self):
        with Stalling() as server:
            told = run(server, mix={"accept": 1, "get": 3}, rate=300, seconds=2)
        assert server.asked["POST /api/v1/tasks"] == told["calls"]["accept"]["requests"] + 1  # one before, to have a task to read
        assert 90 < told["calls"]["accept"]["requests"] < 210
        assert told["calls"]["get"]["requests"] == 600 - told["calls"]["accept"]["requests"]

    def test_by_clients_has_no_more_requests_open_than_clients(self):
        with Stalling(stalls_at=30) as server:
            told = run(server, clients=7, seconds=2)
        assert told["client"]["open_most"] == 7

    @pytest.mark.parametrize("how", [{"rate": 200}, {"clients": 3}])
    def test_ends_by_its_count(self, how):
        with Stalling() as server:
            told = run(server, seconds=30, most=40, **how)
        assert 40 <= told["all"]["requests"] <= 42  # each client ends the request that it has begun

    def test_ends_early_with_what_there_is_where_it_is_told_to(self):
        def end(now, at_s):
            if now.sent > 20 and at_s < 30:
                os.kill(os.getpid(), signal.SIGINT)

        with Stalling() as server:
            told = run(server, rate=100, seconds=30, tell=end)
        assert 20 < told["all"]["requests"] < 1000

    def test_keeps_its_histogram_whole(self):
        with Stalling() as server:
            told = run(server, rate=100, seconds=1)
        assert sum(told["calls"]["account"]["histogram"].values()) == 100


class TestRequestsFail:
    def test_they_are_counted_by_status_and_kind(self):
        problem = {"code": "rate_limited"}
        with Stalling() as server:
            server.answers.extend(
                [web.json_response(problem, status=429), web.json_response(problem, status=429), web.Response(status=502)]
            )
            server.answers.append(web.Response(status=302, headers={"Location": "http://192.0.2.1/"}))
            told = run(server, rate=50, seconds=1)
        assert told["all"]["errors"] == {"429 rate_limited": 2, "502": 1, "302": 1}
        assert sum(slot["errors"] for slot in told["slots"]) == 4
        assert told["all"]["requests"] == 50

    def test_so_are_connections_that_break(self):
        with Stalling() as server:
            server.answers.append("cut")
            told = run(server, mix={"accept": 1}, rate=20, seconds=1)
        assert told["all"]["errors"] == {"connection cut": 1}

    def test_so_are_answers_that_are_not_ours(self):
        with Stalling() as server:
            server.answers.extend([web.Response(text="<html>Welcome to nginx!"), web.json_response({}), web.json_response([])])
            told = run(server, mix={"accept": 1}, rate=20, seconds=1)
        assert told["all"]["errors"] == {"unreadable answer": 3}


class TestBeforeTheLoad:
    def test_a_key_that_is_not_good_stops_it(self):
        with Stalling() as server:
            server.is_good = lambda key: key == "good"
            with pytest.raises(Unfit, match="401 unauthenticated"):
                run(server, keys=("good", "stale"), rate=10, seconds=1)
        assert server.asked == {"GET /api/v1/tasks": 2}

    def test_a_server_that_is_not_there_stops_it(self):
        with Stalling() as server:
            pass
        with pytest.raises(Unfit, match="not connected"):
            run(server, rate=10, seconds=1)

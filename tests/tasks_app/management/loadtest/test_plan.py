"""When each request of a load is due, and which loads are refused."""

from dataclasses import replace
from itertools import pairwise

import pytest

from tasks_app.management.loadtest.calls import CALLS
from tasks_app.management.loadtest.plan import MOST, Plan, Unfit, check, is_here, mix_of

OPEN = Plan(url="http://127.0.0.1:8000", mix={"account": 1}, rate=100, seconds=10)
CLOSED = Plan(url="http://127.0.0.1:8000", mix={"account": 1}, clients=10, seconds=10)


class TestAnOpenLoop:
    def test_sends_at_a_constant_rate(self):
        assert [OPEN.due_s(number) for number in (0, 1, 100, 999)] == [0, 0.01, 1, 9.99]

    def test_that_ramps_sends_half_as_many_while_it_grows_and_then_all(self):
        ramping = replace(OPEN, ramp_s=4)
        assert ramping.due_s(50) == pytest.approx(2)  # half of the time: a quarter of the 200 of the ramp
        assert ramping.due_s(200) == pytest.approx(4)
        assert ramping.due_s(300) - ramping.due_s(200) == pytest.approx(1)

    def test_is_never_due_backwards(self):
        ramping = replace(OPEN, ramp_s=4)
        assert all(before < after for before, after in pairwise(ramping.due_s(number) for number in range(600)))


class TestAClosedLoop:
    def test_has_its_clients_come_one_after_another(self):
        assert [replace(CLOSED, ramp_s=5).joins_s(client) for client in (0, 1, 9)] == [0, 0.5, 4.5]


class TestALoadIsRefused:
    @pytest.mark.parametrize(
        ("more", "says"),
        [
            ({"rate": 0}, "--rate"),
            ({"rate": 5001}, "--rate"),
            ({"clients": 1001}, "--clients"),
            ({"seconds": 3601}, "--seconds"),
            ({"seconds": float("nan")}, "--seconds"),
            ({"ramp_s": 11}, "--ramp"),
            ({"most": MOST + 1}, "--most"),
            ({"mix": {"delete": 1}}, "no call delete"),
        ],
    )
    def test_beyond_its_bounds(self, more, says):
        with pytest.raises(Unfit, match=says):
            check(replace(OPEN, **more), CALLS, is_ours=False)

    def test_of_a_server_that_is_not_this_machine(self):
        with pytest.raises(Unfit, match="--i-own-this-server"):
            check(replace(OPEN, url="http://192.0.2.1"), CALLS, is_ours=False)

    def test_but_not_where_the_operator_says_it_is_theirs(self):
        check(replace(OPEN, url="http://192.0.2.1"), CALLS, is_ours=True)

    @pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://127.0.0.1/api", "http://me:secret@127.0.0.1"])
    def test_where_it_is_no_url(self, url):
        with pytest.raises(Unfit, match=r"^--url is read as http://127\.0\.0\.1:8000, without"):
            check(replace(OPEN, url=url), CALLS, is_ours=True)


class TestThisMachine:
    @pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://127.9.9.9", "http://[::1]:8000", "http://localhost"])
    def test_is_loopback(self, url):
        assert is_here(url)

    @pytest.mark.parametrize("url", ["http://192.0.2.1", "http://0.0.0.0:8000", "http://[::ffff:192.0.2.1]"])
    def test_is_nothing_else(self, url):
        assert not is_here(url)


class TestAMix:
    def test_is_calls_with_weights(self):
        assert mix_of("accept=1, get=6,list=0") == {"accept": 1, "get": 6}

    @pytest.mark.parametrize("text", ["", "accept", "accept=", "accept=-1", "accept=x", "accept=0"])
    def test_is_refused_where_it_says_nothing(self, text):
        with pytest.raises(Unfit):
            mix_of(text)

"""Requests a minute, counted across processes in a Redis of this test's own, which is frozen and killed."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.keys import Caller
from accounts.limits import HANDFULS, REST_S, Limiter, count


class Clock:
    def __init__(self):
        self.seconds = 60.0 * 1000

    def __call__(self):
        return self.seconds


class Counted:
    """Gives out clients of one Redis, and counts how often."""

    def __init__(self, server):
        self._client, self.calls = server.client(), 0

    def __call__(self):
        self.calls += 1
        return self._client


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def connect(own_redis):
    return Counted(own_redis)


@pytest.fixture
def process(connect, clock):
    """Makes the limiters of as many processes as a test needs."""
    return lambda: Limiter(connect, clock=clock)


def granted(limiter, times, *, key=1, write=False, limit=100):
    return sum(not limiter.count(key, write=write, limit=limit).is_refused for _ in range(times))


class TestAKeyWithALimit:
    def test_gets_as_many_as_that_and_no_more(self, process):
        assert granted(process(), 150) == 100

    def test_gets_them_anew_with_the_next_minute(self, process, clock):
        limiter = process()
        assert granted(limiter, 150) == 100
        clock.seconds += 60
        assert granted(limiter, 150) == 100

    @pytest.mark.parametrize("limit", [1, 3, 49, 51, 1000])
    def test_whatever_the_limit(self, process, limit):
        assert granted(process(), limit + 5, limit=limit) == limit

    def test_has_reads_and_writes_and_other_keys_apart(self, process):
        limiter = process()
        assert granted(limiter, 150) == 100
        assert granted(limiter, 150, write=True) == 100
        assert granted(limiter, 150, key=2) == 100

    def test_is_told_where_it_stands(self, process, clock):
        limiter = process()
        clock.seconds += 14.2
        first = limiter.count(1, write=False, limit=10)
        assert (first.is_refused, first.limit, first.remaining, first.reset_s) == (False, 10, 9, 46)
        granted(limiter, 9, limit=10)
        last = limiter.count(1, write=False, limit=10)
        assert (last.is_refused, last.remaining, last.reset_s) == (True, 0, 46)

    def test_that_is_raised_gets_the_rest_at_once(self, process):
        limiter = process()
        assert granted(limiter, 20, limit=10) == 10
        assert granted(limiter, 50, limit=30) == 20


class TestSeveralProcesses:
    def test_never_grant_more_together(self, process):
        processes = [process() for _ in range(3)]
        assert sum(granted(processes[number % 3], 1) for number in range(150)) <= 100

    def test_leave_no_more_than_a_handful_each(self, process):
        processes = [process() for _ in range(3)]
        assert sum(granted(processes[number % 3], 1, limit=500) for number in range(900)) >= 500 - 2 * 500 // HANDFULS

    def test_and_threads_grant_exactly_the_limit(self, process):
        limiter = process()
        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(lambda _: granted(limiter, 20), range(8))) == 100


class TestWhatItCosts:
    def test_one_call_for_each_handful(self, process, connect):
        granted(process(), 1000, limit=1000)
        assert connect.calls == HANDFULS

    def test_none_once_the_limit_is_reached(self, process, connect):
        limiter = process()
        granted(limiter, 150)
        calls = connect.calls
        granted(limiter, 50)
        assert connect.calls == calls

    def test_none_at_all_without_a_limit(self, process, connect):
        free = Caller(1, 1, "acme")
        assert count(free, write=True, limiter=process()) is None
        assert connect.calls == 0

    def test_nothing_stays_in_redis(self, process, own_redis):
        granted(process(), 1)
        with own_redis.client() as client:
            (name,) = client.keys("*")
            assert 0 < client.ttl(name) <= 120


class TestRedisIsAway:
    def test_each_process_grants_the_limit_by_itself(self, process, own_redis):
        own_redis.kill()
        assert granted(process(), 150) == 100
        assert granted(process(), 150) == 100

    def test_or_goes_in_the_middle_of_a_minute(self, process, own_redis):
        limiter = process()
        assert granted(limiter, 40) == 40
        own_redis.kill()
        assert granted(limiter, 150) == 60

    def test_or_is_not_configured(self, clock):
        assert granted(Limiter(clock=clock), 150) == 100

    def test_one_that_hangs_costs_one_wait_in_five_seconds(self, process, own_redis, clock):
        limiter = process()
        granted(limiter, 1)
        own_redis.freeze()
        begun = time.monotonic()
        assert granted(limiter, 50) == 50
        assert time.monotonic() - begun < 3  # it would be 10 s
        own_redis.thaw()

    def test_it_is_asked_again_after_a_rest(self, process, own_redis, connect, clock):
        own_redis.kill()
        limiter = process()
        granted(limiter, 5)
        assert connect.calls == 1
        own_redis.start()
        clock.seconds += REST_S
        granted(limiter, 5)
        assert connect.calls > 1
        with own_redis.client() as client:
            assert client.keys("*")

    def test_it_is_warned_of_once(self, process, own_redis, caplog):
        own_redis.kill()
        granted(process(), 50)
        assert caplog.text.count("Redis is away") == 1


def test_many_threads_at_a_redis_that_hangs_wait_once_each(process, own_redis):
    limiter = process()
    own_redis.freeze()
    waits = []

    def ask():
        begun = time.monotonic()
        limiter.count(1, write=False, limit=100)
        waits.append(time.monotonic() - begun)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    own_redis.thaw()
    assert max(waits) < 0.5

"""Keys that a process remembers: with a Redis of this test's own, which is frozen and killed."""

import threading
import time

import pytest
from django.db import transaction

from accounts import keys
from accounts.key_cache import CHANNEL, KEPT_S, MOST, KeyCache

WAIT_S = 10


class Clock:
    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def process(own_redis, clock):
    """Makes the caches of as many processes as a test needs."""
    made = []

    def make():
        made.append(KeyCache(own_redis.client, clock=clock, rest_s=0.05))
        return made[-1]

    yield make
    for cache in made:
        cache.close()


@pytest.fixture
def cache(process):
    return process()


@pytest.fixture
def made(acme, now):
    return keys.make(acme, "ci", now=now)


def eventually(holds):
    """Waits for what another thread is about to do."""
    until = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < until, "it never came"
        threading.Event().wait(0.005)


class TestAKeyIsRemembered:
    def test_the_second_request_asks_no_database(self, cache, made, now, django_assert_num_queries):
        first = keys.find(made[1], now=now, cache=cache)
        with django_assert_num_queries(0):
            assert keys.find(made[1], now=now, cache=cache) == first

    def test_for_30_seconds(self, cache, made, now, clock, django_assert_num_queries):
        keys.find(made[1], now=now, cache=cache)
        clock.seconds += KEPT_S
        with django_assert_num_queries(1):
            keys.find(made[1], now=now, cache=cache)

    def test_without_the_key_itself(self, cache, made, now):
        keys.find(made[1], now=now, cache=cache)
        assert made[1][11:] not in repr(vars(cache))

    def test_an_unknown_key_is_not(self, cache):
        assert cache.find("unknown", lambda: None) is None
        assert cache.find("unknown", lambda: "found now") == "found now"

    def test_no_more_than_10_000_are(self, cache):
        for number in range(MOST + 1):
            cache.find(str(number), lambda: "acme")
        assert cache.find(str(MOST), lambda: "asked again") == "acme"
        assert cache.find("0", lambda: "asked again") == "asked again"


class TestARevocation:
    @pytest.fixture(autouse=True)
    def commits(self, transactional_db):
        """on_commit runs as it does in production."""

    def test_holds_at_once_though_the_key_was_remembered(self, cache, made, now):
        keys.find(made[1], now=now, cache=cache)
        keys.revoke(made[0], now=now, cache=cache)
        assert keys.find(made[1], now=now, cache=cache) is None

    def test_holds_in_every_other_process_too(self, process, made, now):
        here, elsewhere = process(), process()
        assert keys.find(made[1], now=now, cache=elsewhere)
        keys.revoke(made[0], now=now, cache=here)
        eventually(lambda: keys.find(made[1], now=now, cache=elsewhere) is None)

    def test_holds_against_a_reader_that_looked_the_key_up_before(self, process, made, now):
        here, elsewhere = process(), process()
        elsewhere.find("another", lambda: "bolt")

        def slow_look_up():
            owner = keys._look_up(now, digest=keys.digest(made[1]))
            keys.revoke(made[0], now=now, cache=here)
            eventually(lambda: elsewhere.find("another", lambda: None) is None)  # it was heard
            return owner

        assert elsewhere.find(keys.digest(made[1]), slow_look_up)
        assert keys.find(made[1], now=now, cache=elsewhere) is None

    def test_that_is_rolled_back_leaves_the_key_alone(self, cache, made, now):
        with transaction.atomic():
            keys.revoke(made[0], now=now, cache=cache)
            transaction.set_rollback(True)
        assert keys.find(made[1], now=now, cache=cache) is not None

    def test_says_nothing_of_the_key_on_the_wire(self, own_redis, cache, made, now):
        with own_redis.client() as client, client.pubsub() as heard:
            heard.subscribe(CHANNEL)
            heard.get_message(timeout=WAIT_S)
            keys.revoke(made[0], now=now, cache=cache)
            assert heard.get_message(timeout=WAIT_S)["data"] == b""

    def test_holds_here_without_redis(self, own_redis, cache, made, now):
        keys.find(made[1], now=now, cache=cache)
        own_redis.kill()
        keys.revoke(made[0], now=now, cache=cache)
        assert keys.find(made[1], now=now, cache=cache) is None

    def test_that_reached_nobody_holds_elsewhere_in_30_seconds(self, own_redis, process, made, now, clock, caplog):
        here, elsewhere = process(), process()
        keys.find(made[1], now=now, cache=elsewhere)
        own_redis.freeze()
        keys.revoke(made[0], now=now, cache=here)
        assert "holds in 30 s at most" in caplog.text
        clock.seconds += KEPT_S
        assert keys.find(made[1], now=now, cache=elsewhere) is None
        own_redis.thaw()


class TestRedisIsAway:
    def test_nothing_is_remembered(self, own_redis, cache, made, now, django_assert_num_queries):
        keys.find(made[1], now=now, cache=cache)
        own_redis.kill()
        eventually(lambda: not cache.hears.is_set())
        for _ in range(2):
            with django_assert_num_queries(1):
                assert keys.find(made[1], now=now, cache=cache) is not None

    def test_no_request_waits_for_it(self, own_redis, cache, made, now):
        own_redis.kill()
        keys.find(made[1], now=now, cache=cache)  # the first one waits 0.2 s
        begun = time.monotonic()
        for _ in range(20):
            assert keys.find(made[1], now=now, cache=cache) is not None
        assert time.monotonic() - begun < 2  # it would be 4 s

    def test_it_is_warned_of_without_a_word_of_the_key(self, own_redis, cache, made, now, caplog):
        keys.find(made[1], now=now, cache=cache)
        own_redis.kill()
        eventually(lambda: "Redis is away" in caplog.text)
        assert made[1][11:] not in caplog.text
        assert keys.digest(made[1]) not in caplog.text

    def test_keys_are_remembered_again_once_it_is_back(self, own_redis, cache, made, now, django_assert_num_queries):
        keys.find(made[1], now=now, cache=cache)
        own_redis.kill()
        eventually(lambda: not cache.hears.is_set())
        own_redis.start()
        assert cache.hears.wait(WAIT_S)
        keys.find(made[1], now=now, cache=cache)
        with django_assert_num_queries(0):
            assert keys.find(made[1], now=now, cache=cache) is not None


class TestThereIsNoRedis:
    def test_every_request_looks_its_key_up(self, made, now, django_assert_num_queries):
        cache = KeyCache()
        keys.find(made[1], now=now, cache=cache)  # notes its use
        for _ in range(2):
            with django_assert_num_queries(1):
                assert keys.find(made[1], now=now, cache=cache) is not None

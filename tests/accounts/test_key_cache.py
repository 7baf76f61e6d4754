"""Keys remembered in Redis: on a server of this test's own, which is frozen and killed."""

import time

import pytest
from django.db import transaction

from accounts import keys
from accounts.key_cache import KEPT_S, REST_S, REVOKED, TOMBSTONE_S, Breaker, KeyCache
from accounts.models import ApiKey

OWNER = [7, 8, "acme"]


class Clock:
    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(own_redis, clock):
    return KeyCache(clock=clock)


@pytest.fixture
def made(acme, now):
    return keys.make(acme, "ci", now=now)


class TestAKeyIsRemembered:
    def test_the_second_request_asks_no_database(self, cache, made, now, django_assert_num_queries):
        first = keys.find(made[1], now=now, cache=cache)
        with django_assert_num_queries(0):
            assert keys.find(made[1], now=now, cache=cache) == first

    def test_for_30_seconds_and_without_the_key_itself(self, own_redis, cache, made, now):
        keys.find(made[1], now=now, cache=cache)
        with own_redis.client() as client:
            (name,) = client.keys()
            assert name.decode().endswith(keys.digest(made[1]))
            assert 0 < client.ttl(name) <= KEPT_S
            assert client.get(name) == b'[%d, %d, "acme"]' % (made[0].account_id, made[0].id)

    def test_an_unknown_key_leaves_nothing_behind(self, own_redis, cache, made, now):
        keys.find("dk_" + "x" * 43, now=now, cache=cache)
        with own_redis.client() as client:
            assert client.dbsize() == 0


class TestARevocation:
    @pytest.fixture(autouse=True)
    def commits(self, transactional_db):
        """on_commit runs as it does in production."""

    def test_holds_at_once_though_the_key_was_remembered(self, cache, made, now):
        keys.find(made[1], now=now, cache=cache)
        keys.revoke(made[0], now=now, cache=cache)
        assert keys.find(made[1], now=now, cache=cache) is None

    def test_holds_against_a_reader_that_looked_the_key_up_before(self, cache, made, now):
        digest = keys.digest(made[1])
        keys.revoke(made[0], now=now, cache=cache)
        cache.add(digest, OWNER)  # the reader's last step, late
        assert cache.get(digest) == REVOKED
        assert keys.find(made[1], now=now, cache=cache) is None

    def test_is_remembered_for_longer_than_any_request_lives(self, own_redis, cache, made, now):
        keys.revoke(made[0], now=now, cache=cache)
        with own_redis.client() as client:
            (name,) = client.keys()
            assert KEPT_S < client.ttl(name) <= TOMBSTONE_S

    def test_that_is_rolled_back_leaves_the_key_alone(self, cache, made, now):
        with transaction.atomic():
            keys.revoke(made[0], now=now, cache=cache)
            transaction.set_rollback(True)
        assert keys.find(made[1], now=now, cache=cache) is not None

    def test_holds_without_redis(self, own_redis, cache, made, now):
        keys.find(made[1], now=now, cache=cache)
        own_redis.kill()
        keys.revoke(made[0], now=now, cache=cache)
        assert keys.find(made[1], now=now, cache=cache) is None

    def test_reaches_a_redis_that_failed_a_moment_ago(self, own_redis, cache, made, now):
        keys.find(made[1], now=now, cache=cache)
        own_redis.freeze()
        keys.find(made[1], now=now, cache=cache)
        own_redis.thaw()
        keys.revoke(made[0], now=now, cache=cache)
        assert cache.get(keys.digest(made[1])) == REVOKED


@pytest.mark.parametrize("trouble", ["freeze", "kill"])
class TestRedisIsAway:
    def test_a_key_is_found_in_the_database_within_the_time_out(self, own_redis, cache, made, now, trouble):
        keys.find(made[1], now=now, cache=cache)
        getattr(own_redis, trouble)()
        begun = time.monotonic()
        assert keys.find(made[1], now=now, cache=cache) is not None
        assert time.monotonic() - begun < 0.3

    def test_it_is_waited_for_once_in_five_seconds(self, own_redis, cache, made, now, clock, trouble):
        getattr(own_redis, trouble)()
        keys.find(made[1], now=now, cache=cache)
        begun = time.monotonic()
        for _ in range(20):
            clock.seconds += REST_S / 21
            assert keys.find(made[1], now=now, cache=cache) is not None
        assert time.monotonic() - begun < 0.2

    def test_it_is_warned_of_without_a_word_of_the_key(self, own_redis, cache, made, now, caplog, trouble):
        getattr(own_redis, trouble)()
        keys.find(made[1], now=now, cache=cache)
        assert "Redis is away" in caplog.text
        assert made[1][11:] not in caplog.text
        assert keys.digest(made[1]) not in caplog.text


class TestRedisIsBack:
    def test_keys_are_remembered_again(self, own_redis, cache, made, now, clock, django_assert_num_queries):
        own_redis.kill()
        keys.find(made[1], now=now, cache=cache)
        own_redis.start()
        clock.seconds += REST_S
        keys.find(made[1], now=now, cache=cache)
        with django_assert_num_queries(0):
            assert keys.find(made[1], now=now, cache=cache) is not None

    def test_a_flushed_one_costs_a_look_up(self, own_redis, cache, made, now):
        keys.find(made[1], now=now, cache=cache)
        with own_redis.client() as client:
            client.flushall()
        assert keys.find(made[1], now=now, cache=cache).key_id == ApiKey.objects.get().id


class TestABreaker:
    @pytest.fixture
    def breaker(self, clock):
        return Breaker(rest_s=5, clock=clock)

    def test_lets_everyone_through_while_all_is_well(self, breaker):
        assert [breaker.lets_through() for _ in range(3)] == [True, True, True]

    def test_rests_after_a_failure(self, breaker, clock):
        breaker.failed()
        clock.seconds += 4.9
        assert not breaker.lets_through()

    def test_then_lets_one_try_for_all(self, breaker, clock):
        breaker.failed()
        clock.seconds += 5
        assert [breaker.lets_through() for _ in range(3)] == [True, False, False]

    def test_lets_everyone_through_once_that_one_had_an_answer(self, breaker, clock):
        breaker.failed()
        clock.seconds += 5
        breaker.lets_through()
        breaker.worked()
        assert [breaker.lets_through() for _ in range(3)] == [True, True, True]

    def test_rests_again_where_that_one_failed_too(self, breaker, clock):
        breaker.failed()
        clock.seconds += 5
        breaker.lets_through()
        breaker.failed()
        clock.seconds += 4.9
        assert not breaker.lets_through()

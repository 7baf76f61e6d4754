"""What is told over Redis, and by which commits."""

import pytest
import redis
from django.conf import settings

from tasks_app import ids
from tasks_app.watch import news


class TestAMessage:
    def test_says_what_was_told(self):
        task = ids.new()
        assert news.read(news.written({7, 3}, {task: (3, 0.5)})) == news.News(frozenset({3, 7}), {task: (3, 0.5)})

    @pytest.mark.parametrize("message", [b"", b"{}", b"[1]", b'["a", [["b"]]]', b"null"])
    def test_of_another_version_says_nothing(self, message):
        assert news.read(message) == news.News()


@pytest.mark.skipif(not settings.REDIS_URL, reason="there is no Redis")
class TestTheRoad:
    @pytest.fixture
    def ear(self):
        with redis.Redis.from_url(settings.REDIS_URL) as client, client.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(news.CHANNEL)
            channel.get_message(timeout=5)
            yield channel

    def test_tells_of_each_move_once_it_is_committed(self, ear, acme, plasma, road, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            acme.submits("darkroom/plasma-image")
            road.submits()
        assert heard(ear, lambda told: acme.id in told.accounts).accounts == {acme.id}

    def test_tells_of_progress_that_is_written(self, ear, acme, plasma, road, clock, django_capture_on_commit_callbacks):
        plasma.seconds = 1000
        task = acme.submits("darkroom/plasma-image")
        road.submits()
        next(iter(plasma.jobs.values())).created_at -= 1000  # half of its time is over
        with django_capture_on_commit_callbacks(execute=True):
            road.moves_to_next_due()
            road.polls()
        account_id, share = heard(ear, lambda told: task.id in told.progress).progress[task.id]
        assert (account_id, round(share, 1)) == (acme.id, 0.5)


def heard(ear, mine) -> news.News:
    """The first that is mine: a channel is one for all databases of a Redis, and so for all tests that run."""
    while message := ear.get_message(timeout=10):
        if mine(told := news.read(message["data"])):
            return told
    raise AssertionError("nothing was told")

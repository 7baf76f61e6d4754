"""Breakers as rows: what all workers share, what it costs, what is told."""

import logging

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from providers import breakers, credentials
from providers.breaker import LEAST, PAUSE, Call
from providers.errors import Invalid, Unauthenticated, Unavailable
from providers.models import Breaker, HealthChange


@pytest.fixture
def plasma(make_provider):
    return make_provider()


@pytest.fixture
def hears(plasma, now):
    def hear(*errors, door="submit", at=now):
        breakers.heard(plasma.id, door, [Call(error and error("no"), at) for error in errors], now=at)

    return hear


def changes():
    return list(HealthChange.objects.order_by("id").values_list("what", "state", "note"))


class TestCounting:
    def test_costs_no_query_while_all_goes_well(self, plasma, hears, now):
        breakers.room(plasma.id, now)
        with CaptureQueriesContext(connection) as queries:
            hears(*[None] * 200, *[Invalid] * 50)
            assert breakers.room(plasma.id, now) is None
        assert len(queries) == 0

    def test_of_failures_is_shared_by_all_processes(self, plasma, hears, now):
        for _ in range(LEAST):
            assert breakers.room(plasma.id, now) is None
            hears(Unavailable)
            breakers.forget()  # as another process reads it
        assert breakers.room(plasma.id, now) == 0

    def test_of_polls_says_nothing_of_submits(self, plasma, hears, now):
        hears(*[Unavailable] * LEAST, door="poll")
        assert breakers.of(plasma.id, "poll").state == "open"
        assert breakers.room(plasma.id, now) is None

    def test_of_one_provider_says_nothing_of_another(self, hears, make_provider, now):
        hears(Unauthenticated)
        assert breakers.room(make_provider("other").id, now) is None


class TestTheProbe:
    def test_is_one_of_many_that_want_to_be(self, plasma, hears, now):
        hears(*[Unavailable] * LEAST)
        assert not breakers.probe(plasma.id, now=now)
        later = now + PAUSE
        assert [breakers.probe(plasma.id, now=later) for _ in range(3)] == [True, False, False]
        assert breakers.room(plasma.id, later) == 0

    def test_goes_at_once_after_a_new_key(self, plasma, hears, now):
        hears(Unauthenticated)
        assert breakers.room(plasma.id, now) == 0
        credentials.rotate(plasma, {"key": "new"}, now=now)
        assert breakers.room(plasma.id, now) == 1

    def test_of_nothing_open_is_none(self, plasma, now):
        assert not breakers.probe(plasma.id, now=now)


class TestEachChange:
    def test_leaves_a_row(self, plasma, hears, now):
        hears(*[Unavailable] * LEAST)
        breakers.probe(plasma.id, now=now + PAUSE)
        hears(None, at=now + PAUSE)
        assert changes() == [("submit", "open", "no"), ("submit", "half_open", "no"), ("submit", "closed", "")]

    def test_is_logged_an_opening_as_an_error(self, hears, caplog):
        with caplog.at_level(logging.WARNING):
            hears(Unauthenticated)
        (record,) = caplog.records
        assert (record.levelname, record.event, record.provider, record.reason) == ("ERROR", "breaker", "plasma", "unauthenticated")

    def test_is_none_where_only_counts_changed(self, hears):
        hears(Unavailable)
        assert changes() == []
        assert Breaker.objects.get().bad == 1

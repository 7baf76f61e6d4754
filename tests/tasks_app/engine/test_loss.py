"""Marked as lost: the operator's word that nothing will come of it, and what it cost."""

import pytest

from tasks_app.engine import ask_again, loss
from tasks_app.engine.accept import Problem
from tasks_app.models import Attempt

from .flagged import BY, client_sees, is_flagged, recovers, said


class TestALoss:
    @pytest.mark.parametrize("charged", [0.35, 0, None], ids=["so much", "nothing was bought", "nobody knows"])
    def test_is_kept_with_what_it_cost_and_who_said_so(self, unknown, clock, charged):
        flag = unknown()
        loss.request(flag.id, charged=charged, now=clock(), **BY)
        flag.refresh_from_db()
        assert (flag.ending, flag.charged, flag.ended_by, flag.ended_at, flag.note) == ("lost", charged, "olga", clock(), BY["note"])
        assert (Attempt.objects.get().upstream_cost, is_flagged(flag)) == (charged, False)
        assert said(flag) == [("failed", {"lost": charged, "note": BY["note"]})]

    def test_changes_nothing_for_the_client(self, unknown, acme, clock):
        flag = unknown()
        before = client_sees(acme, flag)
        loss.request(flag.id, charged=9, now=clock(), **BY)
        assert client_sees(acme, flag) == before

    def test_said_twice_is_one_loss(self, unknown, clock):
        flag = unknown()
        for charged in (1, 2):
            loss.request(flag.id, charged=charged, now=clock(), **BY)
        flag.refresh_from_db()
        assert (flag.charged, len(said(flag))) == (1, 1)

    def test_of_what_was_recovered_is_refused_with_who_did_that(self, quarantined, plasma, road):
        flag = quarantined("running")
        plasma.finish()
        ask_again.request(flag.id, now=road.clock(), **BY)
        recovers(road)
        with pytest.raises(Problem, match="recovered by olga") as refused:
            loss.request(flag.id, charged=None, now=road.clock(), **BY)
        assert refused.value.status == 409

    def test_ends_the_asking(self, quarantined, plasma, road):
        flag = quarantined("running")
        ask_again.request(flag.id, now=road.clock(), **BY)
        loss.request(flag.id, charged=None, now=road.clock(), **BY)
        asked = plasma.requests["poll"]
        recovers(road, rounds=3)
        flag.refresh_from_db()
        assert (flag.ending, plasma.requests["poll"]) == ("lost", asked)

"""Each submission's record: written before the call, completed after it, whatever the call came to."""

import pytest

from providers.errors import OutcomeUnknown
from providers.outcomes import Accepted, Finished
from tasks_app.engine import attempts, slots
from tasks_app.models import Attempt
from tests.upstreams import answer, cut_before_answer

IMAGE = "darkroom/plasma-image"


@pytest.fixture(autouse=True)
def storage_of_its_own(settings, tmp_path):
    settings.STORAGE_DIR = tmp_path


class TestWhatTheUpstreamSaid:
    @pytest.mark.parametrize(
        ("order", "outcome"),
        [
            (answer(400, code=12), "invalid_input"),
            (answer(429, code=17), "rate_limited"),
            (answer(401, code=31), "unauthenticated"),
            (cut_before_answer(), "submission_outcome_unknown"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_is_kept_of_a_submit_that_failed(self, acme, plasma, road, order, outcome):
        plasma.will(order)
        acme.submits(IMAGE)
        road.submits()
        attempt = Attempt.objects.get()
        assert (attempt.outcome, attempt.handle, attempt.landed_at) == (outcome, None, road.clock())

    def test_is_kept_of_each_submit_apart(self, acme, plasma, road):
        plasma.will(answer(503, code=19))
        acme.submits(IMAGE)
        road.runs_dry()
        assert list(Attempt.objects.order_by("id").values_list("outcome", flat=True)) == ["unavailable", "accepted"]


class TestALateAnswer:
    @pytest.fixture
    def claimed(self, acme, plasma, road):
        acme.submits(IMAGE)
        return slots.take(1, now=road.clock())[0]

    def test_that_accepts_overwrites_one_that_did_not_know(self, claimed, clock):
        attempts.landed(claimed, OutcomeUnknown(), now=clock())
        attempts.landed(claimed, Accepted({"id": "x"}), now=clock())
        assert Attempt.objects.get().handle == {"id": "x"}

    def test_that_does_not_know_overwrites_no_accept(self, claimed, clock):
        attempts.landed(claimed, Accepted({"id": "x"}), now=clock())
        attempts.landed(claimed, OutcomeUnknown(), now=clock())
        attempt = Attempt.objects.get()
        assert (attempt.outcome, attempt.handle) == ("accepted", {"id": "x"})

    def test_that_does_not_know_overwrites_no_result(self, claimed, clock):
        attempts.landed(claimed, Finished(()), now=clock())
        attempts.landed(claimed, OutcomeUnknown(), now=clock())
        assert Attempt.objects.get().outcome == "finished"

    def test_of_a_dead_worker_is_used_without_asking_again(self, claimed, plasma, road, clock):
        attempts.landed(claimed, Accepted({"id": "x"}), now=clock())
        clock.move(seconds=31)
        road.submits()
        assert plasma.bought == 0
        assert Attempt.objects.count() == 1

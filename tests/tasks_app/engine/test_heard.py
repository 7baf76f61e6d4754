"""What calls came to is counted for the charts, by provider, model and door, whatever becomes of the task."""

import pytest

from providers import rates
from providers.models import HealthHour, Provider
from tests.upstreams import answer, cut_before_answer, refuse

IMAGE = "darkroom/plasma-image"


@pytest.fixture(autouse=True)
def nothing_counted():
    rates._counted.clear()
    yield
    rates._counted.clear()


@pytest.fixture
def counted(plasma):
    """The counts of plasma's pictures at a door."""

    def of(door: str) -> tuple[int, int, int]:
        rates.flush()
        rows = HealthHour.objects.filter(provider=Provider.objects.get(name="plasma"), model=IMAGE, door=door)
        return tuple(map(sum, zip(*rows.values_list("good", "bad", "refused"), strict=True))) or (0, 0, 0)

    return of


class TestASubmit:
    @pytest.mark.parametrize(
        ("said", "counts"),
        [(None, (1, 0, 0)), (answer(503, code=19), (0, 1, 0)), (refuse("moderated"), (0, 0, 1)), (refuse("no_model"), (0, 0, 1))],
        ids=["taken", "unavailable", "moderated", "retired"],
    )
    def test_counts_by_what_it_says_of_the_provider(self, acme, plasma, road, counted, said, counts):
        plasma.will(said)
        acme.submits(IMAGE)
        road.submits()
        assert (counted("submit"), counted("poll")) == (counts, (0, 0, 0))

    def test_that_is_asked_about_again_counts_once(self, acme, plasma, road, counted):
        plasma.will(cut_before_answer())
        acme.submits(IMAGE)
        road.runs_dry()
        assert counted("submit") == (0, 1, 0)


class TestAPoll:
    def test_counts_apart_from_submits(self, acme, plasma, road, counted):
        plasma.manual = True
        acme.submits(IMAGE)
        road.submits()
        plasma.will(answer(401), None, answer(500), at="poll")
        for _ in range(4):
            road.moves_to_next_due()
            road.polls()
        assert (counted("submit"), counted("poll")) == ((1, 0, 0), (2, 2, 0))

    def test_to_the_end_of_a_job_tells_how_long_it_took_and_what_it_cost(self, acme, plasma, road, clock):
        plasma.manual = True
        acme.submits(IMAGE)
        road.submits()
        clock.move(seconds=90)
        plasma.finish()
        road.polls()
        rates.flush()
        row = HealthHour.objects.get(door="poll")
        assert (row.jobs, row.jobs_s, row.cost) == (1, 90.0, 0.25)

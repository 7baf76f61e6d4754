"""What an operator broke stops its own tasks and no others, and they go on once it is mended."""

import pytest

from providers.models import ProviderCredential, PublicModel, Route
from tasks_app.engine import submit
from tasks_app.engine.accept import Problem
from tasks_app.models import Task
from tests.cast import forget_rows

GRIT, PLASMA = "darkroom/grit-video", "darkroom/plasma-video"


def lose(rows) -> list:
    """Delete rows; returns them, to be put back."""
    lost = list(rows)
    rows.delete()
    forget_rows()
    return lost


def put_back(rows) -> None:
    for row in rows:
        row.save(force_insert=True)
    forget_rows()


class TestAProviderWhoseCredentialsCannotBeRead:
    def test_is_not_asked_about_its_jobs_and_others_are(self, acme, grit, plasma, road):
        broken, healthy = acme.submits(GRIT), acme.submits(PLASMA)
        road.submits()
        lost = lose(ProviderCredential.objects.filter(provider__name="grit"))
        for _ in range(4):
            road.clock.move(seconds=31)
            road.polls()
        broken.refresh_from_db()
        healthy.refresh_from_db()
        assert (broken.status, broken.lost_claims, healthy.status) == ("running", 0, "storing")
        put_back(lost)
        road.runs_dry()
        broken.refresh_from_db()
        assert (broken.status, grit.bought) == ("succeeded", 1)

    def test_gets_no_new_jobs_and_others_do(self, acme, grit, plasma, road):
        lose(ProviderCredential.objects.filter(provider__name="grit"))
        broken, healthy = acme.submits(GRIT), acme.submits(PLASMA)
        road.submits()
        broken.refresh_from_db()
        healthy.refresh_from_db()
        assert (broken.status, healthy.status, grit.bought) == ("queued", "running", 0)

    def test_leaves_a_lost_submit_in_doubt_and_does_not_give_it_up(self, acme, plasma, road):
        task = acme.submits(PLASMA)
        submit.take(1, road.clock)
        lost = lose(ProviderCredential.objects.all())
        road.clock.move(seconds=31)
        road.submits()
        assert Task.objects.get().status == "submitting"
        put_back(lost)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, plasma.bought) == ("succeeded", 1)

    def test_cannot_be_told_to_stop(self, acme, plasma, road):
        task = acme.submits(PLASMA)
        road.submits()
        lose(ProviderCredential.objects.all())
        with pytest.raises(Problem) as refused:
            acme.cancels(task)
        assert refused.value.status == 409


class TestAModelThatWasDeleted:
    def test_keeps_the_jobs_that_run_already(self, acme, plasma, road):
        task = acme.submits(PLASMA)
        road.submits()
        lose(PublicModel.objects.filter(name=PLASMA))
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, plasma.bought) == ("succeeded", 1)

    @pytest.mark.parametrize("table", [Route, PublicModel])
    def test_leaves_a_lost_submit_in_doubt(self, acme, plasma, road, table):
        acme.submits(PLASMA)
        submit.take(1, road.clock)
        lose(table.objects.all())
        road.clock.move(seconds=31)
        road.submits()
        assert (Task.objects.get().status, plasma.bought) == ("submitting", 0)

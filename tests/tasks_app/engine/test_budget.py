"""A key's budget at the end of the road: what a task cost stays counted, and what it held besides comes back."""

import pytest

from accounts import keys
from accounts.models import ApiKey
from tasks_app.engine import accept
from tests.upstreams import answer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def buy(acme, clock):
    """Submits with a key that may spend 100 credits."""
    row, key = keys.make(acme.account, "budget", now=clock(), credits_limit=100)
    scope = keys.find(key, now=clock()).scope

    def submit(model):
        return accept.one(acme.id, acme.order(model), now=clock(), scope=scope).task

    submit.used = lambda: ApiKey.objects.values_list("credits_used", flat=True).get(id=row.id)
    return submit


def test_what_a_task_cost_stays_counted(buy, plasma, road):
    buy("darkroom/plasma-video")
    road.runs_dry()
    assert buy.used() == 10


def test_what_a_failed_task_held_comes_back(buy, grit, road):
    grit.will(answer(400, code=12))
    task = buy("darkroom/grit-video")
    assert buy.used() == 10
    road.runs_dry()
    task.refresh_from_db()
    assert (task.status, buy.used()) == ("failed", 0)

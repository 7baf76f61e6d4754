"""What a Prefer header asks for (RFC 7240)."""

import pytest

from config import handover
from tasks_app.api import prefer
from tests.tasks_app.api.conftest import ORDER

WAITS = {
    "wait=10": 10,
    "Wait = 10": 10,
    'wait="10"': 10,
    "respond-async, wait=10": 10,
    "wait=10; odd=1, handling=lenient": 10,
    "wait=61": 60,
    "wait=999999999": 60,
}


@pytest.mark.parametrize(("header", "seconds"), WAITS.items())
def test_so_many_seconds_are_waited(header, seconds):
    assert prefer.seconds(header) == seconds


@pytest.mark.parametrize(
    "header", ["", "wait=0", "wait", "wait=", "wait=-1", "wait=1.5", "wait=soon", "await=10", "respond-async", "wait=1 0"]
)
def test_nothing_is_waited(header):
    assert prefer.seconds(header) == 0


@pytest.mark.parametrize("header", WAITS)
def test_whoever_would_wait_is_handed_on(header):
    assert handover.is_wanted("/api/v1/tasks", [("PREFER", header)])


@pytest.mark.django_db
def test_where_nobody_can_wait_the_answer_is_that_of_the_moment(api):
    answer = api.post("/tasks", ORDER, Prefer="wait=60")
    assert (answer.status_code, answer.json()["status"], "Preference-Applied" in answer) == (201, "queued", False)

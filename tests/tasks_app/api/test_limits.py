"""A key with a limit of requests a minute, as its client meets it."""

import pytest

from accounts import keys
from tests.tasks_app.api.conftest import ORDER, Api, refusal

pytestmark = pytest.mark.django_db

NAMES = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


@pytest.fixture
def limited(acme, models):
    """acme's client with a key of these limits."""

    def make(**limits) -> Api:
        return Api(keys.make(acme.account, "limited", now=acme.clock(), **limits)[1])

    return make


def rate(answer) -> tuple[str, ...]:
    return tuple(answer.headers.get(name) for name in NAMES)


class TestAKeyWithALimit:
    def test_is_told_with_each_answer_what_is_left(self, limited):
        api = limited(reads_per_minute=3)
        assert [rate(api.get("/account"))[:2] for _ in range(3)] == [("3", "2"), ("3", "1"), ("3", "0")]
        assert 0 < int(rate(api.get("/account"))[2]) <= 60

    def test_is_answered_429_and_when_to_come_back(self, limited):
        api = limited(reads_per_minute=1)
        api.get("/account")
        answer = api.get("/account")
        assert refusal(answer) == (429, "rate_limited")
        assert answer["Retry-After"] == answer["RateLimit-Reset"]
        assert rate(answer)[:2] == ("1", "0")

    def test_counts_what_is_refused_for_other_reasons_too(self, limited):
        api = limited(reads_per_minute=1)
        assert rate(api.get("/tasks/nonsense"))[:2] == ("1", "0")
        assert api.get("/tasks/nonsense").status_code == 429

    def test_of_writes_still_reads(self, limited):
        api = limited(writes_per_minute=1)
        assert [api.post("/tasks", ORDER).status_code for _ in range(2)] == [201, 429]
        assert rate(api.get("/tasks")) == (None, None, None)

    def test_still_hears_which_methods_there_are(self, limited):
        answer = limited(writes_per_minute=5).delete("/account")
        assert (answer.status_code, "GET" in answer["Allow"], rate(answer)[1]) == (405, True, "4")


class TestTheAccountsLimit:
    def test_holds_for_each_key_without_one_of_its_own(self, acme, limited):
        acme.account.reads_per_minute = 5
        acme.account.save(update_fields=["reads_per_minute"])
        assert [rate(limited(**own).get("/account"))[:2] for own in ({}, {}, {"reads_per_minute": 9})] == [
            ("5", "4"),
            ("5", "4"),
            ("9", "8"),
        ]


class TestAKeyWithoutALimit:
    def test_is_told_nothing(self, api):
        assert rate(api.get("/account")) == (None, None, None)

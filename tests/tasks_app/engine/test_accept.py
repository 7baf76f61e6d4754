"""Accepting: from an order to a row, its credits held."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from providers.models import PublicModel
from tasks_app.engine import accept
from tasks_app.models import Task
from tests.cast import START, forget_rows
from tests.tasks_app.test_inputs import MEDIA, makes, uploads

IMAGE = "darkroom/plasma-image"


def one(member, **more):
    return accept.one(member.id, member.order(IMAGE, **more), now=START)


def refusal(member, **more) -> accept.Problem:
    with pytest.raises(accept.Problem) as refused:
        one(member, **more)
    return refused.value


class TestAnOrder:
    def test_holds_its_price_and_waits_in_its_models_lane(self, acme, plasma):
        task = one(acme, n=2).task
        assert (task.status, task.lane, task.hold, acme.held, acme.active) == ("queued", IMAGE, 6, 6, 1)

    def test_without_credits_leaves_no_row(self, zero, plasma):
        assert (refusal(zero).status, Task.objects.count()) == (402, 0)

    def test_for_a_model_that_is_switched_off_is_refused_as_for_one_that_never_was(self, acme, plasma):
        PublicModel.objects.filter(name=IMAGE).update(is_enabled=False)
        forget_rows()
        assert refusal(acme).errors[0]["field"] == "model"

    def test_that_does_not_fit_the_schema_names_the_field(self, acme, plasma):
        assert refusal(acme, n=9).errors[0]["field"] == "n"


class TestAnIdempotencyKey:
    def test_gives_the_same_task_for_the_same_body_and_holds_once(self, acme, plasma):
        first, again = (one(acme, idempotency_key="k", request_hash=b"a") for _ in range(2))
        assert (again.replayed, again.task.id, acme.held) == (True, first.task.id, 3)

    def test_refuses_another_body(self, acme, plasma):
        one(acme, idempotency_key="k", request_hash=b"a")
        assert refusal(acme, idempotency_key="k", request_hash=b"b").code == "idempotency_key_reused"

    def test_is_the_accounts_own(self, acme, bolt, plasma):
        one(acme, idempotency_key="k", request_hash=b"a")
        assert not one(bolt, idempotency_key="k", request_hash=b"b").replayed

    def test_is_compared_to_the_letter(self, acme, plasma):
        one(acme, idempotency_key="k-a", request_hash=b"a")
        assert not one(acme, idempotency_key="K-A", request_hash=b"b").replayed


class TestABatch:
    def test_is_accepted_until_the_credits_end(self, member, plasma):
        small = member("small", credits=7)
        answers = accept.many(small.id, [small.order(IMAGE) for _ in range(4)], now=START)
        assert [isinstance(answer, accept.Accepted) for answer in answers] == [True, True, False, False]
        assert (small.held, Task.objects.count()) == (6, 2)

    def test_one_bad_item_harms_no_other(self, acme, plasma):
        answers = accept.many(acme.id, [acme.order(IMAGE), acme.order("no/model"), acme.order(IMAGE)], now=START)
        assert [type(answer) for answer in answers] == [accept.Accepted, accept.Problem, accept.Accepted]

    def test_a_key_named_twice_makes_one_task(self, acme, plasma):
        orders = [acme.order(IMAGE, idempotency_key="k", request_hash=b"a") for _ in range(2)]
        first, second = accept.many(acme.id, orders, now=START)
        assert (second.replayed, second.task.id) == (True, first.task.id)

    def test_costs_the_same_number_of_queries_whatever_its_length(self, acme, plasma, django_assert_num_queries):
        accept.many(acme.id, [acme.order(IMAGE)], now=START)
        with django_assert_num_queries(5):  # the account's lock, the rows, the account; and the test's savepoint
            accept.many(acme.id, [acme.order(IMAGE) for _ in range(20)], now=START)


class TestABatchWithReferences:
    """Files and outputs as inputs, looked up for all of the batch together."""

    @pytest.fixture
    def stitch(self, plasma):
        schema = {"type": "object", "additionalProperties": False, "properties": {"images": {"type": "array", "items": MEDIA}}}
        PublicModel.objects.create(name="darkroom/stitch", kind="image.stitch", title="stitch", input_schema=schema)
        forget_rows()
        return lambda *images: accept.Order(model="darkroom/stitch", input={"images": list(images)})

    @pytest.mark.parametrize("length", [2, 50])
    def test_is_looked_up_in_two_queries_whatever_its_length(self, acme, stitch, length):
        orders = [stitch(uploads(acme)[1], f"{makes(acme)[1]}/0") for _ in range(length)]
        with CaptureQueriesContext(connection) as queries:
            answers = accept.many(acme.id, orders, now=START)
        assert [type(answer) for answer in answers] == length * [accept.Accepted]
        read = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
        assert len(read) == 2 + 2  # and the catalogue's rows and the account's lock, as for any batch

    def test_refuses_each_item_as_it_would_be_refused_alone(self, acme, bolt, stitch):
        (_, mine), (_, task) = uploads(acme), makes(acme)
        orders = [
            stitch(mine, uploads(bolt)[1]),
            stitch(f"{task}/0", f"{task}/1"),
            stitch(f"{makes(bolt)[1]}/0"),
            stitch("cat.png", "http://example.com/a"),
            accept.Order(model="darkroom/stitch", input={"images": mine}),
        ]
        batch = accept.many(acme.id, orders, now=START)
        assert [problem.errors for problem in batch] == [self.alone(acme, order) for order in orders]
        assert all(problem.errors for problem in batch)

    def alone(self, member, order):
        with pytest.raises(accept.Problem) as refused:
            accept.one(member.id, order, now=START)
        return refused.value.errors

"""A body becomes an order, or a problem that names what is wrong with it."""

import pytest

from tasks_app.api import orders
from tasks_app.engine.accept import Order, Problem

GIVEN = {"model": "darkroom/plasma-image", "input": {"prompt": "a red fox"}}


def faults(body, **more) -> dict[str, str]:
    with pytest.raises(Problem) as refused:
        orders.one(body, key=more.get("key"))
    assert (refused.value.status, refused.value.code) == (422, "invalid_request")
    return {error["field"]: error["message"] for error in refused.value.errors}


class TestABodyThatIsRight:
    def test_becomes_an_order_with_all_that_it_says(self):
        body = GIVEN | {"metadata": {"album": "42"}, "priority": "low", "expires_in": 600, "end_user": "ann"}
        order = orders.one(body, key="k-1")
        assert (order.model, order.input, order.metadata) == (GIVEN["model"], GIVEN["input"], {"album": "42"})
        assert (order.priority, order.expires_in, order.end_user, order.idempotency_key) == ("low", 600, "ann", "k-1")

    def test_hashes_alike_however_its_keys_are_ordered(self):
        turned = {"input": {"prompt": "a red fox"}, "model": GIVEN["model"]}
        assert orders.one(turned, key=None).request_hash == orders.one(GIVEN, key=None).request_hash

    def test_hashes_otherwise_when_anything_in_it_differs(self):
        hashes = {orders.one(GIVEN | more, key=None).request_hash for more in ({}, {"priority": "low"}, {"input": {"prompt": "a fox"}})}
        assert len(hashes) == 3

    def test_says_where_to_tell_what(self):
        webhook = {"webhook_url": "https://example.com/" + "a" * 2028, "webhook_events": ["task.started", "task.expired"]}
        order = orders.one(GIVEN | webhook, key=None)
        assert {"webhook_url": order.webhook_url, "webhook_events": order.webhook_events} == webhook

    def test_may_take_every_bound_to_its_end(self):
        metadata = {str(number).rjust(64, "k"): "x" * 500 for number in range(16)}
        assert orders.one(GIVEN | {"metadata": metadata, "expires_in": 604_800, "end_user": "u" * 128}, key="~" * 255)

    def test_takes_a_whole_number_written_with_a_fraction(self):
        assert orders.one(GIVEN | {"expires_in": 600.0}, key=None).expires_in == 600


class TestABodyThatIsWrong:
    @pytest.mark.parametrize(
        ("part", "field"),
        [
            ({"callback_url": "https://example.com"}, "callback_url"),
            ({"model": 5}, "model"),
            ({"model": ""}, "model"),
            ({"model": "m" * 65}, "model"),
            ({"input": "a red fox"}, "input"),
            ({"input": None}, "input"),
            ({"metadata": []}, "metadata"),
            ({"metadata": {str(number): "" for number in range(17)}}, "metadata"),
            ({"metadata": {"album": 42}}, "metadata.album"),
            ({"metadata": {"album": "x" * 501}}, "metadata.album"),
            ({"metadata": {'a"b': "x"}}, 'metadata.a"b'),
            ({"metadata": {"": "x"}}, "metadata."),
            ({"priority": "high"}, "priority"),
            ({"priority": ["low"]}, "priority"),
            ({"expires_in": 9}, "expires_in"),
            ({"expires_in": 604_801}, "expires_in"),
            ({"expires_in": True}, "expires_in"),
            ({"expires_in": 10.5}, "expires_in"),
            ({"expires_in": "600"}, "expires_in"),
            ({"end_user": 7}, "end_user"),
            ({"end_user": "u" * 129}, "end_user"),
            ({"webhook_url": 7}, "webhook_url"),
            ({"webhook_url": ""}, "webhook_url"),
            ({"webhook_url": "http://example.com/"}, "webhook_url"),
            ({"webhook_url": "https://user:word@example.com/"}, "webhook_url"),
            ({"webhook_url": "https://example.com:8443/"}, "webhook_url"),
            ({"webhook_url": "https://10.0.0.1/"}, "webhook_url"),
            ({"webhook_url": "https://example.com/" + "a" * 2029}, "webhook_url"),
            ({"webhook_events": ["task.failed"]}, "webhook_events"),
            *(
                ({"webhook_url": "https://example.com/", "webhook_events": events}, "webhook_events")
                for events in (
                    [],
                    "task.failed",
                    None,
                    ["task.paused"],
                    ["task.failed", "task.failed"],
                    [["task.failed"]],
                    ["webhook.test"],
                )
            ),
        ],
    )
    def test_is_refused_by_the_name_of_the_field(self, part, field):
        assert list(faults(GIVEN | part)) == [field]

    def test_hears_of_all_its_faults_at_once(self):
        assert set(faults({"priority": "high", "colour": 1})) == {"model", "input", "priority", "colour"}

    @pytest.mark.parametrize("body", [None, [], "text", 5, [GIVEN]])
    def test_must_be_an_object(self, body):
        assert faults(body) == {"": "the body must be a JSON object"}


class TestTheIdempotencyKey:
    @pytest.mark.parametrize("key", ["", "x" * 256, "sp\u00e4t", "line\nbreak", " k", "k ", "\x00"])
    def test_is_refused_where_it_is_not_plain(self, key):
        assert list(faults(GIVEN, key=key)) == ["Idempotency-Key"]

    @pytest.mark.parametrize("key", ["k", "order 7, picture 2", "~" * 255])
    def test_is_taken_where_it_is(self, key):
        assert orders.one(GIVEN, key=key).idempotency_key == key


class TestABatch:
    def test_refuses_each_task_alone(self):
        first, second, third = orders.many({"tasks": [GIVEN, {"model": 5}, GIVEN | {"idempotency_key": "b"}]})
        assert isinstance(first, Order)
        assert [error["field"] for error in second.errors] == ["input", "model"]
        assert third.idempotency_key == "b"

    def test_hashes_a_task_as_if_it_came_alone_with_the_key_as_a_header(self):
        (order,) = orders.many({"tasks": [GIVEN | {"idempotency_key": "b"}]})
        assert order == orders.one(GIVEN, key="b")

    @pytest.mark.parametrize("item", [None, "text", [], GIVEN | {"idempotency_key": 5}, GIVEN | {"idempotency_key": ""}])
    def test_bears_an_item_that_is_no_task(self, item):
        (problem,) = orders.many({"tasks": [item]})
        assert problem.code == "invalid_request"

    @pytest.mark.parametrize(
        ("body", "field"),
        [({}, "tasks"), ({"tasks": GIVEN}, "tasks"), ({"tasks": []}, "tasks"), ({"tasks": [GIVEN] * 1001}, "tasks"), ([], "")],
    )
    def test_must_hold_one_to_a_thousand_tasks(self, body, field):
        with pytest.raises(Problem) as refused:
            orders.many(body)
        assert [error["field"] for error in refused.value.errors] == [field]


class TestACallWithoutABody:
    def test_names_what_was_sent_all_the_same(self):
        with pytest.raises(Problem) as refused:
            orders.nothing({"reason": "changed my mind"})
        assert [error["field"] for error in refused.value.errors] == ["reason"]

    @pytest.mark.parametrize("body", [None, {}])
    def test_may_send_an_empty_object(self, body):
        orders.nothing(body)

"""What is queued when something happens to a task, and what that costs those who do not listen."""

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app import ids
from tasks_app.engine import claims, lifecycle
from tasks_app.engine.decisions import Move, StoredOutput
from tasks_app.models import Delivery, Output, Task, WebhookEndpoint, WebhookSecret
from tasks_app.webhooks import endpoints, events, payload
from tests.cast import START
from tests.upstreams import fail

from .conftest import IMAGE

URL = "https://hooks.example.com/darkroom?for=42"


def told() -> list[tuple[str, int]]:
    return list(Delivery.objects.order_by("id").values_list("type", "sequence"))


def said(delivery: Delivery) -> dict:
    return orjson.loads(delivery.payload)


class TestTheEndOfATask:
    def test_is_queued_for_each_endpoint_of_its_account_and_no_other(self, acme, bolt, listens, ends):
        first, second, theirs = listens(acme, "/a"), listens(acme, "/b"), listens(bolt, "/c")
        ends(acme)
        assert [len(one.deliveries) for one in (first, second, theirs)] == [1, 1, 0]
        assert set(told()) == {("task.canceled", 2)}

    def test_is_queued_in_the_very_transaction_that_ends_it(self, acme, listens, plasma, clock):
        listens(acme)
        task = claims.read(acme.submits(IMAGE).id)
        stolen = claims.Claimed({**task.row, "lease_token": 5}, task.taken)
        lifecycle.advance([lifecycle.Step(stolen, Move("failed"))], now=clock())
        assert told() == []
        lifecycle.advance([lifecycle.Step(task, Move("failed"))], now=clock())
        assert told() == [("task.failed", 2)]

    def test_goes_to_no_endpoint_that_is_disabled_or_did_not_ask_for_it(self, acme, listens, ends, clock):
        endpoints.change(listens(acme, "/a").endpoint, enabled=False, now=clock())
        listens(acme, "/b", wants=["task.succeeded"])
        ends(acme)
        assert told() == []

    @pytest.mark.parametrize(("fate", "type"), [((), "task.succeeded"), ((fail(),), "task.failed")])
    def test_of_every_kind_comes_once(self, acme, listens, plasma, road, fate, type):
        listens(acme, wants=events.EVENTS)
        plasma.will(*fate)
        acme.submits(IMAGE)
        road.runs_dry()
        assert told() == [("task.started", 1), (type, 2)]

    def test_by_its_deadline_comes_as_well(self, acme, listens, plasma, road):
        listens(acme)
        plasma.manual = True
        acme.submits(IMAGE, expires_in=60)
        road.runs_dry()
        assert told() == [("task.expired", 2)]


class TestTheStartOfATask:
    def test_is_told_on_request_only(self, acme, listens, plasma, road):
        plasma.manual = True
        listens(acme)
        acme.submits(IMAGE)
        road.submits()
        assert told() == []

    def test_is_told_once_when_an_upstream_has_it(self, acme, listens, plasma, road):
        plasma.manual = True
        listens(acme, wants=["task.started"])
        acme.submits(IMAGE)
        road.submits()
        plasma.finish()
        road.runs_dry()
        assert told() == [("task.started", 1)]

    def test_is_told_once_of_one_that_was_cut_off_and_begun_anew(self, acme, listens, plasma, road):
        listens(acme, wants=events.EVENTS)
        plasma.will(fail("interrupted"))
        acme.submits(IMAGE)
        road.runs_dry()
        assert told() == [("task.started", 1), ("task.succeeded", 2)]

    def test_is_told_of_one_that_is_done_in_the_very_answer(self, acme, listens, plasma, road):
        plasma.instant = True
        listens(acme, wants=events.EVENTS)
        acme.submits(IMAGE)
        road.runs_dry()
        assert told() == [("task.started", 1), ("task.succeeded", 2)]


class TestAUrlThatCameWithATask:
    def test_is_told_of_that_task_alone(self, acme, ends):
        ends(acme)
        task = ends(acme, webhook_url=URL)
        (delivery,) = Delivery.objects.all()
        assert (delivery.task_id, delivery.endpoint_id, delivery.url, delivery.type) == (task.id, None, URL, "task.canceled")

    def test_is_told_of_what_it_asked_for(self, acme, plasma, road):
        acme.submits(IMAGE, webhook_url=URL, webhook_events=["task.started"])
        road.runs_dry()
        assert told() == [("task.started", 1)]

    def test_comes_beside_the_accounts_endpoints(self, acme, listens, ends):
        listens(acme)
        ends(acme, webhook_url=URL)
        assert len(told()) == 2

    def test_shares_a_lane_with_its_accounts_others_on_that_host_and_with_no_one_elses(self, acme, bolt, ends):
        for member, url in ((acme, URL), (acme, "https://hooks.example.com/other"), (bolt, URL)):
            ends(member, webhook_url=url)
        lanes = {f"{member.id}@hooks.example.com:443" for member in (acme, bolt)}
        assert set(Delivery.objects.values_list("lane", flat=True)) == lanes

    def test_may_have_a_host_of_any_length(self, acme, ends):
        ends(acme, webhook_url=f"https://{'a.' * 900}example.com/")
        assert len(Delivery.objects.get().lane) == 200


class TestAPayload:
    @pytest.fixture
    def done(self, acme, listens, plasma, road) -> Task:
        listens(acme)
        task = acme.submits(IMAGE, n=2, metadata={"album": "42"})
        road.runs_dry()
        return task

    def test_says_what_happened_when_and_in_which_place(self, done):
        (delivery,) = Delivery.objects.all()
        event = said(delivery)
        assert set(event) == {"id", "type", "timestamp", "sequence", "left_out", "data"}
        assert (event["id"], event["type"], event["sequence"]) == (ids.shown("whd", delivery.id), "task.succeeded", 2)
        assert event["left_out"] == []
        assert event["timestamp"].endswith("Z")

    def test_carries_the_task_as_the_api_shows_it(self, done, acme):
        from tests.tasks_app.api.conftest import Api, shown

        shown_by_the_api = Api(acme.key).get(f"/tasks/{shown(done)}").json()
        assert said(Delivery.objects.get())["data"] == shown_by_the_api
        assert [output["sha256"] for output in shown_by_the_api["outputs"]] == hashes(done)

    def test_leaves_out_an_input_that_makes_it_too_long_and_says_so(self, acme, listens, ends):
        listens(acme)
        ends(acme, prompt="fox " * 10_000)
        delivery = Delivery.objects.get()
        event = said(delivery)
        assert (event["left_out"], "input" in event["data"], event["data"]["status"]) == (["input"], False, "canceled")
        assert len(delivery.payload.encode()) <= payload.MOST_BYTES

    def test_is_never_too_long_whatever_a_task_carries(self, acme, listens, plasma, road, clock):
        listens(acme)
        task = acme.submits(IMAGE, prompt="狐" * 20_000, metadata={f"{n:064}": "狐" * 500 for n in range(16)})
        road.submits()
        Task.objects.filter(id=task.id).update(warnings=["狐" * 500] * 50, error_code="refused", error_message="狐" * 500)
        move = Move("storing", due_at=clock())
        lifecycle.advance([lifecycle.Step(claims.read(task.id), move)], now=clock())
        output = StoredOutput(type="image", content_type="image/png", bytes=1, sha256="0" * 64, key="outputs/x/0")
        lifecycle.advance([lifecycle.Step(claims.read(task.id), Move("succeeded", outputs=(output,) * 200))], now=clock())
        delivery = Delivery.objects.get()
        assert len(delivery.payload.encode()) <= payload.MOST_BYTES
        assert said(delivery)["left_out"] == ["input", "metadata", "warnings", "outputs"]


def hashes(task: Task) -> list[str]:
    found = list(Output.objects.filter(task_id=task.id).order_by("position").values_list("sha256", flat=True))
    assert len(found) == 2
    return found


class TestTheLimitOfAPayload:
    def size(self, more: int = 0) -> dict:
        return {"input": "x" * (payload.MOST_BYTES - payload.ENVELOPE_BYTES - len('{"input":""}') + more)}

    def test_is_kept_to_the_byte(self):
        assert [payload.fitted(self.size(more))[1] for more in (0, 1)] == [[], ["input"]]

    def test_has_room_for_the_longest_envelope(self):
        data, _ = payload.fitted(self.size())
        longest = max(events.EVENTS, key=len)
        now = START.replace(microsecond=999_999)
        body = payload.written(ids.new(), longest, 2, data, list(payload.CAN_LEAVE_OUT), now=now)
        assert payload.MOST_BYTES - 100 < len(body) <= payload.MOST_BYTES


class TestWhatItCosts:
    def statements(self, acme, clock, count: int) -> list[str]:
        """Those of ending `count` tasks together."""
        rows = [claims.read(acme.submits(IMAGE).id) for _ in range(count)]
        with CaptureQueriesContext(connection) as queries:
            lifecycle.advance([lifecycle.Step(row, Move("canceled")) for row in rows], now=clock())
        return [query["sql"] for query in queries]

    @pytest.mark.parametrize("count", [1, 20])
    def test_those_who_do_not_listen_is_one_indexed_read_for_all_tasks_that_end_together(self, acme, plasma, clock, count):
        tables = (WebhookEndpoint._meta.db_table, WebhookSecret._meta.db_table, Delivery._meta.db_table)
        (one,) = [sql for sql in self.statements(acme, clock, count) if any(table in sql for table in tables)]
        assert one.startswith("SELECT")
        assert WebhookEndpoint._meta.db_table in one

    def test_those_who_do_is_two_statements_more(self, acme, listens, plasma, clock):
        deaf = len(self.statements(acme, clock, 20))
        listens(acme)
        assert len(self.statements(acme, clock, 20)) == deaf + 2  # the tasks as they are shown, and the deliveries
        assert Delivery.objects.count() == 20

"""Deliveries on the wire: signed, judged, kept, tried again, and never in each other's way."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from textwrap import dedent

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.utils import timezone
from standardwebhooks import WebhookVerificationError

from tasks_app import egress, ids
from tasks_app.engine import notify
from tasks_app.models import Delivery, WebhookEndpoint
from tasks_app.webhooks import claims, deliver, endpoints, events, keyring, lanes, outbox, verdict
from tasks_app.webhooks.lanes import Lanes
from tests.upstreams import answer, cut_before_answer, hang
from tests.upstreams.receiver import drip, raw, redirect, reply

from .conftest import IMAGE, verified, waiting


def only() -> Delivery:
    return Delivery.objects.get()


class TestADelivery:
    def test_is_one_post_that_the_official_library_verifies(self, acme, listens, ends, road, receiver, clock):
        listener = listens(acme)
        task = ends(acme)
        assert road.notifies() == 1
        (got,) = receiver.got
        event = verified(got, listener.secret, at=clock())
        assert (event["type"], event["data"]["id"]) == ("task.canceled", ids.shown("task", task.id))
        assert (got.path, got.headers["content-type"], got.id) == ("/hooks", "application/json", event["id"])

    def test_keeps_what_was_sent_and_what_was_answered(self, acme, listens, ends, road, receiver, clock):
        receiver.will(reply(202, "thank you"))
        listens(acme)
        ends(acme)
        road.notifies()
        kept = only()
        assert (kept.status, kept.answer_status, kept.answer_body, kept.reason) == ("delivered", 202, "thank you", "")
        assert (kept.payload.encode(), kept.url) == (receiver.got[0].body, f"{receiver.url}/hooks")
        assert (kept.tries, kept.tried_at, kept.finished_at, kept.due_at) == (1, clock(), clock(), None)

    def test_keeps_the_beginning_of_a_long_answer(self, acme, listens, ends, road, receiver):
        receiver.will(reply(500, "é" * 300_000))
        listens(acme)
        ends(acme)
        road.notifies()
        assert only().answer_body == "é" * (deliver.ANSWER_BYTES // 2)

    def test_goes_to_the_url_of_a_task_signed_with_the_accounts_own_secret(self, acme, bolt, ends, road, receiver, clock):
        ends(acme, webhook_url=f"{receiver.url}/once?for=42")
        road.notifies()
        (got,) = receiver.got
        verified(got, endpoints.account_ring(acme.id, now=clock()).secret, at=clock())
        with pytest.raises(WebhookVerificationError):
            verified(got, endpoints.account_ring(bolt.id, now=clock()).secret, at=clock())

    def test_follows_its_endpoint_when_that_moves(self, acme, listens, ends, road, receiver, clock):
        listener = listens(acme, "/old")
        ends(acme)
        endpoints.change(listener.endpoint, url=f"{receiver.url}/new", now=clock())
        road.notifies()
        assert ([got.path for got in receiver.got], only().url) == (["/new"], f"{receiver.url}/new")


class TestARotation:
    def test_is_noticed_by_no_one_who_holds_either_secret_for_a_day(self, acme, listens, ends, road, receiver, clock):
        listener = listens(acme)
        new = endpoints.rotate(listener.endpoint, now=clock()).secret
        ends(acme)
        road.notifies()
        for secret in (listener.secret, new):
            verified(receiver.got[0], secret, at=clock())
        clock.now += keyring.OVERLAP
        ends(acme)
        road.notifies()
        verified(receiver.got[1], new, at=clock())
        with pytest.raises(WebhookVerificationError):
            verified(receiver.got[1], listener.secret, at=clock())

    def test_of_the_accounts_own_secret_is_alike(self, acme, ends, road, receiver, clock):
        old, new = endpoints.account_ring(acme.id, now=clock()).secret, endpoints.rotate_account_secret(acme.id, now=clock()).secret
        ends(acme, webhook_url=receiver.url)
        road.notifies()
        for secret in (old, new):
            verified(receiver.got[0], secret, at=clock())

    def test_is_the_way_out_where_no_key_opens_the_old_secret_any_more(self, acme, listens, ends, road, receiver, clock, settings):
        listener = listens(acme)
        settings.SEALING_KEYS = [Fernet.generate_key().decode()]
        ring = endpoints.rotate(listener.endpoint, now=clock())
        assert ring.old is None
        ends(acme)
        road.notifies()
        verified(receiver.got[0], ring.secret, at=clock())

    def test_of_the_sealing_keys_that_lost_one_fails_what_it_signed_and_nothing_else(self, acme, listens, ends, road, receiver, settings):
        lost = listens(acme, "/lost")
        settings.SEALING_KEYS = [Fernet.generate_key().decode()]
        kept = listens(acme, "/kept")
        ends(acme)
        road.notifies()
        assert (lost.deliveries.get().reason, kept.deliveries.get().status) == ("fault", "delivered")
        assert WebhookEndpoint.objects.get(id=lost.endpoint.id).failing_since is None
        assert [got.path for got in receiver.got] == ["/kept"]


class TestAServerThatFails:
    @pytest.mark.parametrize(
        ("order", "reason", "status"),
        [
            (answer(500), "refused", 500),
            (answer(404), "refused", 404),
            (redirect("https://elsewhere.example/"), "redirected", 302),
            (cut_before_answer(), "no_answer", None),
        ],
        ids=["500", "404", "redirect", "cut"],
    )
    def test_is_tried_again_under_the_same_id_with_a_fresh_signature(
        self, acme, listens, ends, road, receiver, clock, order, reason, status
    ):
        receiver.will(order)
        listener = listens(acme)
        ends(acme)
        road.notifies()
        kept = only()
        assert (kept.status, kept.reason, kept.answer_status, kept.tries) == ("pending", reason, status, 1)
        clock.now = kept.due_at
        road.notifies()
        first, second = receiver.got
        assert (only().status, only().tries) == ("delivered", 2)
        assert (first.id, first.body) == (second.id, second.body)
        assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
        verified(second, listener.secret, at=clock())

    def test_is_asked_eight_times_by_the_schedule_and_then_given_up(self, acme, listens, ends, road, receiver, clock):
        receiver.always(answer(500), at="/hooks")
        listens(acme)
        ends(acme)
        waits = []
        while road.notifies() and only().status == "pending":
            waits.append((only().due_at - clock()) / timedelta(seconds=1))
            clock.now = only().due_at
        assert len(receiver.got) == 8
        assert waits == pytest.approx([10, 30, 120, 600, 3600, 21_600, 86_400], rel=verdict.JITTER)
        assert (only().status, only().reason, only().finished_at) == ("failed", "refused", clock())

    def test_is_left_alone_until_then(self, acme, listens, ends, road, receiver, clock):
        receiver.will(answer(500))
        listens(acme)
        ends(acme)
        road.notifies()
        clock.now = only().due_at - timedelta(milliseconds=1)
        assert road.notifies() == 0

    def test_is_given_the_time_that_it_asks_for(self, acme, listens, ends, road, receiver, clock):
        receiver.will(answer(429, retry_after=300))
        listens(acme)
        ends(acme)
        road.notifies()
        assert only().due_at == clock() + timedelta(seconds=300)

    def test_shows_where_its_redirect_would_have_led_and_nobody_goes_there(self, acme, listens, ends, road, receiver):
        receiver.will(redirect(f"{receiver.url}/inside"))
        listens(acme)
        ends(acme)
        road.notifies()
        assert f"{receiver.url}/inside" in only().message
        assert [got.path for got in receiver.got] == ["/hooks"]

    def test_may_answer_with_a_header_that_is_no_text(self, acme, listens, ends, road, receiver):
        receiver.will(raw(b"HTTP/1.1 302 Found\r\nLocation: /caf\xe9\r\nContent-Length: 0\r\n\r\n"))  # not UTF-8
        listens(acme)
        ends(acme)
        assert road.notifies() == 1
        assert (only().status, only().reason) == ("pending", "redirected")

    def test_has_answered_when_its_status_came_however_its_body_drips(self, acme, listens, ends, road, receiver):
        receiver.will(drip())
        listens(acme)
        ends(acme)
        started = time.monotonic()
        road.notifies()
        assert (only().status, only().answer_status) == ("delivered", 200)
        assert time.monotonic() - started < egress.ANSWER_WITHIN + 2

    def test_is_waited_for_fifteen_seconds_at_most(self):
        assert deliver.TIMEOUTS.total == 15
        assert claims.LEASE.total_seconds() >= 2 * deliver.TIMEOUTS.total


class TestAnAddressThatIsNotPublic:
    @pytest.mark.parametrize("url", ["https://localhost/hooks", "https://10.0.0.1/hooks", "https://[::1]/hooks", "http://127.0.0.1:9/"])
    def test_is_never_called_whether_the_url_or_the_name_server_leads_there(self, acme, listens, ends, road, url):
        listens(acme, url=url)
        ends(acme)
        road.notifies()
        assert (only().status, only().reason, only().answer_status) == ("pending", "not_allowed", None)

    def test_is_not_called_by_a_name_for_it_although_somebody_listens_there(self, acme, listens, ends, road, receiver):
        listens(acme, url=f"https://localhost:{receiver.port}/hooks")
        ends(acme)
        road.notifies()
        assert (only().reason, receiver.connections) == ("not_allowed", 0)


class TestAnEndpointThatIsGone:
    def test_is_disabled_by_its_410_and_what_waits_for_it_is_given_up(self, acme, listens, ends, road, receiver):
        receiver.will(answer(500), answer(410))
        listener = listens(acme)
        ends(acme)
        road.notifies()
        ends(acme)
        road.notifies()
        listener.endpoint.refresh_from_db()
        assert (listener.endpoint.is_enabled, "410" in listener.endpoint.disabled_reason) == (False, True)
        assert [(one.status, one.reason) for one in listener.deliveries] == [("failed", "endpoint_disabled"), ("failed", "gone")]
        ends(acme)
        assert len(listener.deliveries) == 2

    def test_harms_no_other_endpoint_of_the_account(self, acme, listens, ends, road, receiver):
        receiver.always(answer(410), at="/gone")
        listens(acme, "/gone")
        other = listens(acme, "/hooks")
        ends(acme)
        road.notifies()
        assert (other.deliveries.get().status, WebhookEndpoint.objects.get(id=other.endpoint.id).is_enabled) == ("delivered", True)

    def test_as_a_tasks_url_ends_what_that_task_would_have_told_it(self, acme, plasma, road, receiver):
        plasma.manual = True
        receiver.will(answer(410))
        acme.submits(IMAGE, webhook_url=receiver.url, webhook_events=list(events.EVENTS))
        road.submits()
        plasma.finish()
        road.runs_dry()
        road.notifies()
        assert list(Delivery.objects.order_by("sequence").values_list("status", "reason")) == [("failed", "gone"), ("failed", "gone")]
        assert len(receiver.got) == 1

    def test_because_it_was_deleted_is_told_nothing_more(self, acme, listens, ends, road, receiver, clock):
        listener = listens(acme)
        ends(acme)
        endpoints.delete(listener.endpoint, now=clock())
        assert (road.notifies(), receiver.connections) == (0, 0)
        assert (only().status, only().reason) == ("failed", "endpoint_deleted")

    def test_because_it_was_deleted_while_an_event_was_queued_is_told_nothing_either(self, acme, listens, ends, road, receiver):
        listener = listens(acme)
        ends(acme)
        WebhookEndpoint.objects.filter(id=listener.endpoint.id).delete()
        road.notifies()
        assert (only().status, only().reason, receiver.connections) == ("failed", "endpoint_deleted", 0)


class TestFiveDaysOfNothingButFailures:
    def fails_once_a_day(self, acme, ends, road, clock, days: int) -> None:
        for _ in range(days):
            ends(acme)
            road.notifies()
            clock.move(days=1)

    def test_count_for_what_was_on_its_way_as_well(self, acme, listens, ends, road, clock):
        listener = listens(acme)
        WebhookEndpoint.objects.update(failing_since=clock() - verdict.DEAF_FOR)
        ends(acme)
        ends(acme)
        first, second = deliver.take(10, Lanes(), now=clock())
        for sending in (first, second):
            deliver.land([(sending, verdict.Answered(500))], now=clock())
        assert [one.status for one in listener.deliveries] == ["failed", "failed"]

    def test_disable_the_endpoint_and_say_since_when(self, acme, listens, ends, road, receiver, clock):
        receiver.always(answer(500), at="/hooks")
        listener = listens(acme)
        self.fails_once_a_day(acme, ends, road, clock, 6)
        listener.endpoint.refresh_from_db()
        assert not listener.endpoint.is_enabled
        since, last = "Every delivery since 2026-03-01 12:00 UTC failed.", "The last one: It answered 500"
        assert listener.endpoint.disabled_reason.startswith(f"{since} {last}")
        assert not listener.deliveries.filter(status__in=claims.OPEN).exists()

    def test_that_are_four_do_not(self, acme, listens, ends, road, receiver, clock):
        receiver.always(answer(500), at="/hooks")
        listener = listens(acme)
        self.fails_once_a_day(acme, ends, road, clock, 5)
        listener.endpoint.refresh_from_db()
        assert listener.endpoint.is_enabled

    def test_with_one_success_among_them_do_not(self, acme, listens, ends, road, receiver, clock):
        receiver.always(answer(500), at="/hooks")
        listener = listens(acme)
        self.fails_once_a_day(acme, ends, road, clock, 3)
        receiver.always(None, at="/hooks")
        road.notifies()
        receiver.always(answer(500), at="/hooks")
        self.fails_once_a_day(acme, ends, road, clock, 4)
        listener.endpoint.refresh_from_db()
        assert listener.endpoint.is_enabled


class TestOrder:
    @pytest.fixture
    def two_events(self, acme, listens, plasma, road, receiver):
        """A task that started and succeeded, none of it delivered yet."""
        listener = listens(acme, wants=events.EVENTS)
        acme.submits(IMAGE)
        road.runs_dry()
        return listener

    def types(self, receiver) -> list[str]:
        return [got.json["type"] for got in receiver.got]

    def test_is_kept_within_a_task(self, two_events, road, receiver):
        assert road.notifies() == 2
        assert self.types(receiver) == ["task.started", "task.succeeded"]
        assert receiver.most_open == 1

    def test_makes_a_later_event_wait_until_an_earlier_one_is_delivered(self, two_events, road, receiver, clock):
        receiver.will(answer(500), answer(500))
        road.notifies()
        first, second = two_events.deliveries
        assert (first.status, second.status, second.tries) == ("pending", "pending", 0)
        clock.now = first.due_at
        road.notifies()
        assert self.types(receiver) == ["task.started", "task.started"]
        clock.now = two_events.deliveries.first().due_at
        road.notifies()
        assert self.types(receiver)[2:] == ["task.started", "task.succeeded"]

    def test_lets_a_later_event_go_as_soon_as_one_that_was_on_its_way_has_arrived(self, two_events, road, receiver, clock):
        (first,) = deliver.take(10, Lanes(), now=clock())
        assert road.notifies() == 0  # the later event has been looked at, and put off
        deliver.land([(first, verdict.Answered(204))], now=clock())
        assert road.notifies() == 1
        assert self.types(receiver) == ["task.succeeded"]

    def test_lets_a_later_event_go_when_an_earlier_one_is_given_up(self, two_events, road, receiver, clock):
        receiver.will(answer(500), times=verdict.TRIES)
        while road.notifies():
            if (due_at := two_events.deliveries.first().due_at) is None:
                break
            clock.now = due_at
        assert [one.status for one in two_events.deliveries] == ["failed", "delivered"]

    def test_holds_up_no_other_task_and_no_other_endpoint(self, two_events, acme, listens, road, receiver, ends, plasma):
        receiver.will(answer(500))
        road.notifies()
        other = listens(acme, "/other", wants=events.EVENTS)
        acme.submits(IMAGE)
        road.runs_dry()
        road.notifies()
        assert [one.status for one in other.deliveries] == ["delivered", "delivered"]
        assert [one.status for one in two_events.deliveries] == ["pending", "pending", "delivered", "delivered"]

    def test_finds_what_is_free_behind_any_number_of_events_that_wait(self, acme, listens, plasma, road, receiver, clock, ends):
        listener = listens(acme, wants=events.EVENTS)
        for _ in range(claims.LOOK_AT + 5):
            acme.submits(IMAGE)
        road.runs_dry()
        Delivery.objects.filter(type="task.started").update(due_at=clock() + timedelta(hours=1))
        free = ends(acme)
        for _ in range(3):  # looks, at twenty rows each
            road.notifies()
        assert [got.json["data"]["id"] for got in receiver.got] == [ids.shown("task", free.id)]
        assert listener.deliveries.filter(status="pending", due_at__lte=clock()).count() == 0


@pytest.mark.django_db(transaction=True)
class TestIsolation:
    """Time is the real one here: what is asked is who waits for whom, and a call that hangs takes 15 s."""

    USUAL_S = 10.0  # far more than 120 deliveries take, on a machine that others use too; by looks each 0.5 s it would be 15

    @contextmanager
    def notifying(self, road, receiver):
        """The pump in a thread of its own, until the block ends; what hangs then is cut."""

        def run():
            try:
                road.notifies()
            finally:
                connection.close()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield
        receiver.let_go()
        thread.join(20)
        assert not thread.is_alive()

    def test_an_endpoint_that_hangs_delays_no_other(self, acme, bolt, listens, road, receiver):
        receiver.always(hang(), at="/dead")
        for member, path in ((acme, "/dead"), (acme, "/alive"), (bolt, "/theirs")):
            endpoint = listens(member, path).endpoint
            waiting(member.id, lanes.of_endpoint(member.id, endpoint.id), 60, endpoint_id=endpoint.id)
        with self.notifying(road, receiver):
            receiver.wait_until(lambda it: len(it.at("/alive")) == len(it.at("/theirs")) == 60, timeout=self.USUAL_S)
            assert len(receiver.at("/dead")) == claims.PER_LANE

    def test_an_account_whose_every_host_hangs_keeps_a_quarter_of_the_window(self, acme, bolt, road, receiver, settings):
        settings.NOTIFY_WINDOW = 20
        receiver.always(hang(), at="/dead")
        for number in range(60):
            waiting(acme.id, f"{acme.id}@host-{number}:443", 1, url=f"{receiver.url}/dead")
        waiting(bolt.id, f"{bolt.id}@theirs:443", 1, url=f"{receiver.url}/theirs")
        with self.notifying(road, receiver):
            receiver.wait_until(lambda it: it.at("/theirs") and len(it.at("/dead")) == 5, timeout=self.USUAL_S)
            assert receiver.most_open <= 6

    def test_endpoints_that_hang_delay_no_other_of_their_account_though_they_have_all_its_share(
        self, acme, listens, road, receiver, settings
    ):
        settings.NOTIFY_WINDOW = 20
        for path in (*(f"/dead-{number}" for number in range(7)), "/alive"):
            if path != "/alive":
                receiver.always(hang(), at=path)
            endpoint = listens(acme, path).endpoint
            waiting(acme.id, lanes.of_endpoint(acme.id, endpoint.id), 10, endpoint_id=endpoint.id)
        with self.notifying(road, receiver):
            receiver.wait_until(lambda it: len(it.at("/alive")) == 10, timeout=self.USUAL_S)

    def test_an_endpoint_that_answers_has_more_calls_open_until_it_does_not(self, acme, listens, road, receiver):
        receiver.will(reply(204), times=6)
        receiver.will(hang(), times=60)
        endpoint = listens(acme, "/hooks").endpoint
        waiting(acme.id, lane := lanes.of_endpoint(acme.id, endpoint.id), 60, endpoint_id=endpoint.id)
        with self.notifying(road, receiver):
            most = claims.PER_LANE * lanes.MOST_TRUST
            receiver.wait_until(lambda it: it.open == most, timeout=self.USUAL_S)
        assert notify.lanes.trust(lane) == 1

    def test_calls_that_hang_take_no_room_from_others_however_many(self, acme, bolt, road, receiver, settings):
        settings.NOTIFY_WINDOW = 4 * notify.pump.window  # so that one account may fill the window
        receiver.always(hang(), at="/dead")
        for number in range(notify.pump.window):
            waiting(acme.id, f"{acme.id}@host-{number}:443", 1, url=f"{receiver.url}/dead")
        with self.notifying(road, receiver):
            receiver.wait_until(lambda it: len(it.at("/dead")) == notify.pump.window, timeout=self.USUAL_S)
            waiting(bolt.id, f"{bolt.id}@theirs:443", 1, url=f"{receiver.url}/theirs")
            receiver.wait_until(lambda it: it.at("/theirs"), timeout=self.USUAL_S)


class TestAWorkerThatDies:
    def test_leaves_a_delivery_that_is_made_again_when_its_lease_ends_under_the_same_id(self, acme, listens, ends, road, receiver, clock):
        listener = listens(acme)
        ends(acme)
        (dead,) = claims.take(10, Lanes(), per_account=10, now=clock())
        assert road.notifies() == 0
        clock.now += claims.LEASE
        assert road.notifies() == 1
        assert (only().status, only().tries, receiver.got[0].id) == ("delivered", 2, ids.shown("whd", dead.id))
        verified(receiver.got[0], listener.secret, at=clock())

    def test_writes_nothing_when_it_was_only_paused(self, acme, listens, ends, road, receiver, clock):
        receiver.will(answer(500))
        listens(acme)
        ends(acme)
        paused = deliver.take(10, Lanes(), now=clock())
        clock.now += claims.LEASE
        (current,) = deliver.take(10, Lanes(), now=clock())
        deliver.land([(paused[0], verdict.Answered(204))], now=clock())
        assert (only().status, claims.extend(paused, now=clock())) == ("sending", 0)
        deliver.land([(current, verdict.Answered(204))], now=clock())
        assert only().status == "delivered"

    def test_again_and_again_ends_the_delivery(self, acme, listens, ends, road, receiver, clock):
        listens(acme)
        ends(acme)
        for _ in range(verdict.TRIES):
            assert len(claims.take(10, Lanes(), per_account=10, now=clock())) == 1
            clock.now += claims.LEASE
        assert (road.notifies(), receiver.connections) == (0, 0)
        assert (only().status, only().reason) == ("failed", "fault")

    def test_that_stopped_in_order_gives_back_what_it_held_and_no_try_is_counted(self, acme, listens, ends, road, receiver, clock):
        listens(acme)
        ends(acme)
        claims.give_back(claims.take(10, Lanes(), per_account=10, now=clock()), now=clock())
        assert road.notifies() == 1
        assert only().tries == 1

    @pytest.mark.django_db(transaction=True)
    def test_by_kill_in_mid_call_has_its_delivery_made_again_under_the_same_id(self, acme, listens, plasma, road, receiver, clock):
        if connection.vendor != "mysql":
            pytest.skip("the test's SQLite database lives in this process alone")
        listener = listens(acme)
        acme.cancels(acme.submits(IMAGE))
        receiver.will(hang())
        worker = a_worker_that_notifies(receiver.port)
        try:
            receiver.wait_until(lambda it: len(it.got) == 1, timeout=60)
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait(10)
        assert only().status == "sending"
        clock.now = timezone.now() + claims.LEASE + timedelta(seconds=1)
        assert road.notifies() == 1
        first, second = receiver.got
        assert (first.id, first.body, only().status) == (second.id, second.body, "delivered")
        verified(second, listener.secret, at=clock())


def a_worker_that_notifies(port: int) -> subprocess.Popen:
    """A process of its own that runs the step once, on this test's database."""
    code = """
        import django
        django.setup()
        from tasks_app.engine import notify
        from tasks_app.engine.clock import database_clock
        notify.run(clock=database_clock)
    """
    name = connection.settings_dict
    url = f"mysql://{name['USER']}:{name['PASSWORD']}@{name['HOST']}:{name['PORT']}/{name['NAME']}"
    environment = os.environ | {"DATABASE_URL": url, "EGRESS_ALLOW": f"127.0.0.1:{port}", "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.Popen([sys.executable, "-c", dedent(code)], env=environment)


class TestAReplay:
    def test_sends_the_same_event_again_under_the_same_id(self, acme, listens, ends, road, receiver, clock):
        listener = listens(acme)
        ends(acme)
        road.notifies()
        clock.move(hours=1)
        outbox.replay(only(), now=clock())
        road.notifies()
        first, second = receiver.got
        assert (first.id, first.body) == (second.id, second.body)
        verified(second, listener.secret, at=clock())
        assert (only().status, only().tries) == ("delivered", 1)

    def test_has_as_many_tries_as_the_first_time(self, acme, listens, ends, road, receiver, clock):
        listens(acme)
        ends(acme)
        Delivery.objects.update(status="failed", tries=verdict.TRIES, due_at=None)
        receiver.will(answer(500))
        outbox.replay(only(), now=clock())
        road.notifies()
        assert (only().status, only().tries) == ("pending", 1)

    def test_of_what_is_still_open_is_refused(self, acme, listens, ends, clock):
        listens(acme)
        ends(acme)
        with pytest.raises(outbox.StillOpen):
            outbox.replay(only(), now=clock())

    def test_of_what_went_to_a_deleted_endpoint_is_refused(self, acme, listens, ends, road, clock):
        listener = listens(acme)
        ends(acme)
        road.notifies()
        endpoints.delete(listener.endpoint, now=clock())
        with pytest.raises(outbox.EndpointGone):
            outbox.replay(only(), now=clock())

    def test_to_a_disabled_endpoint_is_one_try_and_enables_nothing(self, acme, listens, ends, road, receiver, clock):
        listener = listens(acme)
        ends(acme)
        endpoints.change(listener.endpoint, enabled=False, now=clock())
        assert (only().status, only().reason) == ("failed", "endpoint_disabled")
        receiver.will(answer(500))
        outbox.replay(only(), now=clock())
        road.notifies()
        assert (only().status, only().reason) == ("failed", "refused")
        outbox.replay(only(), now=clock())
        road.notifies()
        listener.endpoint.refresh_from_db()
        assert (only().status, listener.endpoint.is_enabled) == ("delivered", False)


class TestATestEvent:
    def test_is_signed_like_any_other_and_says_that_it_is_one(self, acme, listens, road, receiver, clock):
        listener = listens(acme, wants=["task.succeeded"])
        outbox.test(listener.endpoint, now=clock())
        road.notifies()
        event = verified(receiver.got[0], listener.secret, at=clock())
        assert (event["type"], event["sequence"], event["data"]["id"]) == (
            "webhook.test",
            0,
            ids.shown("whe", listener.endpoint.id),
        )


@pytest.mark.usefixtures("many_writers")
class TestManyWorkersAtOnce:
    def test_each_delivery_is_won_once(self, acme, listens, plasma, clock):
        listens(acme, url="https://hooks.example.com/")
        for _ in range(10):
            acme.cancels(acme.submits(IMAGE, webhook_url="https://other.example.com/"))
        won: list = []
        barrier = threading.Barrier(6)

        def work():
            barrier.wait()
            try:
                won.extend(one.id for one in claims.take(10, Lanes(), per_account=10, now=clock()))
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(won) == len(set(won)) >= 2 * claims.PER_LANE

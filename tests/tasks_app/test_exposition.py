"""/metrics: who may read it, and what stands there."""

from collections import defaultdict
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from providers import breakers
from providers.breaker import Call
from providers.errors import Unauthenticated, Unavailable
from providers.models import Provider
from tasks_app import exposition
from tasks_app.models import Audit, Process

TOKEN = "a-token-of-forty-characters-for-prometheus"


@pytest.fixture(autouse=True)
def afresh():
    exposition._figures.forget()
    yield
    exposition._figures.forget()


@pytest.fixture
def read(client, settings):
    """What stands at /metrics: {family name: {labels: value}}, labels as a sorted tuple of pairs."""
    settings.METRICS_TOKEN = TOKEN

    def get() -> dict:
        exposition._figures.forget()
        answer = client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
        assert answer.status_code == 200
        families = list(text_string_to_metric_families(answer.content.decode()))
        assert len({family.name for family in families}) == len(families)
        return by_name(one for family in families for one in family.samples)

    return get


def by_name(samples) -> dict[str, dict[tuple, float]]:
    found = defaultdict(dict)
    for one in samples:
        found[one.name][tuple(sorted(one.labels.items()))] = one.value
    return found


@pytest.mark.django_db
def test_streams_of_a_process_that_is_gone_are_no_more(read):
    now = timezone.now()
    for pid, age_s in ((1, 0), (2, 60)):
        seen_at = now - timedelta(seconds=age_s)
        samples = [["darkroom_streams", "darkroom_streams", {"kind": "task"}, 3]]
        Process.objects.create(kind="stream", host="a", pid=pid, samples=samples, started_at=seen_at, seen_at=seen_at)
    assert [dict(labels)["process"] for labels in read()["darkroom_streams"]] == ["stream@a:1"]


def total(page: dict, name: str, **labels: str) -> float:
    return sum(value for key, value in page.get(name, {}).items() if labels.items() <= dict(key).items())


@pytest.mark.django_db
class TestWhoMayRead:
    def test_with_a_token_only_who_has_it(self, client, settings):
        settings.METRICS_TOKEN = TOKEN
        assert client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}", REMOTE_ADDR="203.0.113.7").status_code == 200
        assert client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}x").status_code == 404
        assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer é").status_code == 404
        assert client.get("/metrics").status_code == 404

    @pytest.mark.parametrize(("peer", "status"), [("127.0.0.1", 200), ("::1", 200), ("", 200), ("10.0.0.7", 404), ("203.0.113.7", 404)])
    def test_without_one_only_this_machine(self, client, settings, peer, status):
        settings.METRICS_TOKEN = ""
        assert client.get("/metrics", REMOTE_ADDR=peer).status_code == status

    @pytest.mark.parametrize("header", ["X_FORWARDED_FOR", "X_REAL_IP", "FORWARDED", "VIA", "CF_CONNECTING_IP"])
    def test_without_one_nobody_who_comes_by_a_proxy_on_this_machine(self, client, settings, header):
        settings.METRICS_TOKEN, settings.CLIENT_ADDRESS_HEADER = "", "CF-Connecting-IP"
        assert client.get("/metrics", REMOTE_ADDR="127.0.0.1", **{f"HTTP_{header}": "203.0.113.7"}).status_code == 404

    @pytest.mark.parametrize(("client_address", "status"), [("127.0.0.1", 200), ("203.0.113.7", 404), ("not an address", 404)])
    def test_without_one_whoever_our_own_proxy_says_is_of_this_machine(self, client, settings, client_address, status):
        settings.METRICS_TOKEN, settings.CLIENT_ADDRESS_HEADER = "", "X-Real-IP"
        assert client.get("/metrics", REMOTE_ADDR="", HTTP_X_REAL_IP=client_address).status_code == status


class TestWhatIsCounted:
    def test_a_request_by_route_and_never_by_path(self, client, read, db):
        def count():
            return read().get("darkroom_http_request_duration_seconds_count", {})

        before = sum(count().values())
        client.get("/api/v1/tasks/task_01jzzzzzzzzzzzzzzzzzzzzzzz")
        client.get("/no/such/path")
        client.generic("BREW", "/healthz")
        after = count()
        assert sum(after.values()) - before >= 3
        labels = [dict(key) for key in after]
        assert {"other"} == {one["method"] for one in labels if one["route"] == "healthz" and one["method"] not in ("GET",)}
        assert not [one for one in labels if "task_01" in one["route"] or "/no/" in one["route"]]

    def test_answers_to_submits_calls_and_ends_of_tasks_once_they_are_committed(
        self, acme, plasma, road, read, django_capture_on_commit_callbacks
    ):
        def counts() -> list[float]:
            page = read()
            return [
                total(page, "darkroom_attempts_total", provider="plasma", outcome="accepted"),
                total(page, "darkroom_tasks_ended_total", model="darkroom/plasma-image", status="succeeded"),
                total(page, "darkroom_call_duration_seconds_count", step="store"),
            ]

        before = counts()
        acme.submits("darkroom/plasma-image")
        with django_capture_on_commit_callbacks(execute=True):
            road.runs_dry()
        assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 1, 1]

    def test_what_workers_reported(self, read, db):
        now = timezone.now()
        sample = ["darkroom_attempts", "darkroom_attempts_total", {"provider": "far", "outcome": "accepted"}, 7.0]
        worker = Process.objects.create(kind="worker", host="b", pid=2, queues=["poll"], samples=[sample], started_at=now, seen_at=now)
        page = read()
        key = (("outcome", "accepted"), ("process", str(worker)), ("provider", "far"))
        assert page["darkroom_attempts_total"][key] == 7
        assert page["darkroom_workers"] == {
            (("queue", name),): float(name == "poll") for name in ("submit", "poll", "store", "notify", "upkeep")
        }


class TestHowThingsStand:
    def test_is_told_of_the_road(self, acme, plasma, grit, road, read):
        Provider.objects.filter(name="plasma").update(max_jobs=2)
        acme.submits("darkroom/plasma-image")
        page = read()
        assert page["darkroom_tasks"][("status", "queued"),] == 1
        assert page["darkroom_queue_lag_seconds"][("lane", "darkroom/plasma-image"), ("step", "submit")] > 0
        assert page["darkroom_provider_slots"] == {(("provider", "plasma"),): 2}
        assert page["darkroom_provider_up"][("provider", "grit"),] == 1
        assert page["darkroom_database_up"] == {(): 1}

    def test_is_told_of_breakers_and_of_what_is_left_at_providers(self, plasma, grit, read):
        now, provider = timezone.now(), Provider.objects.get(name="grit")
        breakers.heard(provider.id, "submit", [Call(Unauthenticated(), now)], now=now)
        breakers.heard(provider.id, "poll", [Call(Unavailable(), now)], now=now)
        Provider.objects.filter(name="plasma").update(balance_days=2.5)
        page = read()
        assert page["darkroom_breaker_open"] == {
            (("door", "poll"), ("provider", "grit")): 0,
            (("door", "submit"), ("provider", "grit")): 1,
        }
        assert page["darkroom_provider_balance_days"] == {(("provider", "plasma"),): 2.5}

    def test_is_told_of_beat_and_of_the_books(self, read, db):
        assert "darkroom_beat_age_seconds" not in read()
        now = timezone.now()
        Process.objects.create(kind="beat", host="a", pid=1, started_at=now, seen_at=now - timedelta(seconds=40))
        Audit.objects.create(started_at=now, finished_at=now, accounts=1, tasks=1, is_whole=True, faults=3)
        page = read()
        assert 39 < page["darkroom_beat_age_seconds"][()] < 100  # the database's clock told by another's
        assert page["darkroom_ledger_faults"] == {(): 3}

    def test_is_read_once_in_a_few_seconds(self, client, settings, db):
        settings.METRICS_TOKEN = ""
        client.get("/metrics")
        with CaptureQueriesContext(connection) as asked:
            client.get("/metrics")
        assert len(asked) == 0

"""/healthz and /readyz: what a supervisor and a load balancer go by."""

import pytest
from django.db import connection

from tests.servers import free_port


class TestThisProcessLives:
    def test_healthz_asks_no_database(self, client, django_assert_num_queries):
        # No database mark: a query would fail the test.
        answer = client.get("/healthz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})

    def test_a_probe_by_address_is_answered_whatever_the_hosts_are(self, client, settings):
        from config.settings import ALLOWED_HOSTS

        assert {"127.0.0.1", "localhost"} <= set(ALLOWED_HOSTS)
        assert client.get("/healthz", HTTP_HOST="127.0.0.1:8000").status_code == 200


@pytest.mark.django_db
class TestReadiness:
    def test_with_everything_there_it_is_ready(self, client, settings, tmp_path):
        settings.STORAGE_DIR, settings.BROKER_DIR, settings.REDIS_URL = tmp_path / "storage", tmp_path / "broker", ""
        answer = client.get("/readyz")
        assert answer.status_code == 200
        assert answer.json() == {"status": "ready", "checks": {"database": "ok", "storage": "ok", "broker": "ok"}}

    def test_without_redis_it_is_degraded_and_still_ready(self, client, settings, tmp_path):
        settings.STORAGE_DIR, settings.REDIS_URL = tmp_path, f"redis://127.0.0.1:{free_port()}/0"
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["status"], answer.json()["checks"]["broker"]) == (200, "degraded", "failed")

    def test_without_storage_it_is_not_ready(self, client, settings, tmp_path):
        (tmp_path / "file").write_text("in the way of the folder")
        settings.STORAGE_DIR = tmp_path / "file"
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["status"], answer.json()["checks"]["storage"]) == (503, "unready", "failed")

    def test_a_probe_leaves_nothing_behind_in_the_storage(self, client, settings, tmp_path):
        settings.STORAGE_DIR = tmp_path
        client.get("/readyz")
        assert list(tmp_path.iterdir()) == []


class TestTheDatabaseIsGone:
    def test_it_is_not_ready(self, client, django_db_blocker, settings, tmp_path):
        settings.STORAGE_DIR = tmp_path
        # Without the database mark pytest-django refuses each query, as a server that is away would.
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "failed")
        assert connection.connection is None or not connection.in_atomic_block

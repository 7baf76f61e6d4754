"""gunicorn's workers count together, whichever of them is scraped, and across a recycling."""

import re
from pathlib import Path

import pytest

from tasks_app import counting
from tests.deploy.web import Gunicorn, wait_until

REQUESTS = 60


def answered(page: str) -> float:
    """Requests to /healthz that were counted."""
    found = re.findall(r'^darkroom_http_request_duration_seconds_count\{[^}]*route="healthz"[^}]*\} (\S+)$', page, re.MULTILINE)
    return sum(map(float, found))


def folders(web: Gunicorn) -> list[Path]:
    return list(counting.MEMORY.glob(f"{counting.PREFIX}{web.process.pid}-*"))


@pytest.fixture
def database(tmp_path):
    return f"sqlite:///{tmp_path}/empty.sqlite3"  # without a table: what was counted does not hang on it


def test_nothing_is_lost_where_workers_are_recycled_and_no_files_pile_up(database):
    with Gunicorn("config.wsgi", "--max-requests", "10", "--max-requests-jitter", "0", WEB_WORKERS="2", DATABASE_URL=database) as web:
        for _ in range(REQUESTS):
            assert web.get("/healthz")[0] == 200
        web.wait_for("Booting worker", count=6)
        wait_until(lambda: answered(web.get("/metrics")[1]) == REQUESTS, "every request is counted")
        (folder,) = folders(web)
        # Two workers, and as many again while they end beside their successors.
        assert len(list(folder.glob("histogram_*.db"))) <= 4
        assert "darkroom_database_up 0.0" in web.get("/metrics")[1]
    assert folders(web) == []


def test_the_folder_of_a_gunicorn_that_was_killed_is_cleared_by_the_next_one(database):
    with Gunicorn("config.wsgi", WEB_WORKERS="1", DATABASE_URL=database) as killed:
        killed.process.kill()
        killed.process.wait()
    assert len(folders(killed)) == 1
    with Gunicorn("config.wsgi", WEB_WORKERS="1", DATABASE_URL=database):
        assert folders(killed) == []

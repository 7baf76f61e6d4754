"""/metrics, `manage.py top` and the reports of processes, in a whole server."""

import json
import subprocess
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.journeys.faults.stage import wait_for
from tests.journeys.house import house

CARD = {"model": "darkroom/test-card-image", "input": {"prompt": "a red fox", "size": "64x64"}}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with house(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture(scope="module")
def task(home):
    """A task that was made from end to end."""
    key = home.manage("create_account", "acme", "--credits", "100").stdout.split()[-1]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with urlopen(Request(f"{home.web.url}/api/v1/tasks", json.dumps(CARD).encode(), headers), timeout=30) as answer:
        id = json.load(answer)["id"]
    assert wait_for(lambda: "succeeded" in home.sql("SELECT status FROM tasks_app_task"), within_s=120)
    return id


def page(home) -> dict[str, float]:
    """Each series of /metrics, summed over what is not told here."""
    with urlopen(f"{home.web.url}/metrics", timeout=20) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {f"{one.name}{sorted(one.labels.items())}": one.value for family in families for one in family.samples}


def total(found: dict[str, float], name: str, *words: str) -> float:
    return sum(value for key, value in found.items() if key.startswith(name) and all(word in key for word in words))


class TestAScrape:
    def test_tells_what_web_and_the_worker_counted_each_in_its_process(self, home, task):
        def both() -> bool:
            found = page(home)
            web = total(found, "darkroom_http_request_duration_seconds_count", "'api/v1/tasks'", "'201'", "web@")
            worker = total(found, "darkroom_attempts_total", "'accepted'", "worker@"), total(found, "darkroom_tasks_ended_total", "worker@")
            return (web, *worker) == (1, 1, 1)

        assert wait_for(both, within_s=60, every_s=1.0)

    def test_tells_who_runs_here(self, home):
        found = page(home)
        assert total(found, "darkroom_processes", "'web'") >= 3  # other tests may serve on this machine too
        assert all(total(found, "darkroom_memory_bytes", f"'{kind}'") > 10_000_000 for kind in ("web", "worker", "beat", "functions"))
        assert total(found, "darkroom_workers", "'upkeep'") == 1

    def test_without_the_database_tells_that_and_what_web_counted(self, home, task):
        home.mariadb.stop()
        try:
            # What was read a moment ago may be shown for 5 s.
            assert wait_for(lambda: page(home)["darkroom_database_up[]"] == 0, within_s=30, every_s=0.5)
            assert total(page(home), "darkroom_http_request_duration_seconds_count", "'api/v1/tasks'") >= 1
        finally:
            home.mariadb.start()
        assert wait_for(lambda: page(home)["darkroom_database_up[]"] == 1, within_s=30, every_s=0.5)


class TestTop:
    def test_prints_a_frame_of_80_columns(self, home, task):
        done = home.manage("top", "--once", "--every", "0.5")
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert {"web", "worker", "beat", "functions", "together", "tasks", "submit", "upkeep"} <= {
            line.split()[0] for line in lines if line
        }
        assert max(map(len, lines)) <= 80

    def test_looks_the_same_where_redis_and_the_database_are_away(self, home, task):
        home.redis.stop()
        home.mariadb.stop()
        try:
            done = home.manage("top", "--once", "--every", "0.1")
        finally:
            home.mariadb.start()
            home.redis.start()
        assert (done.returncode, "Traceback" in done.stderr) == (0, False)
        assert "The database does not answer" in done.stdout
        assert "worker" in done.stdout


class TestAReport:
    def test_of_a_worker_that_was_killed_is_not_taken_for_one_that_runs(self, home):
        home.worker.kill()
        home.sql("UPDATE tasks_app_process SET seen_at = seen_at - INTERVAL 31 SECOND WHERE kind = 'worker'")
        assert "upkeep" in home.doctor().text("workers")
        home.worker.start()
        assert wait_for(
            lambda: home.sql("SELECT 1 FROM tasks_app_process WHERE kind='worker' AND seen_at > UTC_TIMESTAMP - INTERVAL 9 SECOND"),
            within_s=60,
        )

    def test_of_one_that_ended_in_order_says_so(self, home):
        home.worker.stop()
        still = "kind = 'worker' AND ended_at IS NULL AND seen_at > UTC_TIMESTAMP - INTERVAL 20 SECOND"
        assert home.sql(f"SELECT COUNT(*) FROM tasks_app_process WHERE {still}").strip() == "0"
        home.worker.start()


def test_what_the_processes_write_is_readable(home, task):
    logs = [str(part.folder / "log") for part in (home.web, home.worker)]
    done = home.manage("logs", "--level", "INFO", *logs)
    assert any("access: POST /api/v1/tasks 201" in line for line in done.stdout.splitlines())
    assert subprocess.run(["grep", "-c", "^{"], input=done.stdout, text=True, capture_output=True, check=False).stdout.strip() == "0"

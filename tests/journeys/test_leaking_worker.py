"""A worker that leaks is replaced again and again, and none of its tasks is lost."""

from tasks_app.management.stage import Stage
from tests.deploy.web import wait_until

RETIRED = "above WORKER_MEMORY_LIMIT_MB=200"
ENDED_WELL = "ended (status 0); starts again"
CARD = {"prompt": "a slow leak", "size": "128x128"}


def test_it_retires_drained_and_every_task_is_done(tmp_path):
    with Stage(tmp_path, ADAPTERS="tests.deploy.leaking_adapter", WORKER_MEMORY_LIMIT_MB="200") as stage:
        client, tasks = stage.client(credits=1000), []

        def two_have_retired_and_ended():
            tasks.append(client.submit("darkroom/test-card-image", CARD)["id"])
            client.wait(tasks[-1:])
            said = stage.log.read_text()
            return min(said.count(RETIRED), said.count(ENDED_WELL)) >= 2

        wait_until(two_have_retired_and_ended, "two workers had retired")
        ended = {task["status"] for task in client.wait(tasks)}
    assert ended == {"succeeded"}

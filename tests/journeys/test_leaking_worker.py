"""A worker that leaks is replaced again and again, and none of its tasks is lost."""

from tasks_app.management.stage import Stage
from tests.deploy.web import wait_until

RETIRED = "above WORKER_MEMORY_LIMIT_MB=200"
CARD = {"prompt": "a slow leak", "size": "128x128"}


def test_it_retires_drained_and_every_task_is_done(tmp_path):
    with Stage(tmp_path, ADAPTERS="tests.deploy.leaking_adapter", WORKER_MEMORY_LIMIT_MB="200") as stage:
        client, tasks = stage.client(credits=1000), []

        def two_have_retired():
            tasks.append(client.submit("darkroom/test-card-image", CARD)["id"])
            client.wait(tasks[-1:])
            return stage.log.read_text().count(RETIRED) >= 2

        wait_until(two_have_retired, "two workers had retired")
        ended = {task["status"] for task in client.wait(tasks)}
        said = stage.log.read_text()
    assert ended == {"succeeded"}
    assert said.count("ended (status 0); starts again") >= 2

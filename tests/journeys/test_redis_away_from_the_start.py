"""Redis may come up last, or never: what starts without it works without it."""

from tasks_app.management.stage import Stage
from tests.servers import free_port


def test_workers_that_start_without_redis_do_their_tasks(tmp_path):
    with Stage(tmp_path, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0") as stage:
        client = stage.client(credits=10)
        card = client.submit("darkroom/test-card-image", {"prompt": "nobody wakes us", "size": "256x256"})
        (done,) = client.wait([card["id"]], within_s=60)
    assert done["status"] == "succeeded"

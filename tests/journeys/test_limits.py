"""What asks for too much ends with an error that says so, costs nothing, and takes nothing else along: the whole road, small limits."""

import pytest

from tasks_app.management.stage import Stage

CARD = {"prompt": "reef", "size": "64x64"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("stage"), FUNCTIONS_MEMORY_MB="400", FUNCTIONS_AT_ONCE="1") as stage:
        yield stage.client(credits=1000)


@pytest.fixture
def buy(client):
    """Submit a task, wait for its end; returns it."""

    def wait(model, given, **more):
        task = client.call("POST", "/api/v1/tasks", {"model": f"darkroom/{model}", "input": given, **more})
        return client.wait([task["id"]])[0]

    return wait


@pytest.fixture
def picture(buy):
    return buy("test-card-image", CARD)["id"] + "/0"


@pytest.fixture
def books(client):
    """Balance and held credits of the account."""
    return lambda: tuple(client.call("GET", "/api/v1/account")[name] for name in ("balance", "held"))


class TestTooMuchMemory:
    def test_fails_says_what_to_lower_costs_nothing_and_the_next_task_is_fine(self, buy, books):
        before = books()
        task = buy("test-card-video", {"prompt": "reef", "duration": 1, "size": "1920x1920"})
        assert (task["status"], task["error"]["code"], task["error"]["retryable"]) == ("failed", "invalid_input", False)
        assert task["error"]["message"].endswith("lower resolution or size.")
        assert books() == before == (before[0], 0)
        assert buy("test-card-image", CARD)["status"] == "succeeded"

    def test_of_a_picture_too(self, buy, books, picture):
        before = books()
        task = buy("image-stitch", {"images": [picture], "cell": "9999x9999"})
        assert (task["status"], task["error"]["code"]) == ("failed", "invalid_input")
        assert task["error"]["message"].endswith("lower size, cell or the number of images.")
        assert books() == before


class TestTooMuchTime:
    def test_ends_costs_nothing_and_its_function_is_free_for_the_next_task(self, buy, books, picture):
        before = books()
        # Ten seconds are the least that a client may allow; 36,000 frames take longer.
        task = buy("video-compose", {"clips": [{"source": picture, "duration": 600}], "fps": 60, "size": "640x360"}, expires_in=10)
        assert task["status"] == "expired"
        assert books() == before == (before[0], 0)
        assert buy("test-card-image", CARD)["status"] == "succeeded"

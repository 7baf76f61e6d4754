"""Tries of one request at the same moment, on the real server. SQLite has one writer at a time and is left out."""

from collections import Counter

from tasks_app.models import Task
from tests.tasks_app.api.test_races import THREADS, at_once, many_writers  # noqa: F401 - a fixture, for each test here

from .conftest import FILM, V1

WISH = {"model": FILM, "prompt": "a red kite"}


class TestManyAtOnce:
    def test_a_first_try_and_its_second_at_the_same_moment_make_one_task(self, acme, offers):
        def send(number: int) -> str:
            content, retries = divmod(number, 2)
            answer = V1(acme.key).post("/videos", WISH | {"prompt": f"kite {content}"}, X_Stainless_Retry_Count=str(retries))
            return answer.json()["id"]

        ids = at_once(2 * THREADS, send)
        assert set(Counter(ids).values()) == {2}
        assert Task.objects.count() == THREADS

    def test_first_tries_of_one_content_are_a_task_each(self, member, offers):
        rich = member("rich", credits=10_000, max_active=1000)
        ids = at_once(THREADS, lambda number: V1(rich.key).post("/videos", WISH).json()["id"])
        assert len(set(ids)) == Task.objects.count() == THREADS

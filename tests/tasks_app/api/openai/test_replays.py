"""A request that is sent again: one task, whichever try arrives, and in whatever order."""

from datetime import timedelta

import openai
import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from tasks_app.api.openai import replays
from tasks_app.models import File, Task
from tests.tasks_app.api.conftest import VIDEO, Api, books, shown
from tests.tasks_app.api.test_files import PNG, named

from .conftest import FILM, V1, refused
from .lossy import Lossy

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
WISH = {"model": FILM, "prompt": "a red kite"}


@pytest.fixture
def sends(v1):
    """Send the wish for the first time (0) or again; returns the task's id."""

    def send(retries: int = 0, wish: dict = WISH, **headers: str) -> str:
        answer = v1.post("/videos", wish, X_Stainless_Retry_Count=str(retries), **headers)
        assert answer.status_code == 200, answer.content
        return answer.json()["id"]

    return send


def ages(by: timedelta) -> None:
    Task.objects.update(created_at=F("created_at") - by)


class TestATryAgain:
    def test_is_answered_with_the_task_of_the_first(self, sends, acme):
        first = sends(0)
        assert [sends(1), sends(2)] == [first, first]
        assert (Task.objects.count(), books(acme)) == (1, (1000, 10))

    def test_says_that_it_is_a_replay(self, sends, v1):
        sends(0)
        assert v1.post("/videos", WISH, X_Stainless_Retry_Count="1")["Idempotent-Replayed"] == "true"

    def test_makes_the_task_where_the_first_never_arrived(self, sends):
        assert sends(1) == sends(2)
        assert Task.objects.count() == 1

    def test_is_answered_with_the_newest_of_several(self, sends):
        _, second = sends(0), sends(0)
        assert sends(1) == second

    def test_of_another_content_is_its_own(self, sends):
        assert sends(0) != sends(1, WISH | {"seconds": "6"})

    def test_after_ten_minutes_is_its_own(self, sends):
        first = sends(0)
        ages(replays.REPLAYED_FOR - timedelta(seconds=30))
        assert sends(1) == first
        ages(timedelta(minutes=1))
        assert sends(1) != first

    def test_is_not_later_for_the_time_that_its_client_waited(self, sends):
        """By itself, the client waits for ten minutes before it sends again."""
        first = sends(0)
        ages(timedelta(minutes=10, seconds=1))
        assert sends(1, X_Stainless_Read_Timeout="600") == first
        ages(timedelta(minutes=10, seconds=1))
        assert sends(2, X_Stainless_Read_Timeout="600.0") == first
        ages(timedelta(minutes=10))
        assert sends(2, X_Stainless_Read_Timeout="600") != first

    def test_of_the_neighbour_is_its_own(self, sends, bolt):
        first = sends(0)
        assert V1(bolt.key).post("/videos", WISH, X_Stainless_Retry_Count="1").json()["id"] != first

    def test_of_an_upload_keeps_the_picture_once(self, v1):
        first, again = (
            v1.sends_form("/videos", headers={"X-Stainless-Retry-Count": count}, **WISH, input_reference=named(PNG)) for count in "01"
        )
        assert first.json()["id"] == again.json()["id"]
        assert File.objects.count() == 1

    def test_with_another_picture_is_its_own(self, v1):
        first, again = (
            v1.sends_form("/videos", headers={"X-Stainless-Retry-Count": count}, **WISH, input_reference=named(PNG + count.encode()))
            for count in "01"
        )
        assert first.json()["id"] != again.json()["id"]

    def test_must_say_how_often_by_a_number(self, v1):
        answer = v1.post("/videos", WISH, X_Stainless_Retry_Count="often")
        assert refused(answer) == (400, "invalid_value", "x-stainless-retry-count")


class TestAFirstTry:
    def test_is_always_its_own(self, sends, acme):
        assert len({sends(0) for _ in range(3)}) == 3
        assert books(acme) == (1000, 30)

    def test_that_was_overtaken_is_answered_with_the_task_of_the_one_that_overtook_it(self, sends):
        overtook = sends(1)
        assert sends(0) == overtook
        assert sends(1) == overtook

    def test_is_its_own_again_once_the_overtaken_one_has_come(self, sends):
        overtook, late = sends(1), sends(0)
        assert sends(0) not in (overtook, late)

    def test_a_minute_later_was_not_overtaken(self, sends):
        overtook = sends(1)
        ages(replays.OVERTAKEN_FOR + timedelta(seconds=1))
        assert sends(0) != overtook


class TestTheLook:
    def test_is_one_query_beside_those_of_our_own_api(self, v1, acme, django_assert_num_queries):
        api, order = Api(acme.key), {"model": FILM, "input": {"prompt": "a red kite"}}
        api.post("/tasks", order)  # keys and models are remembered from then on
        with CaptureQueriesContext(connection) as ours:
            api.post("/tasks", order)
        with django_assert_num_queries(len(ours) + 1):
            v1.post("/videos", WISH)

    def test_reads_the_index_that_keeps_keys_apart(self, v1):
        if connection.vendor != "mysql":
            pytest.skip("is about MySQL and MariaDB")
        for _ in range(50):
            v1.post("/videos", WISH)
        with CaptureQueriesContext(connection) as queries:
            v1.post("/videos", WISH)
        look = next(query["sql"] for query in queries if "`idempotency_key` >= " in query["sql"])
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {look}")
            plan = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
        assert (plan["key"], plan["Extra"]) == ("task_once_per_key", "Using where")


class TestAnIdempotencyKey:
    def test_decides_alone(self, sends):
        first = sends(0, Idempotency_Key="order-7")
        assert sends(0, Idempotency_Key="order-7") == sends(1, Idempotency_Key="order-7") == first
        assert sends(1, Idempotency_Key="order-8") != first

    def test_belongs_to_one_content(self, sends, v1):
        sends(0, Idempotency_Key="order-7")
        answer = v1.post("/videos", WISH | {"prompt": "another"}, Idempotency_Key="order-7")
        assert refused(answer) == (400, "idempotency_key_reused", None)

    def test_of_an_upload_keeps_the_picture_once(self, v1):
        ids = {
            v1.sends_form("/videos", headers={"Idempotency-Key": "order-7"}, **WISH, input_reference=named(PNG)).json()["id"] for _ in "12"
        }
        assert (len(ids), File.objects.count()) == (1, 1)


class TestTheWireBreaks:
    """Between the official client and us; the client sends again by itself."""

    @pytest.fixture
    def proxy(self, live_server):
        with Lossy(live_server.url) as proxy:
            yield proxy

    @pytest.fixture
    def client(self, client_of, acme, plasma, proxy) -> openai.OpenAI:
        return client_of(acme.key, url=proxy.url, max_retries=2)

    def test_after_the_request_arrived_and_one_job_is_bought(self, client, proxy, plasma, acme, road):
        proxy.loses(answers=2)
        video = client.videos.create(model=VIDEO, prompt="a red kite", seconds="5")
        assert proxy.passed == 3
        road.runs_dry()
        assert client.videos.retrieve(video.id).status == "completed"
        assert (plasma.bought, sum(plasma.received.values())) == (1, 1)
        assert (acme.balance, acme.held) == (990, 0)

    def test_before_the_request_arrives_which_it_does_later(self, client, proxy, plasma, acme, road):
        proxy.holds(requests=1)
        video = client.videos.create(model=VIDEO, prompt="a red kite", seconds="5")
        proxy.lets_go()
        proxy.wait_until(lambda it: it.passed == 2)
        assert video.id == shown(Task.objects.get())
        road.runs_dry()
        assert plasma.bought == 1
        assert (acme.balance, acme.held) == (990, 0)

    def test_for_good_and_the_client_says_so(self, client, proxy, acme):
        proxy.loses(answers=3)
        with pytest.raises(openai.APIConnectionError):
            client.videos.create(model=VIDEO, prompt="a red kite", seconds="5")
        assert Task.objects.count() == 1

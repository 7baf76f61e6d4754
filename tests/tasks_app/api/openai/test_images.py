"""/v1/images, by the official client where it speaks of it, and by hand where it does not.

Here is no stream tier, so nobody waits; tests/deploy/test_waiting_for_pictures.py does.
"""

import json
from base64 import b64decode
from dataclasses import replace
from urllib.request import urlopen

import openai
import pytest

from tasks_app import ids
from tasks_app.api.openai import images, waiting
from tasks_app.models import File, Task
from tasks_app.storage import storage
from tests.tasks_app.api.conftest import IMAGE, books, output_of, shown
from tests.tasks_app.api.test_files import PNG, named

from .conftest import FILM, PICTURES, V1, refused

pytestmark = pytest.mark.django_db
WISH = {"model": PICTURES, "prompt": "a red kite"}
LATER = {"Prefer": "respond-async"}
AGAIN = {"x-stainless-retry-count": "1"}


class TestAsking:
    def test_by_the_client_makes_a_task_as_our_own_api_would(self, client, acme):
        client.images.generate(**WISH, n=2, size="1280x720", output_format="webp", user="ann", extra_body={"seed": 7})
        task = Task.objects.get()
        assert task.input == {"prompt": "a red kite", "n": 2, "size": "1280x720", "seed": 7, "output_format": "webp"}
        assert (task.kind, task.end_user, books(acme)) == ("image.generate", "ann", (1000, 6))

    def test_leaves_to_the_model_what_is_automatic(self, client):
        client.images.generate(**WISH, size="auto", quality="auto", background="auto", moderation="auto", n=1, stream=False)
        assert Task.objects.get().input == {"prompt": "a red kite", "n": 1, "size": "1024x1024", "output_format": "png"}

    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            ({"n": 9}, (400, "invalid_value", "n")),
            ({"n": "many"}, (400, "invalid_value", "n")),
            ({"size": "1x1"}, (400, "invalid_value", "size")),
            ({"quality": "high"}, (400, "unknown_parameter", "quality")),
            ({"style": "vivid"}, (400, "unknown_parameter", "style")),
            ({"response_format": "gif"}, (400, "invalid_value", "response_format")),
            ({"stream": True}, (400, "unsupported_operation", "stream")),
            ({"user": "x" * 129}, (400, "invalid_value", "user")),
            ({"model": FILM}, (404, "model_not_found", "model")),
        ],
    )
    def test_names_the_parameter_that_cannot_be(self, v1, more, expected):
        assert refused(v1.post("/images/generations", WISH | more)) == expected
        assert not Task.objects.exists()


class TestAnEdit:
    def test_by_the_client_uploads_pictures_and_a_mask(self, client):
        client.images.edit(**WISH, image=[("a.png", PNG), ("b.png", PNG + b"b")], mask=("mask.png", PNG + b"m"))
        files = {file.name: str(file) for file in File.objects.all()}
        task = Task.objects.get()
        assert (task.input["images"], task.input["mask"]) == ([files["a.png"], files["b.png"]], files["mask.png"])

    def test_takes_one_picture_too(self, client):
        client.images.edit(**WISH, image=("a.png", PNG))
        assert len(Task.objects.get().input["images"]) == 1

    def test_in_json_names_files_and_urls(self, v1, client):
        client.images.edit(**WISH, image=("a.png", PNG))
        file = str(File.objects.get())
        given = {"images": [{"file_id": file}, {"image_url": "https://example.com/b.png"}], "mask": {"file_id": file}}
        assert v1.post("/images/edits", WISH | given).status_code == 202
        task = Task.objects.order_by("-id").first()
        assert (task.input["images"], task.input["mask"]) == ([file, "https://example.com/b.png"], file)

    def test_needs_a_picture(self, v1):
        assert refused(v1.post("/images/edits", WISH)) == (400, "missing_required_parameter", "image")

    def test_is_refused_by_a_model_that_takes_none(self, v1):
        answer = v1.sends_form("/images/edits", model=IMAGE, prompt="x", image=named(PNG))
        assert refused(answer) == (400, "unknown_parameter", "image")
        assert not File.objects.exists()

    def test_keeps_its_pictures_once_however_often_it_is_sent(self, v1):
        for count in "012":
            headers = {"X-Stainless-Retry-Count": count}
            assert v1.sends_form("/images/edits", headers=headers, **WISH, image=named(PNG)).status_code == 202
        assert (Task.objects.count(), File.objects.count()) == (1, 1)


class TestPicturesThatAreNotDone:
    def test_are_told_of_by_a_task_and_a_place_to_ask(self, v1):
        for headers in ({}, {"Prefer": "respond-async"}):
            answer = v1.post("/images/generations", WISH | {"response_format": "url"}, **headers)
            told = answer.json()
            assert (answer.status_code, told["data"]) == (202, None)
            assert answer["Location"] == told["url"]
            assert told["url"].endswith(f"/v1/images/{told['task']['id']}?response_format=url")
            assert answer["openai-poll-after-ms"] == "2000"
            again = v1.get(told["url"].partition("/v1")[2])
            assert (again.status_code, again.json()["task"]["id"]) == (202, told["task"]["id"])

    def test_are_an_answer_without_pictures_to_the_client(self, client):
        answer = client.images.generate(**WISH)
        assert (answer.data, answer.task["status"]) == (None, "queued")

    def test_are_not_told_to_the_neighbour(self, v1, bolt):
        task = v1.post("/images/generations", WISH).json()["task"]["id"]
        assert refused(V1(bolt.key).get(f"/images/{task}")) == (404, "not_found", None)


class TestPicturesThatAreDone:
    """The client asks once more for what it did not hear the end of, as after a lost answer."""

    @pytest.fixture
    def ends(self, client):
        """Let the client's task end so, before it asks again."""
        client.images.generate(**WISH, extra_headers=LATER)
        task = Task.objects.get()

        def end(contents: tuple[bytes, ...] = (), **columns) -> Task:
            for position, content in enumerate(contents):
                output_of(task, content, position=position, width=64, height=32)
            Task.objects.filter(id=task.id).update(finished_at=task.created_at, **({"status": "succeeded"} | columns))
            return task

        return end

    @pytest.mark.parametrize("contents", [(b"", b"1", b"12", b"123"), (bytes(range(256)) * 2000,)])
    def test_come_with_their_bytes(self, client, ends, contents):
        task = ends(contents)
        answer = client.images.generate(**WISH, extra_headers=AGAIN)
        assert tuple(b64decode(image.b64_json) for image in answer.data) == contents
        assert (answer.size, answer.output_format, answer.created) == ("64x32", "png", int(task.created_at.timestamp()))

    def test_come_as_links_that_need_no_key(self, client, ends, settings, live_server):
        ends((b"picture",))
        link = client.get(f"/images/{shown(Task.objects.get())}?response_format=url", cast_to=openai.types.ImagesResponse).data[0].url
        with urlopen(link.replace(settings.PUBLIC_URL, live_server.url)) as fetched:
            assert fetched.read() == b"picture"

    def test_announce_how_long_they_are(self, v1, ends):
        ends((b"1", b"22"))
        answer = v1.get(f"/images/{shown(Task.objects.get())}")
        content = answer.getvalue()
        assert int(answer["Content-Length"]) == len(content)
        assert len(openai.types.ImagesResponse.model_validate_json(content).data) == 2  # strictly, as the client itself does not

    @pytest.mark.parametrize(
        ("code", "raised", "expected"),
        [
            ("moderated", openai.BadRequestError, ("moderation_blocked", "image_generation_user_error", None)),
            ("invalid_input", openai.BadRequestError, ("invalid_input", "invalid_request_error", "prompt")),
            ("unavailable", openai.InternalServerError, ("unavailable", "server_error", None)),
        ],
    )
    def test_or_not_are_an_error_that_is_not_tried_again(self, client_of, acme, ends, code, raised, expected):
        ends(status="failed", error_code=code, error_message="it went wrong", error_field=expected[2] or "")
        with pytest.raises(raised) as caught:
            client_of(acme.key, max_retries=2).images.generate(**WISH, extra_headers=AGAIN)
        error = caught.value
        assert (error.code, error.type, error.param) == expected
        assert error.response.headers["x-should-retry"] == "false"


class TestWhatIsLeftToDo:
    @pytest.fixture
    def rest(self, v1) -> waiting.Rest:
        """As it comes to the stream tier."""
        answer = v1.post("/images/generations", WISH, **{"X-Request-ID": "mine"})
        return waiting.read(answer.rest.written(answer.items()))

    def test_is_to_wait_and_to_answer_as_was_wished(self, rest, acme):
        task = Task.objects.get()
        assert (rest.account_id, rest.task_id, rest.form) == (acme.id, task.id, "b64_json")
        output_of(task, b"picture")
        Task.objects.update(status="succeeded", finished_at=task.created_at)
        answer = images.later(rest)
        assert b64decode(json.loads(answer.getvalue())["data"][0]["b64_json"]) == b"picture"
        assert (answer["X-Request-ID"], "Location" in answer, "openai-poll-after-ms" in answer) == ("mine", False, False)

    def test_may_be_to_say_where_to_ask(self, rest):
        answer = images.later(rest)
        assert (answer.status_code, json.loads(answer.content)["task"]["status"]) == (202, "queued")
        assert (answer["Location"], answer["openai-poll-after-ms"]) == (json.loads(answer.content)["url"], "2000")

    def test_ends_where_the_task_is_gone(self, rest):
        assert refused_later(replace(rest, task_id=ids.new())) == (404, "not_found", "false")

    def test_ends_where_the_pictures_are_no_longer_kept(self, rest):
        task = Task.objects.get()
        storage.delete(output_of(task, b"picture").key)
        Task.objects.update(status="succeeded", finished_at=task.created_at)
        assert refused_later(rest) == (404, "not_found", "false")

    @pytest.mark.parametrize("headers", [{"Prefer": "respond-async"}, {"Prefer": "wait=9, Respond-Async; odd=1"}])
    def test_is_nothing_where_the_client_would_not_wait(self, v1, headers):
        assert not hasattr(v1.post("/images/generations", WISH, **headers), "rest")

    def test_is_nothing_where_the_task_is_over(self, v1):
        v1.post("/images/generations", WISH)
        Task.objects.update(status="canceled", finished_at=Task.objects.get().created_at)
        answer = v1.post("/images/generations", WISH, **AGAIN)
        assert (answer.status_code, hasattr(answer, "rest")) == (400, False)


def refused_later(rest: waiting.Rest) -> tuple[int, str, str]:
    """Status, code, and whether to try again."""
    answer = images.later(rest)
    return answer.status_code, json.loads(answer.content)["error"]["code"], answer["x-should-retry"]

"""/v1/videos, by the official client where it speaks of it, and by hand where it does not."""

from base64 import b64encode

import pytest
from openai.types import Video

from tasks_app.models import File, Task
from tests.tasks_app.api.conftest import IMAGE, VIDEO, Api, books, output_of, shown, task_of
from tests.tasks_app.api.test_files import PNG, named

from .conftest import FILM, V1, refused

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
KEYS = {
    "id",
    "object",
    "model",
    "status",
    "progress",
    "created_at",
    "completed_at",
    "expires_at",
    "prompt",
    "seconds",
    "size",
    "remixed_from_video_id",
    "error",
}
WISH = {"model": FILM, "prompt": "a red kite"}


def made(**columns) -> dict:
    return {"kind": "video.generate", "model": FILM, "input": {"prompt": "a red kite"}, **columns}


class TestCreating:
    def test_by_the_client_makes_a_task_as_our_own_api_would(self, client, acme):
        video = client.videos.create(**WISH, seconds="8", size="720x1280")
        task = Task.objects.get()
        assert (video.id, video.object, video.status, video.progress) == (shown(task), "video", "queued", 0)
        assert (video.prompt, video.seconds, video.size, video.model) == ("a red kite", "8", "720x1280", FILM)
        assert task.input == {
            "prompt": "a red kite",
            "duration": 8,
            "resolution": "720p",
            "aspect_ratio": "9:16",
            "generate_audio": False,
        }
        assert books(acme) == (1000, 16)

    def test_in_json_does_the_same(self, v1):
        answer = v1.post("/videos", WISH | {"seconds": 8, "size": "720x1280", "negative_prompt": None})
        assert (answer.status_code, set(answer.json())) == (200, KEYS)
        assert Video.model_validate(answer.json()).status == "queued"  # strictly, as the client itself does not
        assert (answer.json()["seconds"], answer.json()["size"]) == ("8", "720x1280")
        assert answer["openai-poll-after-ms"] == "2000"  # half a minute is typical

    def test_takes_what_else_the_model_knows(self, client):
        client.videos.create(**WISH, extra_body={"generate_audio": True, "negative_prompt": "rain"})
        assert Task.objects.get().input["generate_audio"] is True

    @pytest.mark.parametrize(
        ("more", "param"),
        [
            ({"seconds": "five"}, "seconds"),
            ({"size": "large"}, "size"),
            ({"size": "1024x1792"}, "size"),
            ({"colour": "red"}, "colour"),
            ({"seconds": "5", "duration": 6}, "duration"),
            ({"prompt": ""}, "prompt"),
            ({"input_reference": {"file_id": "file_1", "image_url": "https://example.com/a.png"}}, "input_reference"),
            ({"input_reference": {"file_id": "file_1"}}, "input_reference"),
            ({"input_reference": {"image_url": "data:image/png;base64,?"}}, "input_reference"),
        ],
    )
    def test_names_the_parameter_that_cannot_be(self, v1, more, param):
        answer = v1.post("/videos", WISH | more)
        assert refused(answer)[::2] == (400, param)
        assert not Task.objects.exists()
        assert not File.objects.exists()


class TestAnInputReference:
    def test_is_uploaded_and_becomes_the_first_frame(self, client, acme):
        client.videos.create(**WISH, input_reference=("kite.png", PNG, "image/png"))
        file = File.objects.get()
        assert (file.name, file.account_id) == ("kite.png", acme.id)
        assert Task.objects.get().input["frame_images"] == [{"image": str(file), "frame_type": "first_frame"}]

    def test_may_be_a_file_an_output_or_a_url(self, v1, acme):
        file = Api(acme.key).uploads(file=named(PNG)).json()["id"]
        picture = task_of(acme, status="succeeded")
        output_of(picture)
        output = f"{shown(picture)}/0"
        for given, reference in (
            ({"file_id": file}, file),
            (output, output),
            ({"image_url": "https://example.com/kite.png"}, "https://example.com/kite.png"),
        ):
            answer = v1.post("/videos", WISH | {"input_reference": given})
            assert answer.status_code == 200, answer.content
            assert Task.objects.order_by("-id").first().input["frame_images"][0]["image"] == reference

    def test_may_be_a_data_url(self, v1):
        url = "data:image/png;base64," + b64encode(PNG).decode()
        assert v1.post("/videos", WISH | {"input_reference": {"image_url": url}}).status_code == 200
        assert File.objects.get().bytes == len(PNG)

    def test_of_the_neighbour_is_not_there(self, v1, bolt):
        file = Api(bolt.key).uploads(file=named(PNG)).json()["id"]
        assert refused(v1.post("/videos", WISH | {"input_reference": {"file_id": file}})) == (400, "invalid_value", "input_reference")

    def test_that_is_no_picture_is_refused_and_not_kept(self, v1, acme):
        for content in (b"MZ\x90\x00", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n"):
            answer = v1.sends_form("/videos", **WISH, input_reference=named(content))
            assert refused(answer) == (400, "invalid_image_file", "input_reference")
        assert not File.objects.exists()

    def test_is_not_kept_where_no_task_comes_of_it(self, v1, zero, offers):
        assert V1(zero.key).sends_form("/videos", **WISH, input_reference=named(PNG)).status_code == 429
        assert v1.sends_form("/videos", **WISH, seconds="99", input_reference=named(PNG)).status_code == 400
        assert not File.objects.exists()

    def test_under_another_name_is_refused(self, v1):
        assert refused(v1.sends_form("/videos", **WISH, picture=named(PNG))) == (400, "unknown_parameter", "picture")


class TestAVideo:
    @pytest.mark.parametrize(
        ("columns", "status", "progress"),
        [
            ({"status": "queued"}, "queued", 0),
            ({"status": "submitting"}, "in_progress", 0),
            ({"status": "running", "progress": 0.426}, "in_progress", 42),
            ({"status": "storing", "progress": 1.0}, "in_progress", 99),
            ({"status": "succeeded", "progress": 1.0}, "completed", 100),
            ({"status": "failed", "error_code": "no_output", "error_message": "nothing came"}, "failed", 0),
            ({"status": "canceled"}, "failed", 0),
            ({"status": "expired"}, "failed", 0),
        ],
    )
    def test_has_one_of_four_statuses(self, client, acme, columns, status, progress):
        finished = {} if columns["status"] in ("queued", "submitting", "running", "storing") else {"finished_at": acme.clock()}
        video = client.videos.retrieve(shown(task_of(acme, **made(), **columns, **finished)))
        assert (video.status, video.progress) == (status, progress)
        assert (video.error is not None) == (status == "failed")
        assert (video.completed_at is not None) == bool(finished)
        assert (video.expires_at is not None) == (status == "completed")

    def test_says_why_it_failed_in_the_words_of_that_api(self, client, acme):
        task = task_of(acme, **made(status="failed", error_code="moderated", error_message="not this"))
        error = client.videos.retrieve(shown(task)).error
        assert (error.code, error.message) == ("moderation_blocked", "not this")

    def test_has_the_size_that_it_came_out_with(self, client, acme):
        task = task_of(acme, **made(status="succeeded", finished_at=acme.clock()))
        output_of(task, content_type="video/mp4", width=1282, height=720, duration=5.04)
        video = client.videos.retrieve(shown(task))
        assert (video.size, video.seconds) == ("1282x720", "5.04")

    def test_says_how_soon_to_ask_again_until_it_is_over(self, v1, acme):
        open, over = (task_of(acme, **made(status=status)) for status in ("running", "failed"))
        assert v1.get(f"/videos/{shown(open)}")["openai-poll-after-ms"] == "2000"
        assert "openai-poll-after-ms" not in v1.get(f"/videos/{shown(over)}")

    def test_is_for_its_account_alone(self, v1, acme, bolt):
        path = f"/videos/{shown(task_of(acme, **made(status='succeeded', finished_at=acme.clock())))}"
        neighbour = V1(bolt.key)
        for answer in (
            neighbour.get(path),
            neighbour.delete(path),
            neighbour.get(f"{path}/content"),
            neighbour.post(f"{path}/remix", {"prompt": "x"}),
        ):
            assert refused(answer) == (404, "not_found", None)
        assert neighbour.get("/videos").json()["data"] == []

    def test_is_no_picture(self, v1, acme):
        assert refused(v1.get(f"/videos/{shown(task_of(acme, model=IMAGE))}")) == (404, "not_found", None)


class TestTheList:
    def test_is_paged_by_the_client_either_way(self, client, acme):
        tasks = [task_of(acme, **made()) for _ in range(5)]
        task_of(acme, model=IMAGE)
        ids = [shown(task) for task in tasks]
        assert [video.id for video in client.videos.list(limit=2)] == ids[::-1]
        assert [video.id for video in client.videos.list(limit=2, order="asc")] == ids

    def test_of_nothing_has_no_ends(self, v1):
        assert v1.get("/videos").json() == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}

    def test_may_be_of_none(self, v1, acme):
        task_of(acme, **made())
        assert (v1.get("/videos?limit=0").json()["data"], v1.get("/videos?limit=0").json()["has_more"]) == ([], True)


class TestDeleting:
    def test_takes_the_task_with_it(self, client, acme):
        task = task_of(acme, **made(status="failed"))
        deleted = client.videos.delete(shown(task))
        assert (deleted.id, deleted.object, deleted.deleted) == (shown(task), "video.deleted", True)
        assert not Task.objects.exists()


class TestTheBytes:
    @pytest.fixture
    def path(self, acme) -> str:
        task = task_of(acme, **made(status="succeeded", finished_at=acme.clock()))
        output_of(task, b"0123456789", content_type="video/mp4", thumbnail=b"small")
        return f"/videos/{shown(task)}/content"

    def test_are_downloaded_by_the_client(self, client, path):
        id = path.split("/")[2]
        assert client.videos.download_content(id).read() == b"0123456789"
        thumbnail = client.videos.download_content(id, variant="thumbnail")
        assert (thumbnail.read(), thumbnail.response.headers["content-type"]) == (b"small", "image/webp")

    def test_come_in_parts_and_are_announced(self, v1, path):
        part = v1.get(path, Range="bytes=2-4")
        assert (part.status_code, part.getvalue(), part["Content-Range"]) == (206, b"234", "bytes 2-4/10")
        head = v1.head(path)
        assert (head.status_code, head["Content-Length"], head.getvalue()) == (200, "10", b"")
        assert refused(v1.get(path, Range="bytes=10-")) == (416, "range_not_satisfiable", None)

    @pytest.mark.parametrize(
        ("variant", "expected"), [("spritesheet", (404, "not_found", "variant")), ("gif", (400, "invalid_value", "variant"))]
    )
    def test_of_a_variant_that_is_not_there(self, v1, path, variant, expected):
        assert refused(v1.get(f"{path}?variant={variant}")) == expected

    @pytest.mark.parametrize("status", ["running", "failed"])
    def test_are_not_there_before_the_end_nor_after_a_failure(self, v1, acme, status):
        answer = v1.get(f"/videos/{shown(task_of(acme, **made(status=status)))}/content")
        assert refused(answer) == (404, "not_found", None)
        assert ("not ready" in answer.json()["error"]["message"]) == (status == "running")


class TestARemix:
    @pytest.fixture
    def source(self, acme) -> Task:
        task = task_of(acme, **made(status="succeeded", finished_at=None, input={"prompt": "a kite", "duration": 6}))
        output_of(task, content_type="video/mp4")
        return task

    def test_is_the_same_with_another_prompt_and_the_video_as_an_input(self, client, source):
        video = client.videos.remix(shown(source), prompt="at night")
        assert (video.remixed_from_video_id, video.prompt, video.seconds) == (shown(source), "at night", "6")
        assert Task.objects.exclude(id=source.id).get().input["video"] == f"{shown(source)}/0"

    def test_is_refused_by_name_where_the_model_makes_none(self, v1, source):
        Task.objects.filter(id=source.id).update(model=VIDEO)
        answer = v1.post(f"/videos/{shown(source)}/remix", {"prompt": "at night"})
        assert refused(answer) == (400, "unsupported_operation", "id")
        assert VIDEO in answer.json()["error"]["message"]

    def test_takes_a_prompt_and_nothing_else(self, v1, source):
        path = f"/videos/{shown(source)}/remix"
        assert refused(v1.post(path, {})) == (400, "missing_required_parameter", "prompt")
        assert refused(v1.post(path, {"prompt": "x", "size": "1x1"})) == (400, "unknown_parameter", "size")

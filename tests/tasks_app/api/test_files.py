"""POST /files, GET and DELETE of a file and its bytes."""

from hashlib import sha256
from io import BytesIO

import pytest

from tasks_app.models import File
from tasks_app.storage import links, storage
from tasks_app.storage.drafts import DRAFTS
from tests.upstreams import answer

from .conftest import Api, fields, refusal, task_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, params=["disk", "cos"])
def kept_in(request) -> str:
    """All of it holds wherever the bytes lie."""
    if request.param == "cos":
        request.getfixturevalue("in_cos")
    return request.param


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


def named(content: bytes, name: str = "fox.png") -> BytesIO:
    file = BytesIO(content)
    file.name = name
    return file


class TestAnUpload:
    def test_is_kept_whole_and_known_by_its_hash(self, api):
        answer = api.uploads(file=named(PNG))
        file = answer.json()
        assert answer.status_code == 201
        assert answer["Location"].endswith(f"/api/v1/files/{file['id']}")
        assert (file["object"], file["name"], file["bytes"], file["sha256"]) == ("file", "fox.png", 108, sha256(PNG).hexdigest())
        assert api.get(f"/files/{file['id']}/content").getvalue() == PNG

    def test_is_of_the_type_that_its_bytes_say(self, api):
        assert api.uploads(file=named(PNG, "fox.mp4")).json()["content_type"] == "image/png"

    def test_reads_the_same_later(self, api):
        file = api.uploads(file=named(PNG)).json()
        assert api.get(f"/files/{file['id']}").json() == file

    def test_says_when_it_will_be_deleted(self, api, settings):
        settings.FILE_KEEP_DAYS = 0
        assert api.uploads(file=named(PNG)).json()["expires_at"] is None
        settings.FILE_KEEP_DAYS = 30
        file = api.uploads(file=named(PNG)).json()
        assert file["created_at"] < file["expires_at"]

    def test_may_bear_any_name(self, api):
        file = api.uploads(file=named(PNG, "../../etc/狐狸\r\n.png")).json()
        assert "/" not in file["name"]
        disposition = api.get(f"/files/{file['id']}/content")["Content-Disposition"]
        assert disposition.startswith("inline; filename")
        assert not set("\r\n/\\") & set(disposition.replace("utf-8''", ""))

    def test_leaves_no_draft_behind(self, api, settings):
        api.uploads(file=named(PNG))
        assert list((settings.STORAGE_DIR / DRAFTS).iterdir()) == []


class TestAnUploadThatCannotBe:
    def test_is_refused_when_it_is_too_large(self, api, settings):
        settings.UPLOAD_LIMIT_MB = 1
        assert refusal(api.uploads(file=named(PNG + b"\0" * 1024 * 1024))) == (413, "too_large")
        assert not File.objects.exists()
        assert list((settings.STORAGE_DIR / DRAFTS).iterdir()) == []

    def test_is_taken_up_to_the_last_byte(self, api, settings):
        settings.UPLOAD_LIMIT_MB = 1
        assert api.uploads(file=named(PNG.ljust(1_000_000, b"\0"))).status_code == 201

    def test_is_refused_unread_when_it_says_that_it_is_far_too_large(self, api, settings):
        settings.UPLOAD_LIMIT_MB = 1
        answer = api.post("/files", b"--x\r\n", content_type="multipart/form-data; boundary=x", Content_Length=str(9 * 1024 * 1024))
        assert refusal(answer) == (413, "too_large")

    @pytest.mark.parametrize("content", [b"MZ\x90\x00\x03\x00\x00\x00\x04\x00", b"PK\x03\x04\x14\x00\x00\x00\x08\x00", b""])
    def test_is_refused_when_it_is_no_media(self, api, content):
        assert refusal(api.uploads(file=named(content))) == (415, "unsupported_media_type")
        assert not File.objects.exists()

    @pytest.mark.parametrize(
        ("form", "field"),
        [
            ({}, "file"),
            ({"file": "text"}, "file"),
            ({"picture": named(PNG)}, "picture"),
            ({"file": [named(PNG), named(PNG)]}, "file"),
        ],
    )
    def test_names_a_field_that_is_missing_or_unknown(self, api, form, field):
        answer = api.uploads(**form)
        assert refusal(answer) == (422, "invalid_request")
        assert field in fields(answer)

    def test_must_be_a_form_or_begin_a_direct_one(self, api):
        assert refusal(api.post("/files", PNG, content_type="image/png")) == (415, "unsupported_media_type")
        assert refusal(api.post("/files", {"file": "x"})) == (422, "invalid_request")
        assert refusal(api.post("/files", b"x", content_type="multipart/form-data")) == (400, "malformed_upload")


class TestAFile:
    @pytest.fixture
    def file(self, api) -> str:
        return api.uploads(file=named(PNG)).json()["id"]

    def test_is_for_its_account_alone(self, file, neighbour):
        for path in (f"/files/{file}", f"/files/{file}/content"):
            assert refusal(neighbour.get(path)) == (404, "not_found")
        assert refusal(neighbour.delete(f"/files/{file}")) == (404, "not_found")

    def test_opens_by_a_signed_link_too(self, file):
        signed = links.signed_url("file", File.objects.get().id).partition("/api/v1")[2]
        assert Api().get(signed).getvalue() == PNG

    def test_is_gone_once_deleted(self, api, file):
        key = File.objects.get().key
        assert api.delete(f"/files/{file}").status_code == 204
        assert refusal(api.get(f"/files/{file}")) == (404, "not_found")
        assert storage.size(key) is None

    def test_stays_while_an_open_task_needs_it(self, api, acme, file):
        task = task_of(acme, input={"images": [file]})
        assert refusal(api.delete(f"/files/{file}")) == (409, "not_deletable")
        type(task).objects.filter(id=task.id).update(status="failed")
        assert api.delete(f"/files/{file}").status_code == 204


@pytest.mark.parametrize("kept_in", ["cos"], indirect=True)
class TestABucketThatIsAway:
    def test_takes_no_upload_for_now(self, api, in_cos):
        in_cos.will(answer(403), at="put")
        assert refusal(api.uploads(file=named(PNG))) == (503, "unavailable")
        assert not File.objects.exists()

    def test_keeps_the_file_that_it_cannot_delete(self, api, in_cos):
        file = api.uploads(file=named(PNG)).json()["id"]
        in_cos.will(answer(403), at="delete")
        assert refusal(api.delete(f"/files/{file}")) == (503, "unavailable")
        assert api.get(f"/files/{file}/content").getvalue() == PNG
        assert api.delete(f"/files/{file}").status_code == 204
        assert in_cos.objects == {}

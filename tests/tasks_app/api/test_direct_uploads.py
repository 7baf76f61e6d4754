"""POST /files with JSON: an upload begun, a link that takes one file and nothing else, and completion; wherever files are kept."""

import http.client
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from urllib.parse import urlsplit

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from tasks_app import direct_uploads, ids, inputs
from tasks_app.direct_uploads import LINK_LIVES, LIVES
from tasks_app.models import File, Upload
from tasks_app.storage import storage
from tests.upstreams import answer

from .conftest import Api, fields, keep, refusal

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
OTHER = PNG[:-1] + b"1"


OURS = ("disk", "cos, no STS")  # where the link leads to us


@pytest.fixture(autouse=True, params=["cos", *OURS])
def kept_in(request, settings, tmp_path, sts) -> str:
    settings.STORAGE_DIR = tmp_path
    if request.param != "disk":
        request.getfixturevalue("in_cos")
    if request.param == "cos, no STS":
        sts.will(answer(403), at="GetFederationToken", times=9)
    return request.param


@pytest.fixture
def upload(api) -> dict:
    """One of PNG, begun."""
    return wished(api, len(PNG)).json()


def wished(api: Api, size: int, name: str = "fox.png"):
    return api.post("/files", {"upload": {"name": name, "bytes": size}})


def puts(upload: dict, content: bytes, **headers: str) -> int:
    """The status of a PUT by whoever has the link, with no key."""
    parts = urlsplit(upload["url"])
    if parts.path.startswith("/api/v1/"):
        path = f"{parts.path}?{parts.query}"
        return Client().put(path, content, content_type="application/octet-stream", headers=headers).status_code
    sent = http.client.HTTPConnection(parts.netloc, timeout=5)
    sent.request("PUT", f"{parts.path}?{parts.query}", content, headers)
    return sent.getresponse().status


def completes(api: Api, upload: dict):
    return api.post(upload["complete_url"].partition("/api/v1")[2])


class TestAnUpload:
    def test_is_begun_for_so_many_bytes_and_an_hour(self, api, kept_in):
        answered = wished(api, len(PNG))
        upload = answered.json()
        assert (answered.status_code, answered["Location"].rpartition("/")[2]) == (201, upload["id"])
        assert (upload["object"], upload["name"], upload["bytes"], upload["method"]) == ("upload", "fox.png", 108, "PUT")
        assert upload["headers"] == {"Content-Length": "108"}
        assert ("/api/v1/uploads/" in upload["url"]) == (kept_in in OURS)

    def test_is_no_file_yet(self, api, upload, acme):
        puts(upload, PNG)
        assert refusal(api.get(f"/files/{upload['id']}")) == (404, "not_found")
        assert not inputs.named(acme.id, [{"image": upload["id"]}], now=timezone.now())[upload["id"]]

    @pytest.mark.parametrize(
        ("body", "named"),
        [
            ({}, ["upload"]),
            ({"upload": 7}, ["upload"]),
            ({"upload": {}}, ["upload.name", "upload.bytes"]),
            ({"upload": {"name": "", "bytes": 0}}, ["upload.name", "upload.bytes"]),
            ({"upload": {"name": "x" * 201, "bytes": True}}, ["upload.name", "upload.bytes"]),
            ({"upload": {"name": "x", "bytes": 1.5}}, ["upload.bytes"]),
            ({"upload": {"name": "x", "bytes": "1"}}, ["upload.bytes"]),
            ({"upload": {"name": "x", "bytes": 1, "key": "files/y"}}, ["upload.key"]),
            ({"upload": {"name": "x", "bytes": 1}, "file": "y"}, ["file"]),
        ],
        ids=str,
    )
    def test_names_what_is_wrong_with_the_wish(self, api, body, named):
        answered = api.post("/files", body)
        assert refusal(answered) == (422, "invalid_request")
        assert fields(answered) == named
        assert not Upload.objects.exists()

    def test_is_as_large_as_the_store_takes_it_at_most(self, api, settings, kept_in):
        settings.UPLOAD_LIMIT_MB, settings.DIRECT_UPLOAD_LIMIT_MB = 1, 2
        if kept_in == "cos, no STS":
            settings.COS_TOKEN = "temporary"  # by which no link to the bucket is made at all
        most = 1_000_000 if kept_in in OURS else 2_000_000
        assert wished(api, most).status_code == 201
        answered = wished(api, most + 1)
        assert (refusal(answered), fields(answered)) == ((422, "invalid_request"), ["upload.bytes"])


class TestTheLink:
    def test_takes_those_bytes_and_no_other_number(self, upload, kept_in):
        other = 422 if kept_in in OURS else 403
        assert [puts(upload, content) for content in (PNG + b"1", PNG[:-1], b"")] == [other] * 3
        assert storage.size(f"uploads/{upload['id']}") is None
        assert puts(upload, PNG) in (200, 204)

    def test_takes_them_once_more_where_an_answer_was_lost(self, api, upload):
        assert [puts(upload, content) < 300 for content in (OTHER, PNG)] == [True, True]
        assert api.get(f"/files/{completes(api, upload).json()['id']}/content").getvalue() == PNG

    def test_opens_no_other_upload(self, api, upload):
        other = wished(api, len(PNG)).json()
        moved = {"url": upload["url"].replace(upload["id"], other["id"])}
        assert puts(moved, PNG) in (403, 404)
        assert storage.size(f"uploads/{other['id']}") is None

    @pytest.mark.parametrize("kept_in", OURS, indirect=True)
    def test_of_ours_is_over_after_an_hour_and_with_its_upload(self, api, upload):
        with time_machine.travel(timezone.now() + 2 * LINK_LIVES):
            assert puts(upload, PNG) == 404
        assert puts(upload, PNG) == 204
        completes(api, upload)
        assert puts(upload, OTHER) == 404

    @pytest.mark.parametrize("kept_in", OURS, indirect=True)
    def test_of_ours_is_for_any_page(self, upload):
        address = upload["url"].partition("/api/v1")[2]
        asked = Client().options(f"/api/v1{address}", headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "PUT"})
        assert (asked.status_code, asked["Access-Control-Allow-Origin"], asked["Access-Control-Allow-Methods"]) == (204, "*", "PUT")
        put = Client().put(f"/api/v1{address}", PNG, content_type="image/png", headers={"Origin": "https://shop.example"})
        assert (put.status_code, put["Access-Control-Allow-Origin"]) == (204, "*")

    @pytest.mark.parametrize("kept_in", OURS, indirect=True)
    @pytest.mark.parametrize("question", ["", "?signature=", "?signature=x", "?signature=x&y=z"])
    def test_of_ours_is_not_guessed(self, api, upload, question):
        sent = api.sends("PUT", f"/uploads/{upload['id']}{question}", data=PNG)
        assert sent.status_code in (404, 422)
        assert storage.size(f"uploads/{upload['id']}") is None


class TestCompletion:
    def test_makes_a_file_of_what_was_put(self, api, upload, kept_in):
        puts(upload, PNG)
        answered = completes(api, upload)
        file = answered.json()
        assert (answered.status_code, file["id"], file["object"], file["name"]) == (200, upload["id"], "file", "fox.png")
        assert (file["content_type"], file["bytes"]) == ("image/png", 108)
        assert file["sha256"] == (sha256(PNG).hexdigest() if kept_in == "disk" else None)
        assert api.get(f"/files/{file['id']}").json() == file
        content = api.get(f"/files/{file['id']}/content")
        assert (content.getvalue(), bool(content["ETag"].strip('"'))) == (PNG, True)

    def test_of_a_file_makes_an_input_of_it(self, api, upload, acme):
        puts(upload, PNG)
        completes(api, upload)
        assert inputs.named(acme.id, [{"image": upload["id"]}], now=timezone.now())[upload["id"]].content_type == "image/png"

    def test_leaves_nothing_of_the_upload(self, api, upload):
        puts(upload, PNG)
        completes(api, upload)
        assert (list(storage.keys("uploads")), Upload.objects.count(), len(list(storage.keys("files")))) == ([], 0, 1)

    def test_is_final_whatever_is_put_later(self, api, upload):
        puts(upload, PNG)
        completes(api, upload)
        puts(upload, OTHER)
        assert completes(api, upload).json()["bytes"] == 108
        assert api.get(f"/files/{upload['id']}/content").getvalue() == PNG

    def test_asked_for_again_is_the_same_file(self, api, upload):
        puts(upload, PNG)
        assert completes(api, upload).json() == completes(api, upload).json()
        assert File.objects.count() == 1

    def test_waits_until_something_was_put(self, api, upload):
        assert refusal(completes(api, upload)) == (409, "not_uploaded")
        puts(upload, PNG)
        assert completes(api, upload).status_code == 200

    def test_waits_for_all_of_it_whatever_the_store_took(self, api, upload):
        keep(f"uploads/{upload['id']}", PNG[:50])
        answered = completes(api, upload)
        assert refusal(answered) == (409, "not_uploaded")
        assert answered.json()["detail"].startswith("50 of 108 bytes")
        assert list(storage.keys("files")) == []

    def test_comes_too_late_after_a_day_whether_it_was_swept_or_not(self, api, upload):
        puts(upload, PNG)
        with time_machine.travel(timezone.now() + LIVES):
            assert refusal(completes(api, upload)) == (404, "not_found")
        assert completes(api, upload).status_code == 200

    def test_refuses_what_is_no_media_and_keeps_none_of_it(self, api):
        upload = wished(api, 10).json()
        puts(upload, b"MZ\x90\x00\x03\x00\x00\x00\x04\x00")
        for _ in range(2):
            assert refusal(completes(api, upload)) == (415, "unsupported_media_type")
        assert (File.objects.count(), list(storage.keys("files"))) == (0, [])

    def test_is_for_its_account_alone(self, neighbour, upload):
        puts(upload, PNG)
        assert refusal(completes(neighbour, upload)) == (404, "not_found")
        assert not File.objects.exists()

    def test_of_what_was_never_begun_is_404(self, api):
        for id in (ids.shown("file", ids.new()), "file_x", "x"):
            assert refusal(api.post(f"/files/{id}/complete")) == (404, "not_found")

    def test_is_a_write(self, acme, upload, models):
        from accounts import keys

        reader = Api(keys.make(acme.account, "reader", now=acme.clock(), read_only=True)[1])
        assert refusal(completes(reader, upload)) == (403, "forbidden_by_key")
        assert refusal(wished(reader, 1)) == (403, "forbidden_by_key")

    def test_takes_no_body(self, api, upload):
        assert refusal(api.post(f"/files/{upload['id']}/complete", {"sha256": "0" * 64})) == (422, "invalid_request")


@pytest.mark.django_db(transaction=True)
class TestTwoCompletionsAtOnce:
    def test_make_one_file_and_leave_one_copy(self, acme, upload, settings):
        if connection.vendor == "sqlite":
            pytest.skip("SQLite has one writer")
        puts(upload, PNG)

        def complete(_) -> File:
            try:
                return direct_uploads.complete(acme.id, ids.parse("file", upload["id"]), now=timezone.now())
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as threads:
            files = list(threads.map(complete, range(4)))
        assert len({(file.id, file.key) for file in files}) == 1
        assert list(storage.keys("files")) == [files[0].key]


@pytest.mark.parametrize("kept_in", ["cos, no STS"], indirect=True)
class TestStsThatIsAway:
    def test_leaves_what_is_too_large_for_us_for_later(self, api, settings, sts):
        settings.UPLOAD_LIMIT_MB, settings.DIRECT_UPLOAD_LIMIT_MB = 1, 2
        answered = wished(api, 2_000_000)
        assert (refusal(answered), int(answered["Retry-After"]) > 0) == ((503, "unavailable"), True)
        assert (Upload.objects.count(), wished(api, 1_000_000).status_code) == (0, 201)
        sts.behave()
        assert wished(api, 2_000_000).status_code == 201


@pytest.mark.parametrize("kept_in", ["cos"], indirect=True)
class TestABucketThatIsAway:
    def test_completes_nothing_for_now(self, api, upload, in_cos):
        puts(upload, PNG)
        in_cos.will(answer(403), at="copy")
        assert refusal(completes(api, upload)) == (503, "unavailable")
        assert not File.objects.exists()
        assert completes(api, upload).status_code == 200

    def test_keeps_no_copy_that_it_could_not_look_at(self, api, upload, in_cos):
        puts(upload, PNG)
        in_cos.will(answer(403), at="get")
        assert refusal(completes(api, upload)) == (503, "unavailable")
        assert [key.partition("/")[0] for key in in_cos.objects] == ["uploads"]

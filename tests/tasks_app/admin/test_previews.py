"""Stored files in the operator's browser: for those who may, as what they are, and never as something that runs."""

import pytest
from django.contrib.auth.models import User

from tasks_app.models import File
from tasks_app.storage import storage
from tests.tasks_app.api.conftest import keep
from tests.upstreams import answer

from .conftest import output_of, page, task_of, text_of

pytestmark = pytest.mark.django_db

BYTES = bytes(range(256)) * 2000


@pytest.fixture
def output(acme):
    return output_of(task_of(acme, status="succeeded"), BYTES, thumbnail=b"small")


@pytest.fixture
def file(acme, clock):
    columns = {"name": "fox.png", "content_type": "image/png", "bytes": 3, "sha256": "0" * 64, "created_at": clock()}
    return File.objects.create(account_id=acme.id, key=keep("files/fox", b"fox"), **columns)


class TestWhoMayLook:
    @pytest.mark.parametrize("view", ["content", "thumbnail"])
    def test_an_operator_without_any_api_key(self, olga, vera, output, view):
        for operator in (olga, vera):
            assert operator.get(page(output, view)).getvalue() == {"content": BYTES, "thumbnail": b"small"}[view]

    @pytest.mark.parametrize("view", ["content", "thumbnail"])
    def test_nobody_who_is_not_signed_in(self, client, output, view):
        assert client.get(page(output, view)).url.startswith("/admin/login/")

    @pytest.mark.parametrize("view", ["content", "thumbnail"])
    def test_nobody_of_the_staff_without_the_permission(self, nobody, output, view):
        assert nobody.get(page(output, view)).status_code == 403

    def test_nobody_who_is_no_staff(self, client, output):
        client.force_login(User.objects.create_user("ann"))
        assert client.get(page(output, "content")).url.startswith("/admin/login/")

    def test_no_longer_once_the_permission_is_gone(self, olga, output):
        assert olga.get(page(output, "content"))["Cache-Control"] == "private, no-cache"

    def test_not_even_at_whether_it_is_there(self, nobody):
        assert nobody.get("/admin/tasks_app/output/output_01k8zq3v7m0000000000000000/content/").status_code == 403


class TestWhatIsSent:
    def test_is_the_file_as_what_it_is(self, olga, output):
        sent = olga.get(page(output, "content"))
        assert (sent["Content-Type"], sent["Content-Length"], sent["ETag"]) == ("image/png", "512000", f'"{output.sha256}"')
        assert sent["Content-Disposition"].startswith("inline")

    def test_is_a_part_where_a_player_asks_for_one(self, olga, output):
        sent = olga.get(page(output, "content"), headers={"Range": "bytes=262140-262150"})
        assert (sent.status_code, sent.getvalue()) == (206, BYTES[262140:262151])

    def test_is_the_length_where_the_part_does_not_exist(self, olga, output):
        sent = olga.get(page(output, "content"), headers={"Range": "bytes=512000-"})
        assert (sent.status_code, sent["Content-Range"]) == (416, "bytes */512000")

    def test_is_nothing_where_the_browser_has_it(self, olga, output):
        assert olga.get(page(output, "content"), headers={"If-None-Match": f'"{output.sha256}"'}).status_code == 304

    def test_is_a_clients_upload_too(self, olga, file):
        assert olga.get(page(file, "content")).getvalue() == b"fox"
        assert f'<img src="{page(file, "content")}"' in text_of(olga.get(page(file)))

    def test_is_not_found_where_it_is_gone(self, olga, output):
        storage.delete(output.key)
        assert olga.get(page(output, "content")).status_code == 404

    def test_is_not_found_where_there_never_was_any(self, olga, acme):
        bare = output_of(task_of(acme, status="succeeded"))
        assert olga.get(page(bare, "thumbnail")).status_code == 404
        assert olga.get("/admin/tasks_app/output/output_01k8zq3v7m0000000000000000/content/").status_code == 404
        assert olga.get("/admin/tasks_app/output/nonsense/content/").status_code == 404

    def test_is_only_read(self, olga, output):
        assert olga.post(page(output, "content")).status_code == 405


class TestABucket:
    @pytest.fixture
    def kept(self, in_cos, acme):
        return output_of(task_of(acme, status="succeeded"), BYTES)

    def test_is_read_for_the_operator(self, olga, kept):
        assert olga.get(page(kept, "content")).getvalue() == BYTES

    def test_that_is_away_is_said_to_be_so(self, olga, in_cos, kept):
        in_cos.will(answer(403), at="head")
        refused = olga.get(page(kept, "content"))
        assert (refused.status_code, refused.content) == (503, b"The storage does not answer; try again.")

    def test_that_clients_are_sent_to_downloads_what_may_not_be_shown(self, olga, in_cos, acme, settings):
        settings.CONTENT = "redirect"
        hostile = output_of(task_of(acme, status="succeeded"), b"<script>", content_type="text/html", type="text")
        assert "attachment" in olga.get(page(hostile, "content"))["Location"]


class TestAHostileFile:
    @pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/pdf", "text/plain", "application/json"])
    def test_is_downloaded_and_never_shown(self, olga, acme, content_type):
        output = output_of(task_of(acme, status="succeeded"), b"<script>alert(1)</script>", content_type=content_type, type="text")
        sent = olga.get(page(output, "content"))
        assert sent["Content-Disposition"].startswith("attachment")
        assert sent["X-Content-Type-Options"] == "nosniff"

    def test_that_is_shown_may_run_nothing(self, olga, output):
        policy = olga.get(page(output, "content"))["Content-Security-Policy"].split("; ")
        assert "sandbox" in policy
        assert "default-src 'none'" in policy

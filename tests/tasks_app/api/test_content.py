"""GET and HEAD of the bytes of outputs, thumbnails and files."""

from datetime import UTC, datetime, timedelta
from urllib.request import Request, urlopen

import pytest

from tasks_app.storage import links, storage
from tests.upstreams import answer, cut_midway

from .conftest import Api, output_of, refusal, task_of

pytestmark = pytest.mark.django_db

BYTES = bytes(range(256)) * 2000  # more than one piece of 256 KB


@pytest.fixture(autouse=True, params=["disk", "cos"])
def kept_in(request) -> str:
    """All of it holds wherever the bytes lie."""
    if request.param == "cos":
        request.getfixturevalue("in_cos")
    return request.param


@pytest.fixture
def output(acme):
    return output_of(task_of(acme, status="succeeded"), BYTES)


@pytest.fixture
def path(output) -> str:
    return links.signed_url("output", output.id).partition("/api/v1")[2].partition("?")[0]


def body(answer) -> bytes:
    return answer.getvalue()


class TestTheWhole:
    def test_is_sent_byte_for_byte(self, api, path, output):
        answer = api.get(path)
        assert answer.status_code == 200
        assert body(answer) == BYTES
        assert (answer["Content-Length"], answer["Content-Type"], answer["ETag"]) == ("512000", "image/png", f'"{output.sha256}"')
        assert answer["Accept-Ranges"] == "bytes"

    def test_is_announced_by_head_and_not_sent(self, api, path):
        answer = api.head(path)
        assert (answer.status_code, answer["Content-Length"], body(answer)) == (200, "512000", b"")

    def test_is_not_sent_again_to_who_has_it(self, api, path, output):
        answer = api.get(path, If_None_Match=f'"{output.sha256}"')
        assert (answer.status_code, answer.content) == (304, b"")

    def test_is_sent_whatever_the_accept_header_takes(self, api, path):
        assert api.get(path, Accept="image/avif,image/webp").status_code == 200

    def test_that_is_empty_has_no_bytes(self, api, acme):
        empty = output_of(task_of(acme, status="succeeded"), b"", content_type="text/plain")
        answer = api.get(f"/outputs/{links.shown('output', empty.id)}/content")
        assert (answer.status_code, answer["Content-Length"], body(answer)) == (200, "0", b"")


class TestARange:
    @pytest.mark.parametrize(
        ("asked", "start", "end"),
        [("bytes=0-0", 0, 1), ("bytes=262140-262150", 262140, 262151), ("bytes=511990-", 511990, 512000), ("bytes=-10", 511990, 512000)],
    )
    def test_is_sent_alone(self, api, path, asked, start, end):
        answer = api.get(path, Range=asked)
        assert (answer.status_code, answer["Content-Range"]) == (206, f"bytes {start}-{end - 1}/512000")
        assert body(answer) == BYTES[start:end]
        assert answer["Content-Length"] == str(end - start)

    def test_beyond_the_end_is_refused_with_the_length(self, api, path):
        answer = api.get(path, Range="bytes=512000-")
        assert refusal(answer) == (416, "range_not_satisfiable")
        assert answer["Content-Range"] == "bytes */512000"

    def test_of_another_version_gets_the_whole(self, api, path, output):
        assert api.get(path, Range="bytes=0-9", If_Range='"another"').status_code == 200
        assert api.get(path, Range="bytes=0-9", If_Range=f'"{output.sha256}"').status_code == 206


class TestWhoMayReadIt:
    def test_is_its_account_alone(self, neighbour, path):
        assert refusal(neighbour.get(path)) == (404, "not_found")
        assert refusal(neighbour.get("/outputs/output_01k8zq3v7m0000000000000000/content")) == (404, "not_found")

    def test_is_anybody_with_a_signed_link(self, output):
        signed = links.signed_url("output", output.id).partition("/api/v1")[2]
        assert body(Api().get(signed)) == BYTES

    def test_is_nobody_with_a_link_signed_for_something_else(self, output, acme):
        other = output_of(task_of(acme, status="succeeded"))
        signature = links.signed_url("output", other.id).partition("?")[2]
        path = links.signed_url("output", output.id).partition("/api/v1")[2].partition("?")[0]
        assert refusal(Api().get(f"{path}?{signature}")) == (401, "unauthenticated")

    def test_is_nobody_once_the_link_is_old(self, output, path, time_machine):
        signed = links.signed_url("output", output.id).partition("/api/v1")[2]
        time_machine.move_to(datetime.now(UTC) + links.LIVES + timedelta(minutes=1))
        assert refusal(Api().get(signed)) == (401, "unauthenticated")

    def test_is_nobody_when_it_is_gone_from_the_storage(self, api, path, output):
        storage.delete(output.key)
        assert refusal(api.get(path)) == (404, "not_found")


class TestAHostileFile:
    @pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/pdf"])
    def test_can_run_nothing_in_a_browser(self, api, acme, content_type):
        output = output_of(task_of(acme, status="succeeded"), b"<script>alert(1)</script>", content_type=content_type, type="text")
        answer = api.get(f"/outputs/{links.shown('output', output.id)}/content")
        policy = answer["Content-Security-Policy"].split("; ")
        assert policy[0] == "sandbox"
        assert "default-src 'none'" in policy
        assert not any("script-src" in rule for rule in policy)
        assert answer["X-Content-Type-Options"] == "nosniff"

    def test_is_shown_in_place_under_a_name_of_ours(self, api, path):
        assert api.get(path)["Content-Disposition"] == f'inline; filename="{path.split("/")[2]}.png"'

    def test_of_text_is_read_as_utf_8(self, api, acme):
        output = output_of(task_of(acme, status="succeeded"), "字幕".encode(), content_type="text/vtt")
        assert api.get(f"/outputs/{links.shown('output', output.id)}/content")["Content-Type"] == "text/vtt; charset=utf-8"


class TestAThumbnail:
    def test_is_a_small_picture_of_its_own(self, api, acme):
        output = output_of(task_of(acme, status="succeeded"), BYTES, thumbnail=b"small")
        answer = api.get(f"/outputs/{links.shown('output', output.id)}/thumbnail")
        assert (body(answer), answer["Content-Type"]) == (b"small", "image/webp")
        assert answer["ETag"] != f'"{output.sha256}"'

    def test_of_what_has_none_is_not_found(self, api, path):
        assert refusal(api.get(path.replace("/content", "/thumbnail"))) == (404, "not_found")

    def test_is_for_its_account_alone(self, neighbour, acme):
        output = output_of(task_of(acme, status="succeeded"), thumbnail=b"small")
        assert refusal(neighbour.get(f"/outputs/{links.shown('output', output.id)}/thumbnail")) == (404, "not_found")


@pytest.mark.parametrize("kept_in", ["disk"], indirect=True)
class TestADiskThatClientsShouldBeSentTo:
    def test_is_served_by_us_all_the_same(self, api, path, settings):
        settings.CONTENT = "redirect"
        answer = api.get(path)
        assert (answer.status_code, body(answer)) == (200, BYTES)


@pytest.mark.parametrize("kept_in", ["cos"], indirect=True)
class TestABucketThatClientsAreSentTo:
    @pytest.fixture(autouse=True)
    def redirect(self, settings):
        settings.CONTENT = "redirect"

    def test_gives_them_the_bytes_under_our_type_and_name(self, api, path):
        answer = api.get(path)
        assert (answer.status_code, answer["Cache-Control"]) == (302, "private, no-cache")
        headers, content = followed("GET", answer["Location"])
        assert content == BYTES
        assert headers["Content-Type"] == "image/png"
        assert headers["Content-Disposition"] == f'inline; filename="{path.split("/")[2]}.png"'

    def test_gives_them_ranges(self, api, path):
        headers, content = followed("GET", api.get(path)["Location"], Range="bytes=5-9")
        assert (content, headers["Content-Range"]) == (BYTES[5:10], "bytes 5-9/512000")

    def test_announces_them_by_head(self, api, path):
        headers, content = followed("HEAD", api.head(path)["Location"])
        assert (content, headers["Content-Length"]) == (b"", "512000")

    def test_is_shown_to_its_account_alone(self, neighbour, path):
        assert refusal(neighbour.get(path)) == (404, "not_found")


@pytest.mark.parametrize("kept_in", ["cos"], indirect=True)
class TestABucketThatIsAway:
    @pytest.mark.parametrize("door", ["head", "get"])
    def test_is_said_to_be_so_and_the_output_is_not_called_missing(self, api, path, in_cos, door):
        in_cos.will(answer(403), at=door)
        refused = api.get(path)
        assert refusal(refused) == (503, "unavailable")
        assert refused["Retry-After"]
        assert b"AccessDenied" not in refused.content

    def test_for_a_moment_is_not_noticed(self, api, path, in_cos):
        in_cos.will(answer(503), at="head")
        in_cos.will(answer(503), cut_midway(), at="get")
        assert body(api.get(path)) == BYTES


def followed(method: str, link: str, **headers: str):
    """Headers and body of what a link leads to."""
    with urlopen(Request(link, method=method, headers=headers), timeout=5) as answer:
        return answer.headers, answer.read()

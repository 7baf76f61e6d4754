"""Files that people put into the studio's form: small ones in a form, large ones to where files are kept, wherever that is."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
import pyvips
from playwright.sync_api import Request, Route, expect

from tasks_app.management.stage import ROOT, Stage
from tests.upstreams import Cos, Sts, answer, slow

from .studio import Studio, a_person

PATIENCE_MS = 20_000


@pytest.fixture(scope="module")
def cos():
    with Cos() as cos:
        yield cos


@pytest.fixture(scope="module")
def bucket(tmp_path_factory, cos):
    """A Darkroom with its files in a bucket that its operator has set up."""
    with Sts() as sts, Stage(tmp_path_factory.mktemp("bucket"), WEB_WORKERS="1", **cos.variables | sts.variables) as stage:
        subprocess.run([sys.executable, "manage.py", "storage", "setup"], cwd=ROOT, env=stage.environment, check=True, capture_output=True)
        yield stage


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("disk"), WEB_WORKERS="1", UPLOAD_LIMIT_MB="12") as stage:
        yield stage


@pytest.fixture
def studio(browser, bucket, cos):
    yield from at_a_desk(browser, bucket)
    cos.behave()


@pytest.fixture
def at_home(browser, disk):
    yield from at_a_desk(browser, disk)


def at_a_desk(browser, stage) -> Iterator[Studio]:
    with a_person(browser, stage.client(credits=100)) as person:
        person.enter()
        person.page.get_by_text("Stitch", exact=True).click()
        yield person
        assert person.troubles() == []


def noise(side: int) -> bytes:
    """A picture that nothing can squeeze: with a side of 3,000, of more than 8 MB."""
    return pyvips.Image.gaussnoise(side, side, mean=128, sigma=60).cast("uchar").pngsave_buffer(compression=0)


@pytest.fixture(scope="module")
def large() -> bytes:
    return noise(3000)


def puts_in(studio: Studio, picture: bytes) -> list[Request]:
    """The requests that carry a file or its length, as they are sent from now on."""
    sent: list[Request] = []
    studio.page.on("request", lambda one: sent.append(one) if one.method in ("POST", "PUT") and "/tasks" not in one.url else None)
    studio.field("images").locator("input[type=file]").set_input_files({"name": "noise.png", "mimeType": "image/png", "buffer": picture})
    return sent


def is_on_its_way(studio: Studio) -> None:
    bar = studio.field("images").locator("progress")
    expect(bar).to_be_visible(timeout=PATIENCE_MS)
    expect(bar).not_to_have_js_property("value", 0, timeout=PATIENCE_MS)


def is_there(studio: Studio) -> None:
    expect(studio.field("images").locator(".tile")).to_have_count(1, timeout=PATIENCE_MS)
    expect(studio.field("images").locator("progress")).to_have_count(0, timeout=PATIENCE_MS)
    expect(studio.field("images").locator(".fault")).to_be_hidden()


def stitched(studio: Studio) -> dict:
    with studio.page.expect_response("**/api/v1/tasks") as told:
        studio.create()
    (task,) = studio.client.wait([told.value.json()["id"]])
    return task


class TestIntoABucket:
    def test_a_large_file_goes_past_us_and_a_task_takes_it(self, studio, cos, large):
        sent = puts_in(studio, large)
        is_there(studio)
        assert [(one.method, f":{cos.port}/" in one.url) for one in sent] == [("POST", False), ("PUT", True), ("POST", False)]
        assert stitched(studio)["status"] == "succeeded"

    def test_a_small_one_goes_in_a_form(self, studio):
        sent = puts_in(studio, noise(64))
        is_there(studio)
        assert [(one.method, one.url.rpartition("/")[2]) for one in sent] == [("POST", "files")]

    def test_one_whose_way_broke_is_put_once_more(self, studio, cos, large):
        broken: list[str] = []

        def breaks(route: Route) -> None:
            broken.append(route.request.url)
            route.abort("connectionreset")

        # By the browser's hand, for a connection that was used before is dialled anew by itself.
        studio.page.route(f"**:{cos.port}/uploads/**", breaks, times=1)
        sent = puts_in(studio, large)
        is_there(studio)
        # What breaks may be the browser's question whether it may put; then it tells of no PUT that began.
        assert (len(broken), [one.method for one in sent if one.url not in broken]) == (1, ["POST", "POST"])
        assert [one.url for one in sent if one.method == "PUT"][-1] == broken[0]
        studio.forgives("ERR_CONNECTION_RESET")

    def test_one_that_broke_twice_is_told_of_and_not_kept(self, studio, cos, large):
        cos.will(answer(503), at="put", times=2)
        sent = puts_in(studio, large)
        expect(studio.field("images").locator(".fault")).to_contain_text("did not get through", timeout=PATIENCE_MS)
        expect(studio.field("images").locator(".tile")).to_have_count(0)
        assert [one.method for one in sent] == ["POST", "PUT", "PUT"]
        studio.forgives("503")

    def test_one_that_is_on_its_way_is_seen_and_can_be_stopped(self, studio, cos, large):
        cos.will(slow(500_000), at="put")
        with studio.page.expect_event("requestfailed", timeout=PATIENCE_MS) as ended:
            sent = puts_in(studio, large)
            is_on_its_way(studio)
            expect(studio.page.locator(".price")).to_have_text("1 credit")
            studio.shoot("upload")
            studio.page.get_by_role("button", name="Stop the upload").click()
        expect(studio.field("images").locator(".tile")).to_have_count(0)
        expect(studio.field("images").locator(".fault")).to_be_hidden()
        assert (ended.value.method, [one.method for one in sent]) == ("PUT", ["POST", "PUT"])

    def test_one_is_stopped_by_going_elsewhere(self, studio, cos, large):
        cos.will(slow(500_000), at="put")
        with studio.page.expect_event("requestfailed", timeout=PATIENCE_MS) as ended:
            puts_in(studio, large)
            is_on_its_way(studio)
            studio.page.get_by_role("link", name="History").click()
        assert ended.value.method == "PUT"


class TestOntoADisk:
    def test_a_large_file_comes_by_a_link_of_ours(self, at_home, large):
        sent = puts_in(at_home, large)
        is_there(at_home)
        assert [one.method for one in sent] == ["POST", "PUT", "POST"]
        assert "/api/v1/uploads/" in sent[1].url
        assert stitched(at_home)["status"] == "succeeded"

    def test_one_that_is_too_large_is_refused_before_it_is_sent(self, at_home, large):
        sent = puts_in(at_home, large + bytes(4_000_000))
        expect(at_home.field("images").locator(".fault")).to_have_text("The file is too large.", timeout=PATIENCE_MS)
        assert [one.method for one in sent] == ["POST"]

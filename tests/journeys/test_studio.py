"""The studio, as people use it: a whole Darkroom on the embedded default, its own functions, and the system's browser.

What it looked like is kept under var/screenshots/ for whoever wants to see.
"""

import subprocess
import sys

import pytest
import pyvips
from playwright.sync_api import Route, expect

from tasks_app.management.client import Client
from tasks_app.management.stage import ROOT, Stage
from tests.browser import DESKTOP, PHONE
from tests.upstreams import Receiver, hang

from .studio import a_person

PAGES = ("#/", "#/history", "#/usage", "#/keys", "#/webhooks")
FIRST_PAGE_BYTES = 150_000
LOADED = """
    performance.getEntries().filter(one => one.encodedBodySize).map(one => [new URL(one.name).pathname, one.encodedBodySize])
"""
# The form is in the page, and so is its price.
READY = "performance.getEntriesByName(new URL('/api/v1/tasks/quote', location.href).href).at(-1).responseEnd"
LENGTH = "async video => (video.readyState || await new Promise(done => video.onloadedmetadata = done), video.duration)"
# The looks of what has the focus, or of what stands for it where it is a hidden box.
LOOKS = """
    () => {
        const focused = document.activeElement;
        if (focused === document.body) return true; // between the page's last and its first
        const {outlineStyle, boxShadow} = getComputedStyle(focused.matches(".hidden-input") ? focused.nextElementSibling : focused);
        return outlineStyle !== "none" || boxShadow !== "none";
    }
"""
DROPPED = """
    bytes => {
        const carried = new DataTransfer();
        carried.items.add(new File([new Uint8Array(bytes)], "fox.png", {type: "image/png"}));
        return carried;
    }
"""
PASTE = "clipboardData => document.dispatchEvent(new ClipboardEvent('paste', {clipboardData}))"


@pytest.fixture(scope="module")
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def stage(tmp_path_factory, receiver):
    with Stage(tmp_path_factory.mktemp("studio"), EGRESS_ALLOW=f"127.0.0.1:{receiver.port}", WEB_WORKERS="1") as stage:
        yield stage


@pytest.fixture(scope="module")
def client(stage) -> Client:
    return stage.client(credits=1000)


def picture(colour: list[int]) -> bytes:
    return (pyvips.Image.black(96, 64) + colour).cast("uchar").pngsave_buffer()


class TestANewcomer:
    @pytest.fixture
    def newcomer(self, browser, stage):
        with a_person(browser, stage.client(credits=100)) as person:
            yield person
            assert person.troubles() == []

    def test_has_a_first_video_in_four_clicks(self, newcomer):
        newcomer.page.goto("/studio/")
        newcomer.shoot("door")
        newcomer.sign_in()
        newcomer.page.get_by_text("Video", exact=True).click()
        newcomer.write("a lighthouse at dusk", Length="1")
        newcomer.create()
        card = newcomer.waits_for("a lighthouse at dusk")
        assert len(newcomer.told("clicks")) <= 4

        card.hover()
        expect(card.locator("video.is-playing")).to_be_visible()
        card.get_by_role("button").click()
        playing = newcomer.page.get_by_role("dialog").locator("video")
        expect(playing).to_be_visible()
        assert playing.evaluate(LENGTH) == pytest.approx(1, abs=0.1)
        newcomer.shoot("viewer")
        assert newcomer.looked.barriers() == []
        newcomer.page.keyboard.press("Escape")
        expect(newcomer.page.get_by_role("dialog")).to_have_count(0)

    def test_waits_for_a_first_page_of_few_bytes(self, newcomer):
        newcomer.enter()
        expect(newcomer.page.locator(".price")).to_contain_text("credit")
        loaded = dict(newcomer.page.evaluate(LOADED))
        assert {"/studio/", "/static/studio/main.js", "/api/v1/models"} <= set(loaded)
        assert sum(loaded.values()) < FIRST_PAGE_BYTES
        print(f"{sum(loaded.values()):,} bytes in {len(loaded)} files, ready after {newcomer.page.evaluate(READY):.0f} ms")


class TestWriting:
    def test_is_told_the_price_live(self, studio):
        studio.write("three of them", Number="3")
        expect(studio.page.locator(".price")).to_contain_text("3 credits")
        studio.page.get_by_label("Number").first.fill("5")
        expect(studio.page.locator(".price")).to_contain_text("5 credits")

    def test_cannot_write_into_the_form_of_a_model_that_was_left(self, studio):
        """The answer that brings the next form is held back for as long as the test likes."""
        held: list[Route] = []
        studio.page.route("**/api/v1/models/darkroom/test-card-video", lambda route: held.append(route))
        studio.write("a heron")
        with studio.page.expect_request("**/api/v1/models/darkroom/test-card-video"):
            studio.page.get_by_text("Video", exact=True).click()
        expect(studio.field("prompt")).to_be_hidden()
        studio.page.get_by_role("button", name="Create", exact=True).click()
        held.pop().continue_()
        expect(studio.page.get_by_label("Length")).to_be_visible()
        expect(studio.field("prompt").get_by_role("textbox")).to_have_value("a heron")
        assert studio.tasks("a heron") == []

    def test_keeps_the_form_where_the_next_one_cannot_be_had(self, studio):
        studio.page.route(
            "**/api/v1/models/darkroom/test-card-video", lambda route: route.fulfill(status=500, json={"code": "internal_error"})
        )
        studio.write("a stork")
        studio.page.get_by_text("Video", exact=True).click()
        expect(studio.page.get_by_role("status").filter(has_text="server")).to_be_visible()
        expect(studio.field("prompt").get_by_role("textbox")).to_have_value("a stork")
        expect(studio.page.get_by_role("radio", name="Picture")).to_be_checked()
        studio.looked.troubles.clear()  # that the server failed is the test's own doing

    def test_is_told_what_is_wrong_beside_its_field(self, studio):
        studio.page.get_by_text("More options").click()
        studio.write("a red fox", Size="banana")
        at_fault = studio.field("size").locator(".fault")
        expect(at_fault).to_contain_text("must have the form of 1280x720")
        studio.create()
        expect(studio.field("size").locator("input")).to_be_focused()
        assert studio.tasks("a red fox") == []

    def test_buys_once_by_a_double_click(self, studio):
        studio.page.get_by_text("More options").click()
        studio.write("clicked twice", Size="64x64")
        studio.page.get_by_role("button", name="Create", exact=True).dblclick()
        studio.waits_for("clicked twice")
        assert len(studio.tasks("clicked twice")) == 1

    def test_buys_once_where_the_answer_is_lost(self, studio):
        sent = []

        def lose_the_first(route: Route) -> None:
            sent.append(route.request.headers["idempotency-key"])
            if len(sent) == 1:
                route.fetch()  # it reaches the server, and the wire breaks
                route.abort("connectionreset")
            else:
                route.continue_()

        studio.page.route("**/api/v1/tasks", lose_the_first)
        studio.page.get_by_text("More options").click()
        studio.write("answered twice", Size="64x64")
        studio.create()
        studio.waits_for("answered twice")
        assert sent[0] == sent[1]
        assert len(studio.tasks("answered twice")) == 1
        studio.forgives("ERR_CONNECTION_RESET")

    def test_buys_once_where_no_answer_came_and_the_page_was_loaded_anew(self, studio):
        def lose(route: Route) -> None:
            route.fetch()
            route.abort("connectionreset")

        for begins in (True, False):
            if begins:
                studio.page.route("**/api/v1/tasks", lose)
            studio.page.get_by_text("More options").click()
            studio.write("meant once", Size="64x64")
            with studio.page.expect_event(
                "requestfailed" if begins else "requestfinished", lambda it: it.method == "POST" and it.url.endswith("/tasks")
            ):
                studio.create()
            studio.page.unroute_all(behavior="wait")
            if begins:
                studio.page.reload()
        studio.waits_for("meant once")
        assert len(studio.tasks("meant once")) == 1
        studio.forgives("ERR_CONNECTION_RESET")


class TestWatching:
    def test_hears_of_tasks_that_others_make_and_asks_for_none(self, studio, client):
        asked = []
        studio.page.on("request", lambda request: asked.append(request.url) if "/tasks/task_" in request.url else None)
        client.submit("darkroom/test-card-image", {"prompt": "made elsewhere", "size": "64x64"})
        studio.waits_for("made elsewhere")
        assert [url for url in asked if "/outputs/" not in url] == []

    def test_asks_where_there_is_no_stream(self, browser, client):
        with a_person(browser, client) as person:
            person.page.route("**/account/events", lambda route: route.fulfill(status=503, body="{}"))
            person.enter()
            person.page.get_by_text("More options").click()
            person.write("asked for", Size="64x64")
            person.create()
            person.waits_for("asked for")


class TestPicking:
    def test_results_are_stitched_in_the_order_that_they_were_dragged_into(self, studio, client):
        made = client.wait(
            [client.submit("darkroom/test-card-image", {"prompt": f"pick {which}", "size": "128x96"})["id"] for which in "ab"]
        )
        studio.page.reload()
        for which in "ab":
            card = studio.waits_for(f"pick {which}")
            card.hover()
            card.get_by_role("checkbox").check()
        studio.shoot("picks")
        assert studio.looked.barriers() == []
        studio.page.get_by_role("button", name="Stitch").click()
        tiles = studio.field("images").locator(".tile")
        expect(tiles).to_have_count(2)
        tiles.nth(1).drag_to(tiles.nth(0))
        first, second = (task["id"] + "/0" for task in made)
        assert self.stitched(studio) == [second, first]

    def test_files_are_stitched_in_the_order_that_the_keyboard_gave_them(self, studio):
        studio.page.get_by_text("Stitch", exact=True).click()
        files = [
            {"name": f"{name}.png", "mimeType": "image/png", "buffer": picture(colour)}
            for name, colour in (("red", [200, 0, 0]), ("blue", [0, 0, 200]))
        ]
        studio.field("images").locator("input[type=file]").set_input_files(files)
        tiles = studio.field("images").locator(".tile")
        expect(tiles).to_have_count(2)
        expect(tiles.locator("progress")).to_have_count(0)
        names = [tiles.nth(place).get_by_role("img").get_attribute("alt") for place in (0, 1)]
        tiles.nth(0).get_by_role("button", name="Move later").focus()
        studio.page.keyboard.press("Enter")
        expect(tiles.nth(0).get_by_role("img")).to_have_attribute("alt", names[1])
        studio.shoot("stitch")
        assert len(self.stitched(studio)) == 2

    def stitched(self, studio) -> list[str]:
        """The pictures of the task that was created now, once it succeeded."""
        with studio.page.expect_response("**/api/v1/tasks") as answer:
            studio.create()
        (task,) = studio.client.wait([answer.value.json()["id"]])
        assert task["status"] == "succeeded", task["error"]
        return task["input"]["images"]

    def test_a_result_goes_into_a_video_from_its_full_view(self, studio, client):
        client.wait([client.submit("darkroom/test-card-image", {"prompt": "still", "size": "128x96"})["id"]])
        studio.page.reload()
        studio.waits_for("still").get_by_role("button").click()
        studio.page.get_by_label("Use as input").select_option("Compose a video")
        studio.field("clips").locator(".tile").wait_for()
        studio.field("clips").get_by_text("Options").click()
        studio.field("clips").get_by_label("For seconds").first.fill("0.5")
        studio.shoot("compose")
        assert studio.looked.barriers() == []
        with studio.page.expect_response("**/api/v1/tasks") as answer:
            studio.create()
        (task,) = client.wait([answer.value.json()["id"]])
        assert (task["status"], task["input"]["clips"][0]["duration"]) == ("succeeded", 0.5)

    def test_a_picture_is_pasted_into_the_form(self, studio):
        studio.page.get_by_text("Stitch", exact=True).click()
        expect(studio.field("images")).to_be_visible()
        studio.page.evaluate(PASTE, studio.page.evaluate_handle(DROPPED, list(picture([0, 200, 0]))))
        expect(studio.field("images").locator(".tile")).to_have_count(1)

    def test_pictures_are_dropped_on_the_form(self, studio):
        studio.page.get_by_text("Stitch", exact=True).click()
        dropped = studio.page.evaluate_handle(DROPPED, list(picture([0, 200, 200])))
        studio.field("images").locator(".drop").dispatch_event("drop", {"dataTransfer": dropped})
        expect(studio.field("images").locator(".tile")).to_have_count(1)


class TestAResult:
    def test_that_is_not_there_yet_is_canceled(self, studio, client):
        task = client.submit("darkroom/test-card-video", {"prompt": "an endless sea", "duration": 30, "resolution": "1080p"})
        card = studio.page.locator("article.card", has_text="an endless sea")
        card.get_by_role("button", name="Cancel").click()
        expect(card).to_contain_text("Canceled")
        assert client.task(task["id"])["cost"]["captured"] == 0

    def test_is_copied_changed_made_again_and_deleted_from_its_full_view(self, studio, client):
        client.wait([client.submit("darkroom/test-card-image", {"prompt": "a quiet pond", "size": "96x64", "seed": 7})["id"]])
        studio.page.reload()
        studio.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        studio.waits_for("a quiet pond").get_by_role("button").click()
        studio.page.get_by_role("button", name="Copy prompt").click()
        assert studio.page.evaluate("navigator.clipboard.readText()") == "a quiet pond"
        with studio.page.expect_download() as download:
            studio.page.get_by_role("link", name="Download").click()
        assert download.value.suggested_filename.endswith(".png")
        studio.page.get_by_role("button", name="Change it").click()
        expect(studio.page.get_by_label("Seed").first).to_have_value("7")

        studio.waits_for("a quiet pond").get_by_role("button").click()
        studio.page.get_by_role("dialog").get_by_role("button", name="Make again").click()
        expect(studio.cards("a quiet pond")).to_have_count(2, timeout=30_000)
        for left in (1, 0):
            studio.cards("a quiet pond").first.get_by_role("button").first.click()
            studio.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
            studio.page.get_by_role("dialog", name="Delete it?").get_by_role("button", name="Delete").click()
            expect(studio.cards("a quiet pond")).to_have_count(left)
        assert studio.tasks("a quiet pond") == []


@pytest.fixture(scope="module")
def old(stage, client) -> int:
    """Fifty tasks of the past, as the engine would have left them."""
    command = [sys.executable, "-m", "tests.journeys.studio_past", client.call("GET", "/api/v1/account")["name"]]
    subprocess.run(command, cwd=ROOT, env=stage.environment, check=True)
    return 50


class TestTheHistory:
    def test_goes_back_as_one_scrolls_and_is_searched(self, studio, old):
        studio.page.get_by_role("link", name="History").click()
        studio.page.get_by_label("Any status").select_option("expired")
        cards = studio.page.locator(".gallery .task:not([hidden])")
        for loaded in (24, 48):
            expect(cards).to_have_count(loaded)
            cards.nth(loaded - 1).scroll_into_view_if_needed()
        expect(cards).to_have_count(old)
        studio.page.get_by_label("Search in prompts").fill("old 33")
        expect(cards).to_have_count(1)
        studio.page.get_by_label("Search in prompts").fill("")
        studio.page.get_by_label("From", exact=True).fill("2036-01-01")
        expect(studio.page.get_by_text("Nothing like that.")).to_be_visible()


class TestTheAccount:
    def test_makes_a_key_that_is_shown_once_and_revokes_it(self, studio):
        studio.page.get_by_role("link", name="API keys").click()
        studio.page.get_by_label("Name").fill("our shop")
        studio.page.get_by_text("Restrict it").click()
        studio.page.get_by_label("May only read").check()
        studio.page.get_by_role("button", name="Make a key").click()
        shown = studio.page.get_by_role("dialog").get_by_role("textbox")
        key = shown.input_value()
        studio.page.get_by_role("button", name="Done").click()
        assert Client(studio.client.url, key).call("GET", "/api/v1/account")["object"] == "account"
        row = studio.page.locator(".rows li", has_text="our shop")
        expect(row).to_contain_text("read only")
        assert key not in studio.page.content()
        row.get_by_role("button", name="Revoke").click()
        studio.page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(row).to_have_count(0)

    def test_sees_by_itself_what_became_of_a_telling(self, studio, receiver):
        studio.client.call("POST", "/api/v1/webhook-endpoints", {"url": f"{receiver.url}/slow"})
        receiver.always(hang(), at="/slow")
        studio.page.get_by_role("link", name="Webhooks").click()
        studio.page.get_by_role("button", name="Send a test").click()
        delivery = studio.page.locator(".deliveries li").first
        expect(delivery).to_contain_text("Being sent")
        receiver.let_go()
        expect(delivery).to_contain_text("On its way")  # for it is sent again later
        studio.page.get_by_role("button", name="Delete").click()
        studio.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(studio.page.locator(".rows .url")).to_have_count(0)

    def test_has_a_server_told_and_told_again(self, studio, receiver):
        studio.page.get_by_role("link", name="Webhooks").click()
        studio.page.get_by_label("Address").fill("http://10.0.0.1/")
        studio.page.get_by_role("button", name="Add an endpoint").click()
        expect(studio.field("url").locator(".fault")).to_contain_text("cannot be used")
        studio.page.get_by_label("Address").fill(f"{receiver.url}/studio")
        studio.page.get_by_role("button", name="Add an endpoint").click()
        assert studio.page.get_by_role("dialog").get_by_role("textbox").input_value().startswith("whsec_")
        studio.page.get_by_role("button", name="Done").click()
        studio.page.get_by_role("button", name="Send a test").click()
        delivery = studio.page.locator(".deliveries li").first
        expect(delivery).to_contain_text("Delivered", timeout=20_000)
        delivery.get_by_role("button", name="Send again").click()
        receiver.wait_until(lambda it: sum(one.path == "/studio" for one in it.got) == 2, timeout=20)
        studio.shoot("webhooks")
        studio.page.get_by_role("button", name="New secret").click()
        studio.page.get_by_role("dialog").get_by_role("button", name="New secret").click()
        assert studio.page.get_by_role("dialog").get_by_role("textbox").input_value().startswith("whsec_")
        studio.page.get_by_role("button", name="Done").click()
        studio.page.get_by_role("button", name="Turn off").click()
        expect(studio.page.get_by_role("button", name="Turn on")).to_be_visible()
        studio.page.get_by_role("button", name="Delete").click()
        studio.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(studio.page.locator(".rows").first.locator("li")).to_have_count(0)

    def test_sees_what_it_spent(self, studio):
        studio.client.wait([studio.client.submit("darkroom/test-card-image", {"prompt": "spent"})["id"]])
        studio.page.get_by_role("link", name="Credits", exact=True).click()
        expect(studio.page.locator(".tile-fact").first).to_contain_text("free to spend")
        expect(studio.page.locator("table")).to_contain_text("darkroom/test-card-image")
        with studio.page.expect_download() as download:
            studio.page.get_by_role("link", name="Download").click()
        assert download.value.suggested_filename.endswith(".csv")


class TestTheSession:
    def test_that_the_browser_does_not_keep_is_told_of(self, browser, client):
        with a_person(browser, client) as person:
            person.page.route("**/studio/session", lambda route: route.fulfill(status=204))  # as where its cookie is refused
            person.page.goto("/studio/")
            person.page.get_by_label("API key").fill(person.key)
            person.page.get_by_role("button", name="Sign in").click()
            expect(person.page.get_by_role("alert")).to_contain_text("did not keep the session")

    def test_is_not_opened_by_what_is_no_key(self, browser, client):
        with a_person(browser, client) as person:
            person.page.goto("/studio/")
            person.page.get_by_label("API key").fill("dk_nothing")
            person.page.keyboard.press("Enter")
            expect(person.page.get_by_role("alert")).to_contain_text("unknown")
            expect(person.page.get_by_label("API key")).to_be_focused()

    def test_ends_with_its_key_and_the_page_says_so(self, studio):
        studio.page.get_by_role("link", name="API keys").click()
        studio.page.locator(".rows li", has_text="this session").get_by_role("button", name="Revoke").click()
        studio.page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(studio.page.get_by_role("alert")).to_contain_text("sign in again")
        studio.page.reload()
        expect(studio.page.get_by_label("API key")).to_be_visible()

    def test_ends_when_one_signs_out(self, studio):
        studio.page.get_by_role("button", name="Sign out").click()
        expect(studio.page.get_by_label("API key")).to_be_focused()
        studio.page.reload()
        expect(studio.page.get_by_label("API key")).to_be_visible()

    def test_keeps_the_key_nowhere_in_the_browser(self, studio):
        kept = studio.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie]) + document.documentElement.outerHTML")
        cookies = str(studio.page.context.cookies())
        assert studio.key not in kept + cookies


class TestItsLooks:
    def test_are_switched_and_kept(self, studio):
        studio.page.get_by_role("button", name="Dark or light").click()
        studio.page.get_by_role("button", name="中").click()
        expect(studio.page.get_by_role("button", name="生成", exact=True)).to_be_visible()
        studio.page.reload()
        expect(studio.page.get_by_role("link", name="历史")).to_be_visible()
        assert studio.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"

    def test_stand_still_for_whom_movement_troubles(self, browser, client):
        with a_person(browser, client, reduced_motion="reduce") as person:
            person.enter()
            video = person.page.locator(".card:has(.badge)").first
            video.hover()
            video.get_by_role("button").focus()
            expect(video.locator("video")).to_have_count(0)


class TestByKeyboardAlone:
    def test_a_picture_is_asked_for_opened_and_closed(self, browser, stage, client):
        with a_person(browser, client) as person:
            page = person.page
            page.goto("/studio/")
            expect(page.get_by_label("API key")).to_be_focused()
            page.keyboard.type(person.key)
            page.keyboard.press("Enter")
            expect(page.get_by_label("Prompt", exact=False).first).to_be_focused()
            page.keyboard.type("typed, not clicked")
            page.keyboard.press("Control+Enter")
            person.waits_for("typed, not clicked")
            person.tab_to("Open Picture: typed, not clicked")
            page.keyboard.press("Enter")
            expect(page.get_by_role("dialog")).to_be_visible()
            page.keyboard.press("ArrowRight")
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_have_count(0)
            assert person.told("clicks") == []
            assert person.troubles() == []

    def test_the_choice_of_models_is_opened_and_left_again(self, studio):
        picker = studio.page.locator(".picker")
        picker.locator("summary").focus()
        studio.page.keyboard.press("Enter")
        expect(picker.get_by_role("button", name="Test card, picture")).to_be_visible()
        studio.page.keyboard.press("Escape")
        expect(picker).not_to_have_attribute("open", "")
        studio.page.keyboard.press("Enter")
        for _ in range(2):
            studio.page.keyboard.press("Tab")
        expect(studio.field("prompt").get_by_role("textbox")).to_be_focused()
        expect(picker).not_to_have_attribute("open", "")

    def test_shows_where_the_focus_is(self, studio):
        for _ in range(12):
            studio.page.keyboard.press("Tab")
            assert studio.page.evaluate(LOOKS), studio.page.evaluate("document.activeElement.outerHTML")


# Each with each other once, in pairs.
@pytest.mark.parametrize(
    ("size", "language", "look"),
    [("desk", "en", "light"), ("desk", "zh-Hans", "dark"), ("phone", "en", "dark"), ("phone", "zh-Hans", "light")],
)
def test_every_page_fits_and_keeps_nobody_out(browser, stage, client, size, language, look):
    viewport, locale = PHONE if size == "phone" else DESKTOP, "zh-CN" if language == "zh-Hans" else "en-GB"
    with a_person(browser, client, viewport, locale=locale, color_scheme=look) as person:
        for hash in PAGES:
            person.enter(hash)
            person.page.wait_for_load_state("networkidle")
            assert person.looked.too_wide_px() <= 0, hash
            assert person.page.evaluate("document.documentElement.lang") == language
            person.shoot(f"{hash.removeprefix('#/') or 'create'}-{size}-{language}-{look}")
            assert person.looked.barriers() == [], hash
        assert person.troubles() == []

"""The clips of a video, as people put them in order and say how each is shown, in a real browser."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tasks_app.management.stage import Stage
from tests.browser import DESKTOP, PHONE

from .studio import Studio, a_person

PATIENCE_MS = 20_000
FILM = Path(__file__).parents[1] / "upstreams/clip.mp4"
LOADED = "performance.getEntriesByType('resource').map(one => new URL(one.name).pathname.split('/').at(-1))"


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("clips"), WEB_WORKERS="1") as stage:
        yield stage


@pytest.fixture(scope="module")
def client(stage):
    return stage.client(credits=1000)


@pytest.fixture(scope="module")
def results(client) -> dict[str, str]:
    """What there is to compose, and its references: a picture, a film of two seconds, and another picture."""
    orders = {
        "harbour": ("darkroom/test-card-image", {"prompt": "a harbour", "size": "160x120"}),
        "waves": ("darkroom/test-card-video", {"prompt": "waves", "duration": 2, "resolution": "480p"}),
        "tower": ("darkroom/test-card-image", {"prompt": "a tower", "size": "120x160"}),
    }
    made = client.wait([client.submit(*order)["id"] for order in orders.values()], within_s=120)
    return {name: f"{task['id']}/0" for name, task in zip(orders, made, strict=True)}


def picked(studio: Studio, *refs: str) -> Locator:
    """The rows of these results in the form, once they are there with all that may be said about them."""
    for ref in refs:
        box = studio.page.locator(f'[data-ref="{ref}"]')
        box.wait_for(state="attached", timeout=PATIENCE_MS)
        box.dispatch_event("click")
    studio.page.locator(".tray .primary").last.click()  # composing comes after stitching, where that is offered
    rows = studio.field("clips").locator(".clip")
    expect(rows).to_have_count(len(refs), timeout=PATIENCE_MS)
    return rows


def opened(row: Locator) -> Locator:
    row.locator("summary").click()
    return row


def option(row: Locator, name: str) -> Locator:
    return row.locator(f'.clip-options [data-field="{name}"]').first


def changed(studio: Studio, task: dict) -> None:
    """A finished task's form, to be changed."""
    studio.page.reload()
    studio.page.locator(f'[data-ref="{task["id"]}/0"]').locator("xpath=ancestor::article").get_by_role("button").first.click()
    studio.page.get_by_role("dialog").get_by_role("button", name="Change it").click()


def bought(studio: Studio) -> dict:
    with studio.page.expect_response("**/api/v1/tasks", timeout=PATIENCE_MS) as told:
        studio.create()
    (task,) = studio.client.wait([told.value.json()["id"]], within_s=120)
    assert task["status"] == "succeeded", task["error"]
    return task


def said(clip: dict) -> dict:
    """What a clip says beside its file, without what the schema says of every one."""
    return {name: value for name, value in clip.items() if name != "source" and (name, value) not in (("speed", 1), ("volume", 1))}


class TestAClip:
    def test_is_asked_for_what_suits_it(self, studio, results):
        first, film, last = picked(studio, *results.values()).all()
        for row in (first, film, last):
            opened(row)
        assert [option(first, name).is_visible() for name in ("motion", "speed", "transition")] == [True, False, False]
        assert [option(film, name).is_visible() for name in ("motion", "speed", "transition")] == [False, True, True]
        assert [option(last, name).is_visible() for name in ("motion", "speed", "transition")] == [True, False, True]

    def test_is_cut_moved_and_joined_as_was_said(self, studio, results):
        first, film = picked(studio, results["harbour"], results["waves"]).all()
        option(opened(first), "duration").locator("input").fill("1")
        option(first, "motion").get_by_role("switch").click()
        end = first.locator(".camera-view").last
        end.get_by_label("Zoom").fill("2")
        end.get_by_label("Left to right").fill("0.25")
        option(opened(film), "start").locator("input").fill("0.5")
        option(film, "end").locator("input").fill("1.5")
        option(film, "speed").locator("input[type=number]").fill("2")
        option(film, "transition").get_by_label("Kind").select_option("Wipe left")
        option(film, "transition").get_by_label("For seconds").fill("0.2")
        for tag in ("from 0.5 s", "to 1.5 s", "2× as fast", "Wipe left"):
            expect(film.locator("summary")).to_contain_text(tag)
        harbour, waves = bought(studio)["input"]["clips"]
        whole, part = {"zoom": 1, "x": 0.5, "y": 0.5}, {"zoom": 2, "x": 0.25, "y": 0.5}
        assert said(harbour) == {"duration": 1, "motion": {"from": whole, "to": part}}
        assert said(waves) == {"start": 0.5, "end": 1.5, "speed": 2, "transition": {"type": "wipeleft", "duration": 0.2}}

    def test_is_not_asked_how_long_where_its_end_is_said(self, studio, results):
        (film,) = picked(studio, results["waves"]).all()
        option(opened(film), "duration").locator("input").fill("9")
        option(film, "end").locator("input").fill("1")
        expect(option(film, "duration")).to_be_hidden()
        assert said(bought(studio)["input"]["clips"][0]) == {"end": 1}

    def test_is_priced_with_what_is_said_about_it(self, studio, results):
        (row,) = picked(studio, results["harbour"]).all()
        asks = studio.page.expect_request(
            lambda request: request.url.endswith("/quote") and '"duration":0.7' in (request.post_data or ""), timeout=PATIENCE_MS
        )
        with asks as asked:
            option(opened(row), "duration").locator("input").fill("0.7")
        assert json.loads(asked.value.post_data)["input"]["clips"] == [{"duration": 0.7, "source": results["harbour"]}]
        expect(studio.page.locator(".price")).to_contain_text("credits")

    def test_is_found_again_as_it_was_said(self, studio, results):
        first, last = picked(studio, results["harbour"], results["tower"]).all()
        option(opened(last), "duration").locator("input").fill("0.9")
        option(last, "motion").get_by_role("switch").click()
        option(last, "transition").get_by_label("Kind").select_option("Fade")
        option(last, "transition").get_by_label("For seconds").fill("0.1")
        option(opened(first), "duration").locator("input").fill("0.8")
        sent = bought(studio)
        changed(studio, sent)
        expect(studio.field("clips").locator(".clip summary").last).to_contain_text("Camera motion", timeout=PATIENCE_MS)
        expect(studio.field("clips").locator(".clip summary").last).to_contain_text("for 0.9 s")
        again = bought(studio)
        assert [said(clip) for clip in again["input"]["clips"]] == [said(clip) for clip in sent["input"]["clips"]]

    def test_of_this_computer_shows_itself_and_is_known_again(self, studio):
        studio.page.get_by_text("Compose", exact=True).click()
        studio.field("clips").locator("input[type=file]").set_input_files(FILM)
        row = studio.field("clips").locator(".clip")
        expect(row.locator("progress")).to_have_count(0, timeout=PATIENCE_MS)
        expect(row.locator("video")).not_to_have_js_property("videoWidth", 0, timeout=PATIENCE_MS)
        opened(row)
        assert [option(row, name).is_visible() for name in ("motion", "speed")] == [False, True]
        option(row, "end").locator("input").fill("0.5")
        sent = bought(studio)
        changed(studio, sent)
        expect(row.locator(".clip-about")).to_contain_text("clip.mp4", timeout=PATIENCE_MS)
        expect(row.locator("summary")).to_contain_text("to 0.5 s")
        expect(row.locator("video")).to_be_visible()


class TestTheirOrder:
    def test_is_changed_by_keyboard_and_what_was_said_goes_along(self, studio, results):
        rows = picked(studio, results["harbour"], results["tower"])
        option(opened(rows.nth(1)), "transition").get_by_label("Kind").select_option("Fade")
        option(rows.nth(1), "duration").locator("input").fill("0.6")
        rows.nth(1).get_by_role("button", name="Move earlier").focus()
        studio.page.keyboard.press("Enter")
        expect(rows.nth(0).locator("summary")).to_have_text("Optionsfor 0.6 s")
        expect(rows.nth(0).get_by_role("button", name="Move later")).to_be_focused()
        clips = bought(studio)["input"]["clips"]
        assert [clip["source"] for clip in clips] == [results["tower"], results["harbour"]]
        assert [said(clip) for clip in clips] == [{"duration": 0.6}, {}]  # nothing stands before it: no transition

    def test_is_changed_by_dragging_their_heads(self, studio, results):
        rows = picked(studio, results["harbour"], results["tower"])
        rows.nth(1).locator(".clip-about").drag_to(rows.nth(0).locator(".clip-about"))
        expect(rows.nth(0)).to_contain_text("a tower")


def test_the_editor_comes_with_the_first_clip(studio, results):
    own = {"clips.js", "options.js", "motion.js", "clips.css", "en-clips.js"}
    assert own & set(studio.page.evaluate(LOADED)) == set()
    picked(studio, results["harbour"])
    assert own <= set(studio.page.evaluate(LOADED))


# Each with each other once, in pairs.
@pytest.mark.parametrize(
    ("size", "language", "look"),
    [("desk", "en", "light"), ("desk", "zh-Hans", "dark"), ("phone", "en", "dark"), ("phone", "zh-Hans", "light")],
)
def test_all_of_it_fits_and_keeps_nobody_out(browser, client, results, size, language, look):
    viewport, locale = PHONE if size == "phone" else DESKTOP, "zh-CN" if language == "zh-Hans" else "en-GB"
    with a_person(browser, client, viewport, locale=locale, color_scheme=look) as person:
        person.enter()
        rows = picked(person, *results.values())
        for row in (rows.nth(0), rows.nth(1)):
            opened(row)
        option(rows.nth(0), "motion").get_by_role("switch").click()
        option(rows.nth(1), "speed").locator("input[type=number]").fill("2")
        expect(rows.nth(1).locator(".tag")).to_have_count(1)
        rows.nth(0).scroll_into_view_if_needed()
        assert person.looked.too_wide_px() <= 0
        person.shoot(f"clips-{size}-{language}-{look}")
        assert person.looked.barriers() == []
        assert person.troubles() == []

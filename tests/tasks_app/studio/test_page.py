"""The page as it is sent, before anything in it runs."""

import re

import pytest
from django.contrib.staticfiles import finders

from tasks_app.api.filters import STATUSES
from tasks_app.models import Delivery
from tasks_app.studio import page

pytestmark = pytest.mark.django_db


def policy(answer) -> dict[str, str]:
    return dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))


class TestThePage:
    def test_says_whether_its_browser_is_signed_in(self, client, acme):
        assert "data-signed-in" not in client.get("/studio/").content.decode()
        client.post("/studio/session", {"key": acme.key}, content_type="application/json", headers={"Sec-Fetch-Site": "same-origin"})
        answer = client.get("/studio/")
        assert "data-signed-in" in answer.content.decode()
        assert answer["Cache-Control"] == "private, no-cache"

    def test_is_found_without_its_last_slash(self, client):
        assert client.get("/studio").url == "/studio/"

    def test_allows_only_what_comes_from_here_and_nothing_inline(self, client):
        told = policy(client.get("/studio/"))
        assert told["default-src"] == "'none'"
        assert "unsafe" not in str(told)
        assert (told["script-src"], told["style-src"], told["connect-src"]) == ("'self'",) * 3
        assert (told["require-trusted-types-for"], told["trusted-types"]) == ("'script'", "'none'")

    def test_has_nothing_inline(self, client):
        html = client.get("/studio/").content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", html)

    def test_names_files_that_are_served(self, client):
        named = re.findall(r'(?:src|href)="/static/([^"]+)"', client.get("/studio/").content.decode())
        assert {*page.SHEETS, *page.MODULES} <= set(named)
        assert [name for name in named if finders.find(name) is None] == []
        assert client.get("/static/studio/main.js")["Content-Type"].startswith("text/javascript")


class TestTheModules:
    """What a browser would trip over, read from the text."""

    def test_turn_no_text_into_markup_or_code(self):
        for file in page.STATIC.glob("studio/**/*.js"):
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", file.read_text()), file

    def test_say_the_same_in_both_languages(self):
        english, chinese = (keys_of(name) for name in ("en", "zh"))
        # In English, fields and choices go by the schema's own names, and refusals by the API's own words.
        left = {key for key in english ^ chinese if not key.startswith(("field.", "choice.", "problem."))}
        assert left == set()

    def test_have_words_for_all_that_they_say(self):
        said = {key for file in page.STATIC.glob("studio/*.js") for key in re.findall(r'\bt\("([^"]+)"', file.read_text())}
        assert said - keys_of("en") == set()
        assert said - keys_of("zh") == set()

    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_have_words_for_each_state_that_the_api_tells(self, language):
        states = {f"status.{one}" for one in STATUSES} | {f"delivery.{one}" for one in Delivery.Status.values}
        assert states - keys_of(language) == set()


def keys_of(language: str) -> set[str]:
    texts = [file.read_text() for file in page.STATIC.glob(f"studio/words/{language}*.js")]
    return set(re.findall(r'^  "([^"]+)":', "".join(texts), re.MULTILINE))

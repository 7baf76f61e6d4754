"""docs/functions.md has every option, and a picture for each example that makes one."""

import json
from typing import ClassVar

import pytest

from scf_client import gallery, pack
from scf_client.gallery import page, show
from scf_client.gallery.example import schema

DOCS = pack.HERE.parent / "docs"
EXAMPLES = [(function, example) for function in gallery.NAMES for example in gallery.of(function).examples]


@pytest.fixture(scope="module")
def text():
    return (DOCS / "functions.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("function", gallery.NAMES)
class TestAFunction:
    def test_has_its_options_in_the_page_as_its_schema_has_them(self, function, text):
        kind = gallery.of(function).kind
        written = text[text.index(f"## {kind}\n") :].partition("\n### ")[0]
        assert written.rstrip() == page.section(function, {}).partition("\n### ")[0].rstrip(), "run: manage.py functions docs"

    def test_shows_every_option_in_an_example(self, function):
        shown = {option for example in gallery.of(function).examples for option in example.options}
        leaves = {name for name, node, _ in page.options(schema(function)) if "properties" not in node.get("items", node)}
        assert leaves - shown - {"images", "text"} == set()

    def test_describes_every_option(self, function):
        assert [name for name, node, _ in page.options(schema(function)) if not node.get("description")] == []

    def test_has_no_picture_that_no_example_makes(self, function):
        names = {example.name for example in gallery.of(function).examples}
        assert {path.stem for path in (DOCS / "pictures" / function).glob("*")} <= names


@pytest.mark.parametrize(("function", "example"), EXAMPLES, ids=lambda value: getattr(value, "name", value))
class TestAnExample:
    def test_stands_in_the_page_with_its_input(self, function, example, text):
        assert page.section(function, {}).count(f"### {example.name.replace('-', ' ').capitalize()}\n") == 1
        assert json.dumps(example.input, ensure_ascii=False) in text

    def test_has_a_small_picture_where_it_makes_one(self, function, example, text):
        file = gallery.file(function, example)
        if str(file) in text:
            assert 0 < (DOCS / file).stat().st_size <= show.MAX_BYTES


class TestWhatOptionsShare:
    VIEW: ClassVar = {"$ref": "#/$defs/view"}
    SCHEMA: ClassVar = {
        "properties": {"from": VIEW, "to": VIEW, "all": {"items": VIEW}},
        "$defs": {"view": {"properties": {"zoom": {"type": "number"}}}},
    }

    def test_is_taken_apart_once_and_named_after_that(self):
        found = {name: node.get("like") for name, node, _ in page.options(self.SCHEMA)}
        assert found == {"from": None, "from.zoom": None, "to": "from", "all": "from"}

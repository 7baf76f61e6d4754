"""What the forms of all that Darkroom brings along say in Chinese."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from providers import built_in, offers
from tasks_app.studio import page

CHINESE = set(re.findall(r'^  "([^"]+)": "[^"]+"', (page.STATIC / "studio/words/zh.js").read_text(encoding="utf-8"), re.MULTILINE))
WORD = re.compile("[a-z]{3}")  # 720p and 16:9 are read in any language
MODELS = [*built_in.MODELS, *(model for vendor in offers.names() for model in offers.of(vendor).models)]


def said(node: Any) -> Iterator[str]:
    """The keys in the dictionary of all labels and choices of a form made from this schema."""
    if isinstance(node, list):
        for below in node:
            yield from said(below)
    elif isinstance(node, dict):
        yield from (f"field.{name}" for name in node.get("properties", {}))
        yield from (f"choice.{word}" for word in node.get("enum", ()) if isinstance(word, str) and WORD.search(word))
        for below in node.values():
            yield from said(below)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_form_has_chinese_labels_and_choices(model):
    assert set(said(model.input_schema)) - CHINESE == set()

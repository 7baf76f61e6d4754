"""What the functions make of their examples is what docs/functions.md shows."""

import pytest
import pyvips

from scf_client import gallery, pack
from scf_client.gallery import page, show, write
from scf_client.gallery.stage import Refused, stage
from tests.scf_client.likeness import distance

DOCS = pack.HERE.parent / "docs"
PAGE = DOCS / "functions.md"
ALIKE = 2.5  # WebP makes a difference of 1.3 at most
PICTURES = [
    (function, example)
    for function in gallery.NAMES
    for example in gallery.of(function).examples
    if (DOCS / gallery.file(function, example)).exists()
]


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("stage")) as ground:
        yield ground


@pytest.mark.parametrize(("function", "example"), PICTURES, ids=lambda value: getattr(value, "name", value))
def test_a_picture_looks_as_it_is_shown(ground, function, example):
    output, *_ = ground.run(function, gallery.of(function).kind, example.input)
    shown = pyvips.Image.new_from_file(str(DOCS / gallery.file(function, example)))
    assert distance(show.picture(output), shown) < ALIKE


def test_a_text_reads_as_it_is_shown(tmp_path):
    (tmp_path / "functions.md").write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    write.write(["text_process"], tmp_path, tell=print)
    assert (tmp_path / "functions.md").read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8"), "run: manage.py functions docs"


def test_an_example_that_is_refused_says_why(ground):
    with pytest.raises(Refused, match="gap"):
        ground.run("image_stitch", "image.stitch", {"images": ["file_1"], "gap": -1})


class TestAPageInParts:
    def test_keeps_the_sections_of_functions_that_were_not_asked(self):
        whole = page.merged("", {name: f"## {gallery.of(name).kind}\n\n{name}\n" for name in gallery.NAMES})
        changed = page.merged(whole, {"text_process": "## text.process\n\nnew\n"})
        assert "image_stitch" in changed
        assert changed.endswith("## text.process\n\nnew\n")
        assert page.merged(whole, {}) == whole

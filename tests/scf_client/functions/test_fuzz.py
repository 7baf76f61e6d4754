"""Whatever is asked ends as outputs, or as an error that says what to change: never as a failure of the function."""

import pytest
import pyvips
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scf_client.gallery.example import schema
from tests.scf_client import inputs, samples

STITCH, TEXT = schema("image_stitch"), schema("text_process")
FILES = ("red.png", "wide.jpg", "clear.webp", "grey.png", "none.txt", "cut.png")
# Small enough that most fit, so that drawing is looked at and not the refusal of huge results.
SIZES = st.tuples(st.integers(1, 900), st.integers(1, 900)).map("{0[0]}x{0[1]}".format)
SCRIPTS = st.text("aB １,.!?:{}()。！？第一场镜头\n<&\\狐狸 #-", min_size=1, max_size=120) | st.text(min_size=1, max_size=40)
RUN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file of each name."""
    folder = tmp_path_factory.mktemp("files")
    samples.picture(folder / "red.png")
    samples.two_halves(folder / "wide.jpg", size=(300, 40), orientation=6)
    pyvips.Image.black(50, 70, bands=4).copy(interpretation="srgb").write_to_file(str(folder / "clear.webp"))
    pyvips.Image.black(1, 1).write_to_file(str(folder / "grey.png"))
    (folder / "none.txt").write_text("just some text")
    (folder / "cut.png").write_bytes((folder / "red.png").read_bytes()[:40])
    return folder


def located(value, folder):
    """An input with {"path"} in each file's place."""
    if isinstance(value, dict):
        return {name: located(below, folder) for name, below in value.items()}
    if isinstance(value, list):
        return [located(below, folder) for below in value]
    return {"path": str(folder / value)} if value in FILES else value


def is_told(answer) -> bool:
    return answer.envelope["ok"] or (answer.error["code"] in ("invalid_input", "out_of_memory") and bool(answer.error["message"]))


class TestAnyPictures:
    @RUN
    @given(given=inputs.of(STITCH, st.sampled_from(FILES[:4] * 4 + FILES[4:]), size=SIZES, cell=SIZES))
    def test_are_stitched_or_refused(self, functions, folder, given):
        answer = functions("image_stitch")("image.stitch", located(given, folder))
        assert is_told(answer), answer.envelope
        if answer.envelope["ok"]:
            made = pyvips.Image.new_from_file(str(answer.files[0]), fail=True)
            assert (made.width, made.height) == (answer.outputs[0]["width"], answer.outputs[0]["height"])
            assert made.avg() >= 0


class TestAnyText:
    @RUN
    @given(given=inputs.of(TEXT, st.nothing(), text=SCRIPTS))
    def test_is_processed_or_refused(self, functions, given):
        answer = functions("text_process")("text.process", given)
        assert is_told(answer), answer.envelope
        for path in answer.files if answer.envelope["ok"] else ():
            path.read_text(encoding="utf-8")

"""Whatever is asked ends as outputs, or as an error that says what to change: never as a failure of the function."""

import json

import pytest
import pyvips
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scf_client.gallery.example import schema
from tests.scf_client import inputs, samples

STITCH, TEXT, COMPOSE = schema("image_stitch"), schema("text_process"), inputs.whole(schema("video_compose"))
FILES = ("red.png", "wide.jpg", "clear.webp", "grey.png", "none.txt", "cut.png")
FILMS = ("red.png", "wide.jpg", "clear.webp", "film.mp4", "silent.webm")
SOUNDS = ("tone.mp3", "film.mp4", "silent.webm", "none.txt")
NAMES = {*FILES, *FILMS, *SOUNDS}
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
    samples.video(folder / "film.mp4", seconds=1, size=(64, 48), tone=440)
    samples.video(folder / "silent.webm", seconds=0.5, size=(64, 48))
    samples.tone(folder / "tone.mp3")
    (folder / "cut.png").write_bytes((folder / "red.png").read_bytes()[:40])
    return folder


def located(value, folder):
    """An input with {"path"} in each file's place."""
    if isinstance(value, dict):
        return {name: located(below, folder) for name, below in value.items()}
    if isinstance(value, list):
        return [located(below, folder) for below in value]
    return {"path": str(folder / value)} if isinstance(value, str) and value in NAMES else value


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


def clips(options):
    """A few clips of a second or less, so that a video is made soon."""
    short = {"duration": st.floats(0.04, 1), "start": st.floats(0, 1.2), "end": st.floats(0.04, 1.2)}
    return inputs.of(options, st.sampled_from(FILMS), **short).map(mostly_fitting)


def mostly_fitting(clip):
    """Without some of the words that never go together, so that more than a refusal is looked at."""
    unfit = {"motion"} if clip["source"] in FILMS[3:] else {"start", "end", "speed", "volume"}
    unfit |= {"duration"} if "end" in clip else set()
    return {name: value for name, value in clip.items() if name not in unfit}


class TestAnyClips:
    CLIP = COMPOSE["properties"]["clips"]["items"]
    SMALL = st.sampled_from(["64x64", "160x90", "90x160"])

    @settings(RUN, max_examples=40)
    @given(
        given=inputs.of(
            COMPOSE,
            st.sampled_from(SOUNDS),
            clips=st.lists(clips(CLIP), min_size=1, max_size=3),
            intro=clips(CLIP),
            outro=clips(CLIP),
            size=SMALL,
            fps=st.integers(10, 15),
        )
    )
    def test_are_composed_as_planned_or_refused(self, functions, folder, given):
        given_files = located({"size": "64x64", **given}, folder)
        answer = functions("video_compose")("video.compose", given_files)
        assert is_told(answer), (given, answer.envelope)
        if answer.envelope["ok"] and answer.outputs[0]["content_type"] != "application/json":
            told = functions("video_compose")("video.compose", {**given_files, "only_plan": True})
            assert samples.frames(answer.files[0], "0:v:0") == json.loads(told.files[0].read_text())["frames"]


class TestAnyText:
    @RUN
    @given(given=inputs.of(TEXT, st.nothing(), text=SCRIPTS))
    def test_is_processed_or_refused(self, functions, given):
        answer = functions("text_process")("text.process", given)
        assert is_told(answer), answer.envelope
        for path in answer.files if answer.envelope["ok"] else ():
            path.read_text(encoding="utf-8")

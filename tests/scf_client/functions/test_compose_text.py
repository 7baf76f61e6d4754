"""What is written over a video: subtitles in every form and look, and watermarks; by whatever text, only what is meant is drawn."""

from pathlib import Path
from random import Random

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scf_client.functions.common.errors import Invalid
from scf_client.functions.video_compose import ass, subtitles, watermark
from tests.scf_client import samples
from tests.scf_client.samples import BLUE, RED, is_like

SRT = "1\n00:00:00,000 --> 00:00:01,000\n{}\n"
ASS = """[Script Info]
PlayResX: 640
PlayResY: 360

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, \
ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Big,Arial,60,&H0000FF00,&H000000FF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,2,0,8,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.00,0:00:01.00,Big,,0,0,0,,{}
"""


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    return {name: samples.picture(folder / f"{name}.png", colour, size=(160, 90)) for name, colour in (("red", RED), ("blue", BLUE))}


@pytest.fixture
def changed(compose, media):
    """How far each pixel of a frame is from what it is without the words that are given."""

    def look(second=0.5, seconds=2, **words):
        plain = {"clips": [{"source": media["red"], "duration": seconds}], "size": "640x360"}
        first, *others = plain.pop("clips")
        with_words, without = (samples.frame(compose([first, *others], **plain, **more).files[0], second) for more in (words, {}))
        return (with_words - without).abs()

    return look


def rows(image):
    """Where in the height something is: the first and the last row, as shares."""
    top = image.max() and next(y for y in range(image.height) if image.crop(0, y, image.width, 1).max() > 60)
    bottom = next(y for y in range(image.height - 1, -1, -1) if image.crop(0, y, image.width, 1).max() > 60)
    return top / image.height, bottom / image.height


class TestMutilatedSubtitles:
    BITS = ("Style:", "Format:", "Dialogue:", "[Events]", "[Fonts]", "&H", "-1", "9" * 20, ",", ":", "\n", "{", "}", "nan", "1e999", "-->")

    @pytest.mark.filterwarnings("ignore:Failed to parse")
    @pytest.mark.parametrize("whole", [SRT.format("hello"), ASS.format("hello"), f"WEBVTT\n\n{SRT.format('hello')}"])
    def test_are_read_or_refused(self, tmp_path, whole):
        dice, refused = Random(7), 0
        for turn in range(300):
            text = list(whole)
            for _ in range(dice.randint(1, 6)):
                at = dice.randrange(len(text) + 1)
                text[at : at + dice.choice([0, 0, 1, 20])] = dice.choice([*self.BITS, ""])
            folder = tmp_path / str(turn)
            folder.mkdir()
            try:
                subtitles.write({"text": "".join(text), "as": "burnt"}, (640, 360), folder, track="srt", begin=0, end=9)
            except Invalid:
                refused += 1
        assert 0 < refused < 300


class TestBurntSubtitles:
    @pytest.mark.parametrize(("position", "least", "most"), [("bottom", 0.75, 1), ("middle", 0.4, 0.6), ("top", 0, 0.25)])
    def test_stand_where_asked(self, changed, position, least, most):
        top, bottom = rows(changed(subtitles={"text": SRT.format("hello"), "position": position}))
        assert least <= top < bottom <= most

    def test_keep_the_margin_that_was_asked_for(self, changed):
        near, far = (rows(changed(subtitles={"text": SRT.format("hello"), "margin": margin}))[1] for margin in (0, 120))
        assert near - far == pytest.approx(120 / 360, abs=0.02)

    def test_have_the_colours_that_were_asked_for(self, compose, media):
        style = {"colour": "#00ff00", "background": "#0000ff"}
        answer = compose([{"source": media["red"], "duration": 1}], size="640x360", subtitles={"text": SRT.format("hello"), "style": style})
        foot = samples.frame(answer.files[0], 0.5).crop(220, 300, 200, 50)
        red, green, blue = foot[0], foot[1], foot[2]
        assert ((green > 180) & (red < 100)).max() == 255
        assert ((blue > 180) & (red < 100)).avg() > 0.05 * 255, "no box"

    def test_wait_for_the_end_of_the_intro_and_end_before_the_outro(self, compose, media):
        text = "1\n00:00:00,000 --> 00:00:09,000\nhello\n"
        ends = {name: {"source": media["red"], "duration": 1} for name in ("intro", "outro")}
        given = {"size": "640x360", **ends}
        path, plain = (
            compose([{"source": media["red"], "duration": 1}], **given, **more).files[0] for more in ({"subtitles": {"text": text}}, {})
        )
        seen = [(samples.frame(path, at) - samples.frame(plain, at)).abs().max() > 150 for at in (0.8, 1.1, 1.8, 2.1)]
        assert seen == [False, True, True, False]


class TestSubtitlesInAss:
    def test_look_as_their_file_says(self, compose, media):
        path = compose([{"source": media["red"], "duration": 1}], size="640x360", subtitles={"text": ASS.format("HELLO")}).files[0]
        head = samples.frame(path, 0.5).crop(0, 0, 640, 90)
        assert ((head[1] > 180) & (head[0] < 100)).max() == 255

    @pytest.mark.parametrize("word", [{"size": 20}, {"position": "top"}, {"margin": 3}, {"style": {}}])
    def test_take_no_other_look(self, compose, media, word):
        (name,) = word
        error = compose([{"source": media["red"]}], subtitles={"text": ASS.format("x"), **word}).error
        assert error["field"] == f"subtitles.{name}"

    @pytest.mark.parametrize(
        "hostile",
        [
            r"{\p1}m 0 0 l 640 0 640 360 0 360{\p0}",
            r"{\pos(320,180)\p4}m 0 0 l 9000 0 9000 9000{\p0}{\an1}",
            r"{\iclip(1,m 0 0 l 640 360)}{\clip(0,0,640,360)}",
            r"{\t(0,1000,\fscx9000)}",
        ],
    )
    def test_draw_no_shapes(self, changed, hostile):
        assert changed(subtitles={"text": ASS.format(hostile)}).max() < 60


class TestALineOfAss:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            (r"{\b1}bold{\b0}", r"{\b1}bold{\b0}"),
            (r"{\pos(12.5,-3)\fs9000\c&H00FF00&}x", r"{\pos(12.5,-3)\c&H00FF00&}x"),
            (r"{\fnEvil\t(\fscx900)\blur99}x", "x"),
            (r"{\p1}m 0 0{\p0}x", "x"),
            (r"{a comment}x\Ny", r"x\Ny"),
            (r"{\b1", r"{\b1}"),
        ],
    )
    def test_keeps_what_is_harmless(self, given, kept):
        assert ass.words(given) == kept

    @given(st.text(alphabet=r"{}\()pbt1,&H;xfnclip0", max_size=60))
    def test_holds_nothing_but_harmless_commands_whatever_it_was(self, text):
        for block in ass.words(text).split("{")[1:]:
            commands = block.partition("}")[0]
            assert ass.HARMLESS.sub("", commands) == ""

    @given(st.text(max_size=80))
    def test_is_one_line_of_the_file_whatever_it_was(self, text):
        subtitles = pysubs2.SSAFile()
        subtitles.append(pysubs2.SSAEvent(start=0, end=1000, text=text))
        written = ass.tamed(subtitles).to_string("ass")
        assert sum(line.startswith("Dialogue:") for line in written.split("\n")) == 1
        assert not [line for line in written.split("\n") if line.startswith("[") and line not in SECTIONS]


SECTIONS = {"[Script Info]", "[V4+ Styles]", "[Events]"}


class TestHostileWords:
    NASTY = (
        "'; movie=/etc/passwd [x]",
        r"%{localtime} \: ' \\ [0:v]nullsink;",
        "a:b=c,d;e[f]'g\\h%",
        "</span><b>x",
        "&amp; <i>x",
        "\x00a\x01b\x7f",
    )

    @pytest.mark.parametrize("text", NASTY)
    def test_are_letters_in_a_watermark_and_in_subtitles(self, changed, text):
        assert changed(watermark={"text": text, "opacity": 1}).max() > 60
        assert changed(subtitles={"text": SRT.format(text)}).max() > 60

    def test_never_come_near_a_filter_graph(self):
        given = {"text": "'; movie=x", "position": "top", "margin": 3, "size": 20, "opacity": 1}
        assert "movie" not in watermark.filters(given, "1:v", 0, 10)

    def test_in_the_name_of_a_file_are_a_name(self, compose, media, tmp_path):
        odd = tmp_path / "a'b;[x]%,=: \\c.png"
        odd.write_bytes(Path(media["red"]["path"]).read_bytes())
        assert compose([{"source": {"path": str(odd)}, "duration": 0.3}], watermark={"image": {"path": str(odd)}}).outputs


class TestSubtitlesAsATrack:
    @pytest.mark.parametrize(("format_", "codec"), [("mp4", "mov_text"), ("webm", "webvtt")])
    def test_can_be_read_again_from_the_file(self, compose, media, format_, codec):
        text = "1\n00:00:00,200 --> 00:00:00,800\nhello {braces}\n\n2\n00:00:00,900 --> 00:00:09,000\n你好\n"
        answer = compose(
            [{"source": media["red"], "duration": 2}],
            intro={"source": media["red"], "duration": 1},
            subtitles={"text": text, "as": "track"},
            output_format=format_,
        )
        assert f"Subtitle: {codec}" in samples.said(answer.files[0])
        how = ("-c", "copy", "-f", "webvtt") if format_ == "webm" else ("-f", "srt")
        written = samples.ffmpeg("-i", str(answer.files[0]), "-map", "0:s", *how, "pipe:1").decode()
        cues = pysubs2.SSAFile.from_string(written)
        assert [(cue.start, cue.end) for cue in cues] == [(1200, 1800), (1900, 3000)]
        assert "hello {braces}" in written
        assert cues[1].plaintext == "你好"

    @pytest.mark.parametrize("word", [{"size": 20}, {"position": "top"}, {"margin": 3}, {"style": {}}])
    def test_take_no_look(self, compose, media, word):
        (name,) = word
        error = compose([{"source": media["red"]}], subtitles={"text": SRT.format("x"), "as": "track", **word}).error
        assert error["field"] == f"subtitles.{name}"


class TestAWatermark:
    @pytest.mark.parametrize(
        ("position", "place"), [("top-left", (0, 0)), ("bottom-right", (1, 1)), ("centre", (0.5, 0.5)), ("top", (0.5, 0))]
    )
    def test_lies_where_asked(self, compose, media, position, place):
        mark = {"image": media["blue"], "position": position, "size": 25, "margin": 0, "opacity": 1}
        image = samples.frame(compose([{"source": media["red"], "duration": 0.5}], watermark=mark).files[0], 0)
        inside = [round(10 + share * (side - 20)) for share, side in zip(place, (160, 90), strict=True)]
        assert is_like(image(*inside), BLUE, within=20)
        assert is_like(image(80, 90 - 20 if place[1] == 0 else 20), RED, within=20)

    def test_is_as_faint_as_asked(self, compose, media):
        mark = {"image": media["blue"], "position": "centre", "size": 50, "opacity": 0.5}
        half = [(one + other) / 2 for one, other in zip(RED, BLUE, strict=True)]
        assert is_like(
            samples.frame(compose([{"source": media["red"], "duration": 0.5}], watermark=mark).files[0], 0)(80, 45), half, within=25
        )

    def test_may_be_a_text_in_chinese_and_in_a_colour(self, compose, media):
        mark = {"text": "暗房 Darkroom", "size": 60, "opacity": 1, "colour": "#00ff00"}
        image = samples.frame(compose([{"source": media["red"], "duration": 0.5}], size="640x360", watermark=mark).files[0], 0)
        assert ((image[1] > 180) & (image[0] < 100)).max() == 255

    def test_leaves_intro_and_outro_alone(self, compose, media):
        mark = {"image": media["blue"], "position": "centre", "size": 50, "opacity": 1}
        ends = {name: {"source": media["red"], "duration": 1} for name in ("intro", "outro")}
        path = compose([{"source": media["red"], "duration": 1}], watermark=mark, **ends).files[0]
        seen = [is_like(samples.frame(path, at)(80, 45), BLUE, within=20) for at in (0.9, 1, 1.9, 2)]
        assert seen == [False, True, True, False]

    @pytest.mark.parametrize(
        ("mark", "field"),
        [
            ({"text": " "}, "watermark.text"),
            ({}, "watermark"),
            ({"text": "a", "image": "b"}, "watermark.text"),
            ({"image": "/etc/passwd"}, "watermark.image"),
        ],
    )
    def test_that_is_none_is_refused(self, compose, media, mark, field):
        assert compose([{"source": media["red"]}], watermark=mark).error["field"] == field

"""The files that a composed video is written as, and its cover."""

import pytest
import pyvips

from tests.scf_client import samples
from tests.scf_client.samples import BLUE, GREEN, RED, is_like


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    return {
        "red": samples.picture(folder / "red.png", RED, size=(160, 90)),
        "blue": samples.picture(folder / "blue.png", BLUE, size=(160, 90)),
        "green": samples.video(folder / "green.mp4", GREEN, tone=440),
        "tone": samples.tone(folder / "tone.mp3"),
    }


def two(media):
    return [{"source": media["red"], "duration": 1}, {"source": media["green"], "duration": 1}]


class TestAnMp4:
    def test_has_h264_and_aac_and_plays_before_it_is_loaded(self, compose, media):
        (path,) = compose(two(media)).files
        content = path.read_bytes()
        assert "Video: h264" in samples.said(path)
        assert "Audio: aac" in samples.said(path)
        assert content.index(b"moov") < content.index(b"mdat")


class TestAWebm:
    def test_has_vp9_and_opus_and_the_planned_frames(self, compose, media):
        answer = compose(two(media), output_format="webm")
        path, said = answer.files[0], samples.said(answer.files[0])
        assert answer.outputs[0]["content_type"] == "video/webm"
        assert ("Video: vp9" in said, "Audio: opus" in said, samples.frames(path)) == (True, True, 20)
        assert is_like(samples.frame(path, 0.5)(80, 45), RED, within=20)
        assert is_like(samples.frame(path, 1.5)(80, 45), GREEN, within=20)

    def test_has_the_same_bytes_each_time(self, compose, media):
        assert len({compose(two(media), output_format="webm", size="640x360").outputs[0]["sha256"] for _ in range(2)}) == 1


class TestAGif:
    def test_has_the_planned_frames_in_their_colours_and_no_sound(self, compose, media):
        answer = compose(two(media), output_format="gif")
        picture = pyvips.Image.new_from_file(str(answer.files[0]), n=-1)
        assert answer.outputs[0]["content_type"] == "image/gif"
        assert sum(picture.get("delay")) == 2000
        assert samples.frames(answer.files[0]) == 20
        assert is_like(picture(80, 45), RED, within=20)
        assert is_like(picture(80, picture.height - 45), GREEN, within=20)

    @pytest.mark.parametrize("repeat", [True, False])
    def test_repeats_as_asked(self, compose, media, repeat):
        (path,) = compose(two(media), output_format="gif", repeat=repeat).files
        assert (b"NETSCAPE2.0" in path.read_bytes()) == repeat

    @pytest.mark.parametrize(
        ("word", "field"),
        [
            ({"fps": 60}, "fps"),
            ({"loudness": -14}, "loudness"),
            ({"cover": "attached"}, "cover"),
            ({"subtitles": {"text": "x", "as": "track"}}, "subtitles.as"),
        ],
    )
    def test_refuses_what_it_cannot_hold(self, compose, media, word, field):
        assert compose(two(media), output_format="gif", **word).error["field"] == field

    @pytest.mark.parametrize("name", ["music", "voice"])
    def test_refuses_sound(self, compose, media, name):
        assert compose(two(media), output_format="gif", **{name: {"source": media["tone"]}}).error["field"] == name

    def test_of_more_than_a_minute_is_refused(self, compose, media):
        assert compose([{"source": media["red"], "duration": 61}], output_format="gif").error["field"] == "clips"

    def test_of_more_pixels_than_fit_is_refused(self, compose, media):
        error = compose([{"source": media["red"], "duration": 60}], output_format="gif", size="1920x1080", fps=25).error
        assert (error["field"], "3,110 million pixels" in error["message"]) == ("output_format", True)

    def test_alone_repeats(self, compose, media):
        assert compose(two(media), repeat=False).error["field"] == "repeat"


class TestACover:
    @pytest.mark.parametrize("format_", ["mp4", "webm", "gif"])
    def test_is_the_frame_of_its_second(self, compose, media, format_):
        clips = [{"source": media["red"], "duration": 1}, {"source": media["blue"], "duration": 1}]
        for second, colour in ((0.9, RED), (1, BLUE)):
            answer = compose(clips, cover="output", cover_at=second, output_format=format_)
            assert [output["content_type"] for output in answer.outputs][1:] == ["image/jpeg"]
            assert (answer.outputs[1]["width"], answer.outputs[1]["height"]) == (160, 90)
            assert is_like(pyvips.Image.new_from_file(str(answer.files[1]))(80, 45), colour, within=12)

    def test_lies_in_the_file_where_asked(self, compose, media):
        answer = compose(two(media), cover="attached", cover_at=1.5)
        said = samples.said(answer.files[0])
        assert len(answer.outputs) == 1
        assert "attached pic" in said
        assert said.index("Video: h264") < said.index("attached pic")
        assert samples.frames(answer.files[0], stream="0:v:0") == 20
        drawn = samples.ffmpeg("-i", str(answer.files[0]), "-map", "0:v:1", "-f", "image2pipe", "-c:v", "png", "pipe:1")
        assert is_like(pyvips.Image.new_from_buffer(drawn, "")(80, 45), GREEN, within=20)
        content = answer.files[0].read_bytes()
        assert content.index(b"moov") < content.index(b"mdat")

    def test_after_the_end_is_refused(self, compose, media):
        assert compose(two(media), cover="output", cover_at=2).error["field"] == "cover_at"

    def test_is_only_attached_to_an_mp4(self, compose, media):
        assert compose(two(media), cover="attached", output_format="webm").error["field"] == "cover"

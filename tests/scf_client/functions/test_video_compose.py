import pytest

from tests.scf_client import samples
from tests.scf_client.function import Function
from tests.scf_client.samples import BLUE, GREEN, RED, is_like

FADE = {"type": "fade", "duration": 1}


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A red picture, a green video of 2 s with a tone, a silent blue one, and 1 s of music."""
    folder = tmp_path_factory.mktemp("media")
    return {
        "red": samples.picture(folder / "red.png", RED, size=(160, 90)),
        "green": samples.video(folder / "green.mp4", GREEN, tone=440),
        "blue": samples.video(folder / "blue.webm", BLUE),
        "halves": samples.two_halves(folder / "halves.png", size=(90, 90)),
        "music": samples.tone(folder / "music.mp3", hertz=220),
    }


def at(answer, second):
    image = samples.frame(answer.files[0], second)
    return image(image.width // 2, image.height // 2)


class TestClipsInOrder:
    def test_are_cut_hard_where_no_transition_is_asked_for(self, compose, media):
        answer = compose([{"source": media["red"], "duration": 1}, {"source": media["green"]}, {"source": media["blue"], "end": 1}])
        assert answer.outputs[0]["duration"] == 4
        assert samples.frames(answer.files[0]) == 40
        for second, colour in ((0, RED), (0.9, RED), (1, GREEN), (2.9, GREEN), (3, BLUE), (3.9, BLUE)):
            assert is_like(at(answer, second), colour, within=20), second

    def test_fade_into_each_other_over_the_time_that_was_asked_for(self, compose, media):
        answer = compose([{"source": media["red"], "duration": 2}, {"source": media["blue"]}], transition=FADE)
        assert answer.outputs[0]["duration"] == 3
        half = [(one + other) / 2 for one, other in zip(RED, BLUE, strict=True)]
        assert is_like(at(answer, 0.9), RED, within=20)
        assert is_like(at(answer, 1.5), half, within=30)
        assert is_like(at(answer, 2.1), BLUE, within=20)

    def test_are_trimmed_to_start_and_end(self, compose, media, tmp_path):
        changing = compose([{"source": media["red"], "duration": 1}, {"source": media["blue"], "duration": 1}])
        source = {"path": str(changing.files[0])}
        answer = compose([{"source": source, "start": 0.5, "end": 1.5}])
        assert answer.outputs[0]["duration"] == 1
        assert is_like(at(answer, 0.2), RED, within=20)
        assert is_like(at(answer, 0.8), BLUE, within=20)

    def test_a_picture_shows_for_three_seconds_and_a_short_video_holds_its_last_picture(self, compose, media):
        assert compose([{"source": media["red"]}]).outputs[0]["duration"] == 3
        held = compose([{"source": media["green"], "duration": 4}])
        assert is_like(at(held, 3.9), GREEN, within=20)
        assert samples.frames(held.files[0]) == 40

    def test_give_the_same_bytes_each_time(self, compose, media):
        clips = [{"source": media["halves"], "duration": 2}, {"source": media["green"]}, {"source": media["red"], "duration": 2}]
        digests = {compose(clips, transition={"type": "fade", "duration": 0.5}, size="640x640").outputs[0]["sha256"] for _ in range(3)}
        assert len(digests) == 1

    def test_many_of_them_need_no_more_memory(self, compose, media):
        clips = [{"source": media["red"], "duration": 0.5}, {"source": media["green"], "end": 0.5}] * 20
        answer = compose(clips, transition={"type": "fade", "duration": 0.2}, size="1280x720")
        assert samples.frames(answer.files[0]) == 40 * 5 - 39 * 2


class TestThePicture:
    def test_has_size_and_rate_and_starts_to_play_before_it_is_loaded(self, compose, media):
        answer = compose([{"source": media["red"], "duration": 1}], size="320x180", fps=24)
        said, content = samples.said(answer.files[0]), answer.files[0].read_bytes()
        assert "320x180" in said
        assert "24 fps" in said
        assert "yuv420p" in said
        assert content.index(b"moov") < content.index(b"mdat")

    def test_contain_shows_all_on_the_background_and_cover_fills_the_frame(self, compose, media):
        clip = {"source": media["halves"], "duration": 0.5}
        contained = samples.frame(compose([clip], background="#ffffff").files[0], 0)
        covered = samples.frame(compose([clip], fit="cover").files[0], 0)
        assert is_like(contained(5, 45), (255, 255, 255))
        assert is_like(contained(60, 45), RED, within=20)
        assert is_like(contained(100, 45), BLUE, within=20)
        assert is_like(covered(5, 45), RED, within=20)
        assert is_like(covered(155, 45), BLUE, within=20)


class TestTheSound:
    def test_is_that_of_the_clips_each_at_its_place(self, compose, media):
        answer = compose(
            [{"source": media["red"], "duration": 1}, {"source": media["green"], "end": 1}, {"source": media["blue"], "end": 1}]
        )
        path = answer.files[0]
        assert samples.loudness(path, 0.1, 0.9) < -60
        assert samples.loudness(path, 1.2, 1.8) > -30
        assert samples.loudness(path, 2.2, 2.9) < -60

    def test_of_two_clips_is_faded_into_each_other_at_an_even_level(self, compose, media):
        path = compose([{"source": media["green"]}] * 2, transition=FADE).files[0]
        assert abs(samples.loudness(path, 1.3, 1.7) - samples.loudness(path, 0.2, 0.8)) < 4

    def test_there_is_none_where_no_clip_has_any(self, compose, media):
        assert "Audio:" not in samples.said(compose([{"source": media["red"], "duration": 1}]).files[0])

    def test_music_lasts_as_long_as_the_video_and_fades(self, compose, media):
        music = {"source": media["music"], "fade_in": 1, "fade_out": 1}
        path = compose([{"source": media["red"], "duration": 4}], music=music).files[0]
        assert samples.loudness(path, 0, 0.2) < samples.loudness(path, 1.5, 2.5) - 10
        assert samples.loudness(path, 3.8, 4) < samples.loudness(path, 1.5, 2.5) - 10
        assert samples.loudness(path, 2.5, 3) > -40

    def test_music_is_as_loud_as_asked_and_leaves_the_clips_be(self, compose, media):
        clips = [{"source": media["green"]}]
        loud, quiet, none = (
            compose(clips, music={"source": media["music"], "volume": volume, "fade_out": 0}).files[0] for volume in (1, 0.1, 0)
        )
        levels = [samples.loudness(path, 0.5, 1.5) for path in (loud, quiet, none)]
        assert levels[0] > levels[1] + 1 >= levels[2] + 1
        assert abs(levels[2] - samples.loudness(compose(clips).files[0], 0.5, 1.5)) < 1


SRT = "1\n00:00:00,000 --> 00:00:01,000\n{}\n"


class TestSubtitles:
    def drawn(self, compose, media, subtitles, second=0.5):
        """The foot of the picture with these subtitles, and how far it is from the same without."""
        clip = [{"source": media["red"], "duration": 2}]
        answer = compose(clip, subtitles=subtitles, size="640x360")
        plain = compose(clip, size="640x360")
        picture, without = (samples.frame(one.files[0], second) for one in (answer, plain))
        return picture.crop(0, 260, 640, 100), (picture - without).abs()

    @pytest.mark.parametrize(("one", "other"), [("你好，世界", "再见，朋友"), ("hello", "there")])
    def test_are_really_drawn_in_chinese_and_in_latin(self, compose, media, one, other):
        first, apart = self.drawn(compose, media, {"text": SRT.format(one)})
        second, _ = self.drawn(compose, media, {"text": SRT.format(other)})
        assert apart.max() > 150
        assert (first - second).abs().max() > 150

    def test_have_a_glyph_for_each_character_and_no_box(self, compose, media):
        first, second = (self.drawn(compose, media, {"text": SRT.format(text)})[0] for text in ("永", "和"))
        assert (first - second).abs().max() > 150

    def test_are_drawn_in_our_font_where_the_system_has_none(self, media, tmp_path):
        # Without a font ffmpeg draws nothing and says that all is well.
        (tmp_path / "fonts.conf").write_text('<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig/>')
        function = Function("video_compose", tmp_path, FONTCONFIG_FILE=str(tmp_path / "fonts.conf"))
        given = {"clips": [{"source": media["red"], "duration": 1}], "size": "640x360", "fps": 10}
        pictures = [
            samples.frame(function("video.compose", {**given, "subtitles": {"text": SRT.format(text)}}).files[0], 0.5) for text in "永和"
        ]
        function.end()
        assert (pictures[0] - pictures[1]).abs().max() > 150

    def test_are_shown_at_their_time_only(self, compose, media):
        assert self.drawn(compose, media, {"text": SRT.format("hello")}, second=1.5)[1].max() < 30

    def test_come_from_a_file_and_as_webvtt_too(self, compose, media, tmp_path):
        (tmp_path / "a.srt").write_text("\ufeff" + SRT.format("你好"), encoding="utf-8")
        assert self.drawn(compose, media, {"source": {"path": str(tmp_path / "a.srt")}})[1].max() > 150
        assert self.drawn(compose, media, {"text": "WEBVTT\n\n00:00.000 --> 00:01.000\n你好\n"})[1].max() > 150

    def test_are_larger_where_asked(self, compose, media):
        heights = [self.drawn(compose, media, {"text": SRT.format("hello"), "size": size})[1] for size in (12, 60)]
        assert (heights[0] > 100).avg() < (heights[1] > 100).avg() / 3

    def test_cannot_draw_or_hide_anything_by_commands_of_another_format(self, compose, media):
        drawing = r"{\p1\pos(0,0)\an7}m 0 0 l 640 0 640 200 0 200{\p0}"
        _, apart = self.drawn(compose, media, {"text": SRT.format(drawing)})
        assert apart.crop(0, 0, 640, 200).max() < 30
        assert self.drawn(compose, media, {"text": SRT.format("{braces}")})[1].max() > 150

    @pytest.mark.parametrize("text", ["no subtitles at all", "1\n00:00:xx --> what\n", "WEBVTT\n\n"])
    def test_that_are_none_are_refused(self, compose, media, text):
        assert compose([{"source": media["red"]}], subtitles={"text": text}).error["field"] == "subtitles.text"

    def test_that_are_no_text_are_refused(self, compose, media):
        error = compose([{"source": media["red"]}], subtitles={"source": media["music"]}).error
        assert (error["code"], error["field"]) == ("invalid_input", "subtitles.source")


class TestAWrongInput:
    @pytest.mark.parametrize(
        ("clip", "field"),
        [
            ({"name": "red", "start": 1}, "clips[1].start"),
            ({"name": "red", "end": 1}, "clips[1].end"),
            ({"name": "green", "start": 2.5}, "clips[1].start"),
            ({"name": "green", "start": 1, "end": 0.5}, "clips[1].end"),
            ({"name": "green", "end": 1, "duration": 1}, "clips[1].duration"),
            ({"name": "music"}, "clips[1].source"),
            ({"name": "green", "duration": 601}, "clips[1].duration"),
        ],
    )
    def test_is_refused_with_its_field(self, compose, media, clip, field):
        wrong = {"source": media[clip["name"]], **{name: value for name, value in clip.items() if name != "name"}}
        error = compose([{"source": media["red"]}, wrong]).error
        assert (error["code"], error["field"]) == ("invalid_input", field)

    def test_a_clip_that_is_shorter_than_its_transitions_is_named(self, compose, media):
        clips = [{"source": media["red"], "duration": 3}, {"source": media["red"], "duration": 1}, {"source": media["red"]}]
        assert compose(clips, transition=FADE).error["field"] == "clips[1]"

    def test_more_than_ten_minutes_are_refused(self, compose, media):
        assert compose([{"source": media["red"], "duration": 301}] * 2).error["field"] == "clips"

    def test_music_without_sound_is_refused(self, compose, media):
        assert compose([{"source": media["red"]}], music={"source": media["blue"]}).error["field"] == "music.source"

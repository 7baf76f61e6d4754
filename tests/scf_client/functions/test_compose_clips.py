"""What is done with single clips, and between two of them, as the finished video shows it."""

import itertools
import json
from pathlib import Path
from random import Random

import pytest
import pyvips

from scf_client.functions import video_compose
from tests.scf_client import samples
from tests.scf_client.samples import BLUE, GREEN, RED, is_like

SCHEMA = json.loads(Path(video_compose.__file__).with_name("schema.json").read_text(encoding="utf-8"))
TRANSITIONS = SCHEMA["$defs"]["transition"]["properties"]["type"]["enum"]


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    return {
        "red": samples.picture(folder / "red.png", RED, size=(160, 90)),
        "halves": samples.two_halves(folder / "halves.png", size=(160, 90)),
        "square": samples.two_halves(folder / "square.png", size=(90, 90)),
        "green": samples.video(folder / "green.mp4", GREEN, tone=440),
        "blue": samples.video(folder / "blue.webm", BLUE),
    }


def middle(path, second):
    image = samples.frame(path, second)
    return image(image.width // 2, image.height // 2)


def planned(compose, clips, **given):
    return json.loads(compose(clips, only_plan=True, **given).files[0].read_text())


class TestATransition:
    @pytest.mark.parametrize("name", [name for name in TRANSITIONS if name != "cut"])
    def test_shows_something_of_its_own_and_takes_the_time_that_was_asked_for(self, compose, media, name):
        clips = [{"source": media["halves"], "duration": 1}, {"source": media["green"], "duration": 1}]
        faded = compose(clips, transition={"type": name, "duration": 0.6}).files[0]
        assert samples.frames(faded) == 14
        before, after = samples.frame(faded, 0.3), samples.frame(faded, 1.1)
        assert is_like(before(40, 45), RED, within=20)
        assert is_like(after(40, 45), GREEN, within=20)
        between = samples.frame(faded, 0.7)
        assert (between - before).abs().avg() > 5, "nothing of the later clip is seen"
        assert (between - after).abs().avg() > 5, "nothing of the earlier clip is seen"

    def test_may_differ_between_neighbours_and_be_a_cut(self, compose, media):
        clips = [{"source": media["red"], "duration": 1}, {"source": media["green"], "duration": 1, "transition": {"type": "cut"}}]
        clips += [{"source": media["blue"], "duration": 1, "transition": {"type": "wipeleft", "duration": 0.4}}]
        path = compose(clips, transition={"type": "fade", "duration": 0.5}).files[0]
        assert samples.frames(path) == 26
        assert is_like(middle(path, 0.9), RED, within=20)
        assert is_like(middle(path, 1.0), GREEN, within=20)
        wiped = samples.frame(path, 1.8)
        assert is_like(wiped(20, 45), GREEN, within=20)
        assert is_like(wiped(140, 45), BLUE, within=20)


class TestIntroAndOutro:
    def test_stand_before_and_after_the_clips(self, compose, media):
        answer = compose(
            [{"source": media["red"], "duration": 1}],
            intro={"source": media["green"], "duration": 0.5},
            outro={"source": media["blue"], "duration": 0.5},
        )
        path = answer.files[0]
        assert (answer.outputs[0]["duration"], samples.frames(path)) == (2, 20)
        assert [is_like(middle(path, at), colour, within=20) for at, colour in ((0, GREEN), (1, RED), (1.6, BLUE))] == [True] * 3


class TestSpeed:
    def test_of_two_shows_twice_as_much_in_the_same_time(self, compose, media):
        changing = compose([{"source": media["red"], "duration": 1}, {"source": media["blue"], "duration": 1}]).files[0]
        path = compose([{"source": {"path": str(changing)}, "speed": 2}]).files[0]
        assert samples.frames(path) == 10
        assert is_like(middle(path, 0.3), RED, within=20)
        assert is_like(middle(path, 0.7), BLUE, within=20)

    @pytest.mark.parametrize("speed", [0.25, 0.5, 1.5, 4])
    def test_leaves_the_pitch_of_the_sound(self, compose, media, speed):
        path = compose([{"source": media["green"], "speed": speed}]).files[0]
        lasts = 2 / speed
        assert samples.frames(path) == round(lasts * 10)
        assert samples.pitch(path, lasts * 0.3, lasts * 0.7) == pytest.approx(440, rel=0.02)
        assert samples.loudness(path, lasts * 0.8, lasts * 0.95) > -40


class TestVolume:
    def test_of_a_clip_is_its_own(self, compose, media):
        path = compose(
            [{"source": media["green"], "volume": 0.1}, {"source": media["green"]}, {"source": media["green"], "volume": 0}]
        ).files[0]
        quiet, plain, silent = (samples.loudness(path, at, at + 1) for at in (0.5, 2.5, 4.5))
        assert plain - quiet == pytest.approx(20, abs=1.5)
        assert silent < -80


class TestMotion:
    @pytest.fixture
    def edge(self, tmp_path):
        return samples.two_halves(tmp_path / "edge.png", (0, 0, 0), (255, 255, 255), size=(1280, 720))

    def test_goes_from_one_part_to_the_other(self, compose, media):
        motion = {"from": {"zoom": 2, "x": 0}, "to": {"zoom": 2, "x": 1}}
        path = compose([{"source": media["halves"], "duration": 2, "motion": motion}]).files[0]
        first, last = samples.frame(path, 0), samples.frame(path, 1.9)
        assert [is_like(first(x, 45), RED, within=20) for x in (5, 150)] == [True] * 2
        assert [is_like(last(x, 45), BLUE, within=20) for x in (5, 150)] == [True] * 2

    def test_is_even_without_a_tremble(self, compose, edge):
        clip = {"source": edge, "duration": 4, "motion": {"from": {"zoom": 4, "x": 0.49}, "to": {"zoom": 4, "x": 0.51}}}
        path = compose([clip], size="320x180").files[0]
        # Where the edge is, to a fraction of a pixel, is how much of the frame is black.
        edges = [320 - samples.frame(path, place / 10).avg() / 255 * 320 for place in range(40)]
        steps = [before - after for before, after in itertools.pairwise(edges)]
        assert sum(steps) == pytest.approx(25.6, abs=0.5)
        # A filter that rounds to whole pixels stands still and jumps.
        assert all(0.4 < step < 0.9 for step in steps), steps

    def test_inwards_ends_at_a_sharp_picture(self, compose, tmp_path):
        stripes = (pyvips.Image.xyz(1280, 720)[0] / 4 % 2 < 1).ifthenelse(255, 0)
        stripes.bandjoin([stripes, stripes]).copy(interpretation="srgb").write_to_file(str(tmp_path / "stripes.png"))
        clip = {"source": {"path": str(tmp_path / "stripes.png")}, "duration": 1, "motion": {"from": {}, "to": {"zoom": 2}}}
        last = samples.frame(compose([clip], size="640x360").files[0], 0.9).extract_band(1)
        assert last.deviate() > 100, "stripes of four pixels are grey mud"

    def test_gives_the_same_bytes_each_time(self, compose, edge):
        clip = {"source": edge, "duration": 1, "motion": {"from": {"zoom": 1.3, "y": 0.2}, "to": {}}}
        assert len({compose([clip]).outputs[0]["sha256"] for _ in range(2)}) == 1


class TestABlurredGround:
    @pytest.mark.parametrize("name", ["square", "film"])
    def test_fills_the_frame_with_the_clips_own_colours(self, compose, media, tmp_path, name):
        film = compose([{"source": media["square"], "duration": 1}], size="90x90").files[0]
        source = {"path": str(film)} if name == "film" else media["square"]
        image = samples.frame(compose([{"source": source, "duration": 1}], fit="blur").files[0], 0)
        assert is_like(image(50, 45), RED, within=20)
        assert is_like(image(110, 45), BLUE, within=20)
        assert is_like(image(5, 45), RED, within=30)
        assert is_like(image(155, 45), BLUE, within=30)

    @pytest.mark.parametrize("size", [(1, 3000), (3000, 1), (2, 2)])
    def test_may_be_that_of_a_strip(self, compose, tmp_path, size):
        assert compose([{"source": samples.picture(tmp_path / "strip.png", size=size), "duration": 0.5}], fit="blur").outputs


class TestTheShape:
    @pytest.mark.parametrize(
        ("words", "size"),
        [
            ({"aspect_ratio": "9:16", "resolution": "480p"}, (480, 854)),
            ({"aspect_ratio": "1:1", "resolution": "480p"}, (480, 480)),
            ({"resolution": "480p"}, (854, 480)),
        ],
    )
    def test_is_as_asked(self, functions, media, words, size):
        given = {"clips": [{"source": media["red"], "duration": 0.2}], "fps": 10, **words}
        (output,) = functions("video_compose")("video.compose", given).outputs
        assert (output["width"], output["height"]) == size

    def test_is_said_once(self, functions, media):
        given = {"clips": [{"source": media["red"]}], "size": "160x90", "aspect_ratio": "1:1"}
        assert functions("video_compose")("video.compose", given).error["field"] == "aspect_ratio"


class TestAnOddVideo:
    ODD = {
        "another rate": ("testsrc=s=160x90:r=24000/1001:d=2", "-pix_fmt", "yuv420p"),
        "four colours a pixel": ("testsrc=s=160x90:r=10:d=2", "-pix_fmt", "yuv444p"),
        "ten bits": ("testsrc=s=160x90:r=10:d=2", "-pix_fmt", "yuv420p10le"),
        "odd pixels": ("testsrc=s=160x90:r=10:d=2,scale=120:90,setsar=4/3", "-pix_fmt", "yuv420p"),
        "a moving rate": ("testsrc=s=160x90:r=30:d=2,select='not(mod(n,7))+lt(n,20)'", "-fps_mode", "vfr", "-pix_fmt", "yuv420p"),
        "full range": ("testsrc=s=160x90:r=10:d=2", "-pix_fmt", "yuvj420p"),
    }

    @pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
    def test_is_as_long_as_planned_and_looks_alike(self, compose, tmp_path, odd):
        source, *how = odd
        samples.ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", *how, str(tmp_path / "odd.mp4"))
        clips = [{"source": {"path": str(tmp_path / "odd.mp4")}}] * 2
        fade = {"type": "fade", "duration": 0.3}
        path = compose(clips, transition=fade).files[0]
        assert samples.frames(path) == planned(compose, clips, transition=fade)["frames"]
        samples.ffmpeg("-f", "lavfi", "-i", "testsrc=s=160x90:r=10:d=2", "-frames:v", "1", str(tmp_path / "plain.png"))
        assert (samples.frame(path, 0) - pyvips.Image.new_from_file(str(tmp_path / "plain.png"))).abs().avg() < 12

    def test_that_was_filmed_upright_stands_upright(self, compose, media, tmp_path):
        film = compose([{"source": media["halves"], "duration": 1}]).files[0]
        samples.ffmpeg("-display_rotation", "90", "-i", str(film), "-c", "copy", str(tmp_path / "upright.mp4"))
        image = samples.frame(compose([{"source": {"path": str(tmp_path / "upright.mp4")}}], size="90x160").files[0], 0)
        assert is_like(image(45, 140), RED, within=20)
        assert is_like(image(45, 20), BLUE, within=20)

    @pytest.mark.parametrize("curve", ["smpte2084", "arib-std-b67"])
    def test_that_is_too_bright_for_a_plain_screen_keeps_its_lights_apart(self, compose, tmp_path, curve):
        bright = ("-color_primaries", "bt2020", "-color_trc", curve, "-colorspace", "bt2020nc", "-color_range", "tv")
        ramp = "gradients=s=160x90:c0=black:c1=white:x0=0:y0=0:x1=159:y1=0:d=1:r=10"
        how = ("-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-x265-params", "log-level=none", *bright)
        samples.ffmpeg("-f", "lavfi", "-i", ramp, *how, str(tmp_path / "hdr.mp4"))
        path = compose([{"source": {"path": str(tmp_path / "hdr.mp4")}}]).files[0]
        levels = [samples.frame(path, 0)(x, 45)[1] for x in (5, 60, 100, 155)]
        assert levels == sorted(levels)
        assert levels[-1] - levels[0] > 100
        assert "bt709" in samples.said(path)


class TestThePlan:
    @pytest.mark.parametrize("seed", range(4))
    def test_is_kept_to_the_frame(self, compose, media, seed):
        dice = Random(seed)
        clips = [self.clip(dice, media) for _ in range(dice.randint(2, 4))]
        given = {"transition": {"type": dice.choice(TRANSITIONS), "duration": 0.1 + dice.random() / 5}, "fps": dice.choice([12, 24, 25])}
        told = planned(compose, clips, **given)
        answer = compose(clips, **given)
        assert samples.frames(answer.files[0]) == told["frames"]
        assert answer.outputs[0]["duration"] == pytest.approx(told["frames"] / told["fps"])
        assert samples.seconds(answer.files[0]) == pytest.approx(told["seconds"], abs=0.011)

    def clip(self, dice, media):
        name = dice.choice(["red", "green", "blue"])
        length = {"duration": dice.randint(70, 120) / 100} if dice.random() < 0.5 or name == "red" else {"start": dice.random() / 2}
        return {"source": media[name], **length, **({} if name == "red" else {"speed": dice.choice([0.5, 1, 1.3])})}

    def test_tells_when_each_clip_is_shown(self, compose, media):
        told = planned(compose, [{"source": media["red"]}, {"source": media["green"]}], transition={"type": "fade"}, fps=20)
        assert told == {
            "frames": 90,
            "seconds": 4.5,
            "fps": 20,
            "clips": [
                {"clip": "clips[0]", "from_frame": 0, "frames": 60, "from_second": 0, "overlap_frames": 0},
                {"clip": "clips[1]", "from_frame": 50, "frames": 40, "from_second": 2.5, "overlap_frames": 10},
            ],
        }

    def test_refuses_what_cannot_be_made(self, compose, media):
        assert compose([{"source": media["red"], "duration": 301}] * 2, only_plan=True).error["field"] == "clips"


class TestAClipThatBreaksOffWhileItFadesOut:
    def test_is_named_and_not_the_one_after_it(self, compose, media, tmp_path):
        picture = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2,noise=alls=12:allf=t:all_seed=7")
        samples.ffmpeg("-filter_threads", "1", *picture, "-c:v", "libx264", "-threads", "1", "-g", "25", str(tmp_path / "whole.mp4"))
        content = bytearray((tmp_path / "whole.mp4").read_bytes())
        at = int(len(content) * 0.85)
        content[at : at + 2000] = Random(7).randbytes(2000)
        (tmp_path / "broken.mp4").write_bytes(content)
        clips = [{"source": {"path": str(tmp_path / "broken.mp4")}}, {"source": media["green"]}]
        error = compose(clips, transition={"type": "fade", "duration": 1}).error
        assert (error["code"], error["field"]) == ("invalid_input", "clips[0].source")

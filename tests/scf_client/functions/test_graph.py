"""The filter graphs of clips, as text."""

from pathlib import Path

import pytest

from scf_client.functions.common import ffmpeg
from scf_client.functions.common.ffmpeg import Streams
from scf_client.functions.common.media import File
from scf_client.functions.video_compose import graph
from scf_client.functions.video_compose.clips import PICTURE, Clip
from scf_client.functions.video_compose.graph import COLOURS, Frame
from scf_client.functions.video_compose.motion import Motion, View

FRAME = Frame(640, 360, 25, "contain", "#102030")
FILM, DRAWING = File(Path("a.mp4"), "clips[0].source", "video", "mov"), File(Path("a.png"), "clips[0].source", "picture", "png")
PLAIN, HDR = Streams(4.0, "h264", has_audio=True), Streams(4.0, "hevc", has_audio=True, is_hdr=True)


class TestAVideosGraph:
    def test_brings_it_to_the_frame_and_holds_its_last_picture(self):
        assert graph.of_clip(Clip(FILM, PLAIN, 100), FRAME) == (
            "[0:v]scale=iw*sar:ih,setsar=1,scale=640:360:force_original_aspect_ratio=decrease,pad=640:360:-1:-1:color=0x102030,"
            f"fps=25:start_time=0,tpad=stop_mode=clone:stop=-1,{COLOURS}[picture]"
        )

    def test_changes_the_pace_before_frames_are_counted(self):
        text = graph.of_clip(Clip(FILM, PLAIN, 100, speed=0.3), FRAME)
        assert text.index("setpts=PTS/0.300000") < text.index("fps=25")

    def test_brings_down_what_is_too_bright_for_a_plain_screen_after_it_was_scaled(self):
        text = graph.of_clip(Clip(FILM, HDR, 100), FRAME)
        assert text.index("pad=") < text.index("tonemap") < text.index("fps=25")
        assert "tonemap" not in graph.of_clip(Clip(FILM, PLAIN, 100), FRAME)

    def test_begins_with_the_last_frames_of_the_clip_before(self):
        text = graph.of_clip(Clip(FILM, PLAIN, 100, transition="circleopen", overlap=10), FRAME)
        assert text.endswith(
            f"[own];[1:v]{ffmpeg.IS_BT709}[before];[before][own]xfade=transition=circleopen:duration=0.400000:offset=0,format=yuv420p[picture]"
        )


class TestAPicturesGraph:
    def test_repeats_it_once_it_is_fitted(self):
        assert graph.of_clip(Clip(DRAWING, PICTURE, 75), FRAME).endswith(f"{COLOURS},loop=loop=-1:size=1[picture]")

    def test_draws_what_is_looked_at_closely_larger(self):
        motion = Motion(View(1, 0.5, 0.5), View(1.5, 0.5, 0.5))
        text = graph.of_clip(Clip(DRAWING, PICTURE, 75, motion=motion), FRAME)
        assert text.startswith("[0:v]scale=960:540:")
        assert text.endswith("eval=frame,scale=640:360:flags=bilinear[picture]")

    @pytest.mark.parametrize(
        ("view", "edges"),
        [
            (View(1, 0.2, 0.9), (0, 0, 1, 1)),
            (View(2, 0.5, 0.5), (0.25, 0.25, 0.75, 0.75)),
            (View(2, 0, 1), (0, 0.5, 0.5, 1)),
            (View(4, 0.5, 0.1), (0.375, 0, 0.625, 0.25)),
        ],
    )
    def test_never_looks_past_its_borders(self, view, edges):
        assert view.edges == pytest.approx(edges)

    def test_moves_from_the_first_frame_to_the_last(self):
        text = Motion(View(2, 0, 0), View(1, 0.5, 0.5)).filter(11)
        assert "x1='W*(0.500000+0.500000*(on-1)/10)':y1='H*(0.000000+0.000000*(on-1)/10)'" in text
        assert "/1)" in Motion(View(2, 0, 0), View(1, 0.5, 0.5)).filter(1)


class TestABlurredGround:
    def test_is_cut_to_shape_before_it_is_scaled(self):
        text = graph.of_clip(Clip(FILM, PLAIN, 100), Frame(360, 640, 25, "blur", "#000000"))
        assert text.index("crop=w='min(iw,max(2,ih*360/640))'") < text.index("scale=45:80") < text.index("gblur") < text.index("overlay")


class TestTheLargestSizeOfTheSameShape:
    @pytest.mark.parametrize(
        ("size", "fits"), [((1000, 1000), (360, 360)), ((1280, 720), (640, 360)), ((10, 90_000), (1, 360)), ((64, 36), (640, 360))]
    )
    def test_fits(self, size, fits):
        assert graph.inside(size, (640, 360)) == fits

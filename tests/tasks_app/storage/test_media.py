"""What is told of real files, of broken ones, and of hostile ones, by decoders in processes of their own."""

import asyncio
import struct
import subprocess
import zlib

import imageio_ffmpeg
import pytest
import pyvips

from tasks_app.storage import media
from tasks_app.storage.media import Examined, NotMedia

FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y"]


def examine(path):
    return asyncio.run(media.examine(path))


def picture_of(thumbnail):
    """Of a thumbnail: its width, its height and its mean brightness."""
    image = pyvips.Image.new_from_buffer(thumbnail, "")
    assert image.get("vips-loader").startswith("webp")
    return image.width, image.height, image.avg()


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """A folder with one good file of each sort."""
    folder = tmp_path_factory.mktemp("shelf")
    grey = pyvips.Image.black(1000, 500, bands=3).linear(1, 100).cast("uchar").copy(interpretation="srgb")
    for name in ("a.png", "a.jpg", "a.webp", "a.gif", "a.avif"):
        grey.write_to_file(str(folder / name))
    upright = grey.copy()
    upright.set_type(pyvips.GValue.gint_type, "orientation", 6)
    upright.write_to_file(str(folder / "upright.jpg"))
    grey.bandjoin(0).write_to_file(str(folder / "clear.png"))
    grey.resize(0.1).write_to_file(str(folder / "small.png"))
    # Black for a second and white after it, with a key frame at each second.
    black_then_white = ["-f", "lavfi", "-i", "color=white:size=640x360:rate=10:duration=3", "-vf", "fade=in:0:10,format=yuv420p"]
    long_black = ["-f", "lavfi", "-i", "color=white:size=64x36:rate=2:duration=30", "-vf", "fade=in:0:18,format=yuv420p"]
    sound = ["-f", "lavfi", "-i", "sine=duration=2"]
    for name, made in {
        "a.mp4": [*black_then_white, "-g", "10", "-movflags", "+faststart"],
        "few.mp4": [*black_then_white, "-g", "1000", "-sc_threshold", "0", "-force_key_frames", "0,0.9"],
        "long.mp4": [*long_black, "-g", "10"],
        "a.mov": [*black_then_white, "-g", "10"],
        "a.webm": [*black_then_white, "-g", "10", "-c:v", "libvpx-vp9", "-cpu-used", "8"],
        "a.mp3": sound,
        "a.wav": sound,
        "a.ogg": sound,
        "a.m4a": sound,
        "sound.mp4": sound,
        "cover.mp3": [*sound, "-i", folder / "a.png", "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic"],
    }.items():
        subprocess.run([*FFMPEG, *made, folder / name], check=True)
    subprocess.run([*FFMPEG, "-display_rotation", "90", "-i", folder / "a.mp4", "-c", "copy", folder / "upright.mp4"], check=True)
    return folder


class TestPictures:
    @pytest.mark.parametrize(
        ("name", "content_type"),
        [("a.png", "image/png"), ("a.jpg", "image/jpeg"), ("a.webp", "image/webp"), ("a.gif", "image/gif"), ("a.avif", "image/avif")],
    )
    def test_have_a_type_a_size_and_a_thumbnail(self, shelf, name, content_type):
        seen = examine(shelf / name)
        assert (seen.type, seen.content_type, seen.width, seen.height, seen.duration) == ("image", content_type, 1000, 500, None)
        width, height, brightness = picture_of(seen.thumbnail)
        assert (width, height) == (480, 240)
        assert brightness == pytest.approx(100, abs=3)

    def test_that_a_camera_held_upright_took_are_shown_upright(self, shelf):
        seen = examine(shelf / "upright.jpg")
        assert (seen.width, seen.height) == (500, 1000)
        assert picture_of(seen.thumbnail)[:2] == (240, 480)

    def test_keep_their_transparency(self, shelf):
        assert pyvips.Image.new_from_buffer(examine(shelf / "clear.png").thumbnail, "").hasalpha()

    def test_are_not_blown_up(self, shelf):
        assert picture_of(examine(shelf / "small.png").thumbnail)[:2] == (100, 50)

    def test_are_what_they_are_whatever_their_name(self, shelf, tmp_path):
        (tmp_path / "song.mp3").write_bytes((shelf / "a.png").read_bytes())
        assert examine(tmp_path / "song.mp3").content_type == "image/png"


class TestVideos:
    @pytest.mark.parametrize(("name", "content_type"), [("a.mp4", "video/mp4"), ("a.mov", "video/quicktime"), ("a.webm", "video/webm")])
    def test_have_a_size_a_duration_and_a_poster_that_is_not_the_black_start(self, shelf, name, content_type):
        seen = examine(shelf / name)
        assert (seen.type, seen.content_type, seen.width, seen.height) == ("video", content_type, 640, 360)
        assert seen.duration == pytest.approx(3, abs=0.1)
        width, height, brightness = picture_of(seen.thumbnail)
        assert (width, height) == (480, 270)
        assert brightness > 200

    def test_with_few_key_frames_have_the_last_one_before_two_seconds_as_their_poster(self, shelf):
        assert picture_of(examine(shelf / "few.mp4").thumbnail)[2] > 150

    def test_that_are_long_have_a_poster_from_a_third_into_them(self, shelf):
        assert picture_of(examine(shelf / "long.mp4").thumbnail)[2] > 200

    def test_that_were_cut_off_early_have_their_start_as_their_poster(self, shelf, tmp_path):
        whole = (shelf / "a.mp4").read_bytes()
        first_frames = whole.index(b"mdat") + (len(whole) - whole.index(b"mdat")) // 2  # the encoder's own note takes the first third
        (tmp_path / "a.mp4").write_bytes(whole[:first_frames])
        seen = examine(tmp_path / "a.mp4")
        assert seen.duration == pytest.approx(3, abs=0.1)
        assert picture_of(seen.thumbnail)[2] < 50

    def test_that_were_filmed_upright_are_shown_upright(self, shelf):
        seen = examine(shelf / "upright.mp4")
        assert (seen.width, seen.height) == (360, 640)
        assert picture_of(seen.thumbnail)[:2] == (270, 480)

    def test_that_claim_to_be_longer_than_they_are_still_have_a_poster(self, shelf, tmp_path):
        before, mark, after = (shelf / "a.webm").read_bytes().partition(b"\x44\x89\x88")  # Matroska's Duration, in milliseconds
        (tmp_path / "a.webm").write_bytes(before + mark + struct.pack(">d", 4e6) + after[8:])
        seen = examine(tmp_path / "a.webm")
        assert seen.duration == 4000
        assert picture_of(seen.thumbnail)[:2] == (480, 270)


class TestSounds:
    @pytest.mark.parametrize(
        ("name", "content_type"),
        [
            ("a.mp3", "audio/mpeg"),
            ("a.wav", "audio/wav"),
            ("a.ogg", "audio/ogg"),
            ("a.m4a", "audio/mp4"),
            ("sound.mp4", "audio/mp4"),
            ("cover.mp3", "audio/mpeg"),
        ],
    )
    def test_have_a_duration_and_nothing_to_show(self, shelf, name, content_type):
        seen = examine(shelf / name)
        assert (seen.type, seen.content_type, seen.width, seen.thumbnail) == ("audio", content_type, None, None)
        assert seen.duration == pytest.approx(2, abs=0.1)


class TestTexts:
    def test_have_a_type_alone(self, tmp_path):
        (tmp_path / "a").write_text("1\n00:00:00,000 --> 00:00:01,000\n你好\n")
        assert examine(tmp_path / "a") == Examined("text", "application/x-subrip")


class TestBrokenFiles:
    @pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif", "a.avif", "a.mp4", "a.mov", "a.webm", "a.mp3", "a.wav", "a.ogg"])
    @pytest.mark.parametrize("kept", [64, 700])
    def test_that_end_too_soon_are_told_by_their_first_bytes(self, shelf, tmp_path, name, kept):
        (tmp_path / name).write_bytes((shelf / name).read_bytes()[:kept])
        seen = examine(tmp_path / name)
        assert seen.content_type == media.content_type(shelf / name)

    def test_with_the_size_still_readable_keep_it(self, tmp_path):
        (tmp_path / "a.png").write_bytes(png_header(1000, 500) + chunk(b"IDAT", b"nonsense"))
        assert examine(tmp_path / "a.png") == Examined("image", "image/png", 1000, 500)

    @pytest.mark.parametrize("content", [b"", b"\x7fELF\x02\x01", b"PK\x03\x04zip", b"\x00" * 5000])
    def test_that_are_nothing_we_keep_are_refused(self, tmp_path, content):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(NotMedia):
            examine(tmp_path / "a.png")


class TestHostileFiles:
    @pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (20_000, 16_000)])
    def test_of_too_many_pixels_have_a_size_and_no_thumbnail(self, tmp_path, width, height):
        # Black and white, 320 million pixels are 40 MB: the smaller one could well be drawn, and would take its time.
        rows = zlib.compress(bytes(16_000 * (1 + 20_000 // 8)), 9)
        (tmp_path / "a.png").write_bytes(png_header(width, height, depth=1, color=0) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
        assert examine(tmp_path / "a.png") == Examined("image", "image/png", width, height)

    def test_that_want_more_memory_than_a_child_has_harm_nobody(self, tmp_path):
        # Interlaced, so that the decoder must hold all 297 million pixels at once.
        header = png_header(17_200, 17_200, depth=16, interlaced=True)
        rows = zlib.compress(bytes(30_000_000), 9)
        (tmp_path / "a.png").write_bytes(header + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
        assert examine(tmp_path / "a.png").content_type == "image/png"

    def test_that_are_playlists_are_text_and_nothing_they_name_is_opened(self, tmp_path):
        (tmp_path / "a.mp4").write_text("#EXTM3U\n#EXTINF:1\nfile:///etc/passwd\n")
        assert examine(tmp_path / "a.mp4") == Examined("text", "text/plain")

    def test_whose_names_look_like_options_or_protocols_are_files(self, shelf, tmp_path):
        for name in ("-i", "concat:a|b", "%03d.png", "a.png[page=-1]"):
            (tmp_path / name).write_bytes((shelf / "a.png").read_bytes())
            assert examine(tmp_path / name).content_type == "image/png"


class TestAnAnswer:
    def test_may_say_anything_and_nothing_but_facts_gets_in(self):
        printed = b'{"width": 5, "height": "6"}\n[1]\nnull\n{"duration": NaN, "thumbnail": "AAAA", "type": "evil"}\n{"wid'
        assert media._examined("video/mp4", printed) == Examined("video", "video/mp4", width=5)


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_header(width, height, *, depth=8, color=2, interlaced=False):
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced))

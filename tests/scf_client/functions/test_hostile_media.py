"""Files that are not what they say. Each ends as an error that names its input, soon; the functions live on (conftest.py looks)."""

import struct
import time
import zlib
from pathlib import Path
from random import Random

import pytest

from tests.scf_client import samples

PATIENCE_S = 10


@pytest.fixture
def good(tmp_path):
    return samples.picture(tmp_path / "good.png")


def written(path, content: bytes) -> dict[str, str]:
    path.write_bytes(content)
    return {"path": str(path)}


def cut(path, given, part: float = 0.5) -> dict[str, str]:
    content = Path(given["path"]).read_bytes()
    return written(path, content[: int(len(content) * part)])


def overwritten(path, given, part: float = 0.5, size: int = 512) -> dict[str, str]:
    """`given` with `size` bytes of rubbish in it, the same each time."""
    content = bytearray(Path(given["path"]).read_bytes())
    at = int(len(content) * part)
    content[at : at + size] = Random(7).randbytes(size)
    return written(path, bytes(content))


def noise(path) -> dict[str, str]:
    """A picture with much in it."""
    grey = samples.pyvips.Image.gaussnoise(300, 300, mean=128, sigma=60, seed=7).cast("uchar")
    grey.bandjoin([grey.rot180(), grey.rot90()]).copy(interpretation="srgb").write_to_file(str(path))
    return {"path": str(path)}


def with_segment(jpeg: bytes, marker: int, data: bytes) -> bytes:
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data + jpeg[2:]


def with_scan_of_a_progressive_one(jpeg: bytes) -> bytes:
    """Samsung's and some web cameras' slip: the scan header of a plain JPEG says what only a progressive one may say."""
    begins = jpeg.index(b"\xff\xda")
    ends = begins + 2 + struct.unpack(">H", jpeg[begins + 2 : begins + 4])[0]
    return jpeg[: ends - 3] + b"\x01\x3e\x01" + jpeg[ends:]


ODD = {
    "stray bytes before its end": lambda jpeg: jpeg[:-2] + b"\x00\x12\x34" + jpeg[-2:],
    "a trailer": lambda jpeg: jpeg + b"SEFT" * 100,
    "a scan of another kind": with_scan_of_a_progressive_one,
    "an unknown colour transform": lambda jpeg: with_segment(jpeg, 0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 9)),
    "broken exif": lambda jpeg: with_segment(jpeg, 0xE1, b"Exif\0\0MM\0*" + b"\xff" * 16),
    "a broken colour profile": lambda jpeg: with_segment(jpeg, 0xE2, b"ICC_PROFILE\0\1\2" + b"x" * 20),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Videos of 2 s with much in them, by codec and container, and such as cutting and streaming leave behind."""
    folder = tmp_path_factory.mktemp("films")
    picture = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2,noise=alls=12:allf=t:all_seed=7")
    h264, vp9 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "25"), ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
    hiss = ("-f", "lavfi", "-i", "anoisesrc=d=2:seed=7", "-c:v", "libx264", "-crf", "51", "-c:a", "aac", "-b:a", "320k")
    made = {
        "h264.mp4": h264,
        "h264.mkv": h264,
        "vp9.webm": vp9,
        "vp8.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M"),
        "av1.mp4": ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=1"),
        "mpeg4.mp4": ("-c:v", "mpeg4", "-q:v", "5"),
        "loud.mp4": hiss,
        "open groups.mp4": (*h264, "-x264-params", "open-gop=1:bframes=3"),
        "refreshed bit by bit.mp4": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params", "intra-refresh=1:keyint=10"),
        "live.webm": (*vp9, "-live", "1"),
        "ten bits.webm": (*vp9, "-pix_fmt", "yuv420p10le"),
    }
    for name, how in made.items():
        # By one thread, for the same bytes every time: with more, x264's differ, and the damage may land where no decoder sees it.
        samples.ffmpeg("-filter_threads", "1", *picture, *how, "-threads", "1", "-fflags", "+bitexact", str(folder / name))
    cut = ("-ss", "0.4", "-c", "copy", "-copyinkf")
    samples.ffmpeg("-i", str(folder / "open groups.mp4"), *cut, str(folder / "no key frame first.mp4"))
    return {path.name: {"path": str(path)} for path in folder.iterdir()}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """4 s of noise in each format."""
    folder = tmp_path_factory.mktemp("sounds")
    for ending in ("mp3", "aac", "ogg", "flac", "wav", "mp4"):
        samples.ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=4:seed=7:a=0.2", str(folder / f"a.{ending}"))
    return {path.suffix[1:]: {"path": str(path)} for path in folder.iterdir()}


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its few bytes do not have."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="/etc/passwd" width="9" height="9"/></svg>'
NOTHING_WE_TAKE = {
    "zero bytes": b"",
    "one byte": b"\x89",
    "text": b"just some text",
    "a playlist": PLAYLIST,
    "a list for concat": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "an svg": SVG,
    "a pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "a zip": b"PK\x03\x04" + b"\0" * 60,
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 60,
}


@pytest.mark.parametrize("content", NOTHING_WE_TAKE.values(), ids=NOTHING_WE_TAKE)
class TestAFileThatIsNothingWeTake:
    def test_is_refused_by_its_place_as_a_picture(self, stitch, good, tmp_path, content):
        error = stitch([good, good, written(tmp_path / "bad.png", content)]).error
        assert (error["code"], error["field"]) == ("invalid_input", "images[2]")

    def test_is_refused_as_a_watermark(self, stitch, good, tmp_path, content):
        error = stitch([good], watermark={"image": written(tmp_path / "bad.png", content)}).error
        assert (error["code"], error["field"]) == ("invalid_input", "watermark.image")

    def test_is_refused_by_its_place_as_a_clip(self, compose, good, tmp_path, content):
        error = compose([{"source": good}, {"source": written(tmp_path / "bad.mp4", content)}]).error
        assert (error["code"], error["field"]) == ("invalid_input", "clips[1].source")

    def test_is_refused_as_music(self, compose, good, tmp_path, content):
        error = compose([{"source": good}], music={"source": written(tmp_path / "bad.mp3", content)}).error
        assert (error["code"], error["field"]) == ("invalid_input", "music.source")


class TestAPictureThatIsDamaged:
    @pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif", "avif"])
    @pytest.mark.parametrize("part", [0.5, 0.9])
    def test_by_being_cut_is_refused(self, stitch, good, tmp_path, ending, part):
        error = stitch([good, cut(tmp_path / f"cut.{ending}", noise(tmp_path / f"noise.{ending}"), part)], cell="64x64").error
        assert (error["code"], error["field"]) == ("invalid_input", "images[1]")

    @pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif", "avif"])
    def test_is_refused_as_a_watermark_too(self, stitch, good, tmp_path, ending):
        mark = cut(tmp_path / f"cut.{ending}", noise(tmp_path / f"noise.{ending}"))
        error = stitch([good], watermark={"image": mark}).error
        assert (error["code"], error["field"]) == ("invalid_input", "watermark.image")

    @pytest.mark.parametrize("cell", ["150x150", "64x64", "20x20"])
    def test_is_refused_however_small_it_is_decoded(self, stitch, good, tmp_path, cell):
        whole = noise(tmp_path / "noise.jpg")
        for number, broken in enumerate((cut(tmp_path / "cut.jpg", whole), overwritten(tmp_path / "broken.jpg", whole))):
            assert stitch([good, broken], cell=cell).error["field"] == "images[1]", number

    @pytest.mark.parametrize("ending", ["jpg", "png", "gif", "avif"])
    def test_by_bytes_that_were_overwritten_in_its_middle_is_refused(self, stitch, compose, good, tmp_path, ending):
        broken = overwritten(tmp_path / f"broken.{ending}", noise(tmp_path / f"noise.{ending}"))
        error = stitch([good, broken], cell="64x64").error
        assert (error["code"], error["field"]) == ("invalid_input", "images[1]")
        assert error["message"].startswith("images[1] is damaged")
        assert compose([{"source": good}, {"source": broken}]).error["field"] == "clips[1].source"

    @pytest.mark.parametrize("oddity", ODD.values(), ids=ODD)
    def test_only_by_what_cameras_write_is_taken(self, stitch, tmp_path, oddity):
        whole = Path(noise(tmp_path / "noise.jpg")["path"]).read_bytes()
        assert stitch([written(tmp_path / "odd.jpg", oddity(whole))], cell="64x64").outputs

    @pytest.mark.parametrize("size", [(100_000, 100_000), (2_000_000, 100), (20_000, 20_000)])
    def test_by_a_header_that_claims_a_huge_size_is_refused_at_once(self, stitch, compose, tmp_path, size):
        huge = written(tmp_path / "huge.png", png_of(*size))
        begun = time.monotonic()
        assert (stitch([huge]).error["code"], stitch([huge]).error["field"]) == ("invalid_input", "images[0]")
        assert compose([{"source": huge}]).error["field"] == "clips[0].source"
        assert time.monotonic() - begun < PATIENCE_S

    def test_by_a_name_that_another_type_hides_behind_is_read_as_what_it_is(self, stitch, tmp_path):
        samples.picture(tmp_path / "real.jpg")
        (tmp_path / "real.jpg").rename(tmp_path / "said.png")
        assert stitch([{"path": str(tmp_path / "said.png")}]).outputs

    def test_by_a_name_with_options_for_libvips_is_read_as_a_file_of_that_name(self, stitch, tmp_path):
        samples.picture(tmp_path / "a.png")
        (tmp_path / "a.png").rename(tmp_path / "a.png[page=7]")
        assert stitch([{"path": str(tmp_path / "a.png[page=7]")}]).outputs

    def test_that_is_a_video_is_refused(self, stitch, tmp_path):
        assert stitch([samples.video(tmp_path / "a.mp4")]).error["field"] == "images[0]"


class TestAVideoThatIsDamaged:
    @pytest.mark.parametrize("ending", ["mp4", "mkv", "webm"])
    @pytest.mark.parametrize("part", [0.05, 0.5, 0.95])
    def test_by_being_cut_is_refused(self, compose, good, tmp_path, ending, part):
        whole = samples.video(tmp_path / f"whole.{ending}", size=(320, 180), tone=440 if ending == "mp4" else None)
        error = compose([{"source": good}, {"source": cut(tmp_path / f"cut.{ending}", whole, part)}]).error
        assert (error["code"], error["field"]) == ("invalid_input", "clips[1].source")

    @pytest.mark.parametrize("name", ["h264.mp4", "h264.mkv", "vp9.webm", "av1.mp4", "mpeg4.mp4"])
    @pytest.mark.parametrize("part", [0.3, 0.5, 0.7])
    def test_by_bytes_that_were_overwritten_in_its_middle_is_refused(self, compose, good, films, tmp_path, name, part):
        broken = overwritten(tmp_path / f"broken-{name}", films[name], part)
        error = compose([{"source": good}, {"source": broken}]).error
        assert (error["code"], error["field"]) == ("invalid_input", "clips[1].source")
        assert error["message"].startswith("clips[1].source is damaged")

    def test_by_matroska_that_loses_its_place_is_refused(self, compose, films, tmp_path):
        # VP8 decodes from any bytes, so that only the container can tell.
        broken = overwritten(tmp_path / "broken.webm", films["vp8.webm"], size=16_000)
        assert compose([{"source": broken}]).error["field"] == "clips[0].source"

    def test_in_its_sound_alone_is_refused(self, compose, films, tmp_path):
        broken = overwritten(tmp_path / "broken.mp4", films["loud.mp4"])
        assert compose([{"source": broken}]).error["field"] == "clips[0].source"

    @pytest.mark.parametrize("start", [0, 0.3, 0.9])
    @pytest.mark.parametrize(
        "name", ["no key frame first.mp4", "open groups.mp4", "refreshed bit by bit.mp4", "live.webm", "ten bits.webm"]
    )
    def test_only_by_what_cutting_and_streaming_leave_behind_is_taken(self, compose, films, name, start):
        assert compose([{"source": films[name], "start": start, "duration": 0.5}]).outputs

    def test_by_rubbish_in_place_of_its_pictures_is_refused(self, compose, tmp_path):
        content = bytearray(Path(samples.video(tmp_path / "whole.mp4")["path"]).read_bytes())
        begins = content.index(b"mdat") + 4
        content[begins:] = b"\x55" * (len(content) - begins)
        assert compose([{"source": written(tmp_path / "rubbish.mp4", bytes(content))}]).error["field"] == "clips[0].source"

    def test_by_pictures_of_huge_size_is_refused(self, compose, tmp_path):
        path = tmp_path / "huge.mkv"
        samples.ffmpeg("-f", "lavfi", "-i", "color=red:s=8000x8000:d=0.1:r=10", "-c:v", "png", str(path))
        assert compose([{"source": {"path": str(path)}}]).error["field"] == "clips[0].source"

    def test_as_music_is_refused(self, compose, good, tmp_path):
        broken = cut(tmp_path / "cut.mp4", samples.video(tmp_path / "whole.mp4", tone=440))
        assert compose([{"source": good}], music={"source": broken}).error["field"] == "music.source"


class TestMusicThatIsDamaged:
    @pytest.mark.parametrize("ending", ["mp3", "aac", "ogg", "flac", "mp4"])
    def test_in_its_middle_is_refused(self, compose, good, sounds, tmp_path, ending):
        broken = overwritten(tmp_path / f"broken.{ending}", sounds[ending], size=2000)
        error = compose([{"source": good}], music={"source": broken}).error
        assert (error["code"], error["field"]) == ("invalid_input", "music.source")

    @pytest.mark.parametrize(("ending", "rest"), [("mp3", bytes(4096)), ("flac", b"TAG" + b"x" * 125)])
    def test_only_at_its_very_end_is_taken(self, compose, good, sounds, tmp_path, ending, rest):
        odd = written(tmp_path / f"odd.{ending}", Path(sounds[ending]["path"]).read_bytes() + rest)
        assert compose([{"source": good, "duration": 5}], music={"source": odd}).outputs

    def test_after_the_part_that_is_heard_is_taken(self, compose, good, sounds, tmp_path):
        late = overwritten(tmp_path / "late.mp3", sounds["mp3"], 0.7)
        assert compose([{"source": good, "duration": 1}], music={"source": late}).outputs


class TestAReferenceThatIsNoFile:
    @pytest.mark.parametrize("value", ["/etc/passwd", "file_01abc", {"path": "/no/such/file"}, {"path": "/etc"}, {"url": "x"}, 7, None])
    def test_is_refused_by_its_place(self, stitch, good, value):
        error = stitch([good, value]).error
        assert (error["code"], error["field"]) == ("invalid_input", "images[1]")

    def test_subtitles_as_text_never_open_a_file(self, compose, good):
        assert compose([{"source": good}], subtitles={"text": "/etc/passwd"}).error["field"] == "subtitles.text"
        assert compose([{"source": good}], subtitles={"source": "/etc/passwd"}).error["field"] == "subtitles.source"

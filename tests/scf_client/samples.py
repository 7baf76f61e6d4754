"""Small real media for tests, as the functions get them: {"path"}. Plain colours, so that a pixel tells where it came from."""

import itertools
import json
import subprocess
from array import array
from functools import cache
from pathlib import Path
from typing import NamedTuple

import imageio_ffmpeg
import pyvips


class Heard(NamedTuple):
    """Loudness in LUFS and the true peak in dB below full scale."""

    loudness: float
    peak: float


RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 60), (40, 60, 220), (255, 255, 255)


def picture(path: Path, colour=RED, size=(40, 30), **save) -> dict[str, str]:
    """A picture of one colour; the file's ending says which format."""
    image = pyvips.Image.black(*size).new_from_image(list(colour)).copy(interpretation="srgb")
    image.write_to_file(str(path), **save)
    return {"path": str(path)}


def two_halves(path: Path, left=RED, right=BLUE, size=(40, 30), orientation: int | None = None) -> dict[str, str]:
    """A picture whose halves differ, with an EXIF orientation where one is given."""
    width, height = size
    halves = [pyvips.Image.black(width // 2, height).new_from_image(list(colour)) for colour in (left, right)]
    image = halves[0].join(halves[1], "horizontal").copy(interpretation="srgb")
    if orientation:
        image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    image.write_to_file(str(path))
    return {"path": str(path)}


def video(path: Path, colour=GREEN, seconds: float = 2, size=(160, 90), tone: int | None = None) -> dict[str, str]:
    """A video of one colour; its ending says which container; with a tone of so many hertz where one is given."""
    red, green, blue = colour
    args = ["-f", "lavfi", "-i", f"color=0x{red:02x}{green:02x}{blue:02x}:s={size[0]}x{size[1]}:r=10:d={seconds}"]
    args += ["-f", "lavfi", "-i", f"sine={tone}:d={seconds}"] if tone else []
    codec = ["-c:v", "libvpx", "-deadline", "realtime"] if path.suffix == ".webm" else ["-c:v", "libx264", "-preset", "ultrafast"]
    fast = ["-movflags", "+faststart"] if path.suffix == ".mp4" else []
    ffmpeg(*args, *codec, "-pix_fmt", "yuv420p", *fast, str(path))
    return {"path": str(path)}


def tone(path: Path, seconds: float = 1, hertz: int = 440) -> dict[str, str]:
    ffmpeg("-f", "lavfi", "-i", f"sine={hertz}:d={seconds}", str(path))
    return {"path": str(path)}


def frame(path: Path, at: float) -> pyvips.Image:
    """The picture of a video at a second, as RGB."""
    shape = next(line for line in said(path).splitlines() if "Video:" in line)
    width, height = next(word for word in shape.replace(",", " ").split() if word[0].isdigit() and "x" in word and word[1] != "x").split(
        "x"
    )
    pixels = ffmpeg("-ss", str(at), "-i", str(path), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
    return pyvips.Image.new_from_memory(pixels, int(width), int(height), 3, "uchar")


def frames(path: Path, stream: str = "0:v") -> int:
    """How many pictures a video has, by decoding them all."""
    md5s = ffmpeg("-i", str(path), "-map", stream, "-f", "framemd5", "pipe:1").decode()
    return sum(not line.startswith("#") for line in md5s.splitlines())


def loudness(path: Path, start: float, end: float, filters: str = "anull") -> float:
    """The mean level of a sound between two seconds, in dB below full scale, after these filters."""
    heard = ["-ss", str(start), "-t", str(end - start), "-i", str(path), "-af", f"{filters},volumedetect", "-vn", "-f", "null", "-"]
    report = subprocess.run([binary(), "-hide_banner", "-nostdin", *heard], capture_output=True, text=True, check=True).stderr
    return float(report.split("mean_volume:")[1].split("dB")[0])


def heard(path: Path) -> Heard:
    """The loudness of a sound as EBU R 128 measures it."""
    args = ["-i", str(path), "-vn", "-af", "loudnorm=print_format=json", "-f", "null", "-"]
    report = subprocess.run([binary(), "-hide_banner", "-nostdin", *args], capture_output=True, text=True, check=True).stderr
    found = json.loads(report[report.rindex("{") : report.rindex("}") + 1])
    return Heard(float(found["input_i"]), float(found["input_tp"]))


def seconds(path: Path) -> float:
    """How long a file says it is."""
    hours, minutes, rest = said(path).split("Duration: ")[1].split(",")[0].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def pitch(path: Path, start: float, end: float) -> float:
    """The hertz of a plain tone between two seconds, by how often it rises through zero."""
    heard = ("-ss", str(start), "-t", str(end - start), "-i", str(path), "-vn", "-ac", "1", "-ar", "48000", "-f", "s16le", "pipe:1")
    levels = array("h", ffmpeg(*heard))
    rises = sum(before < 0 <= after for before, after in itertools.pairwise(levels))
    return rises * 48_000 / len(levels)


def said(path: Path) -> str:
    """What ffmpeg tells of a file."""
    return subprocess.run([binary(), "-hide_banner", "-nostdin", "-i", str(path)], capture_output=True, text=True, check=False).stderr


def ffmpeg(*args: str) -> bytes:
    return subprocess.run([binary(), "-nostdin", "-loglevel", "error", "-y", *args], capture_output=True, check=True).stdout


def is_like(pixel, colour, within: float = 12) -> bool:
    """Whether a pixel is a colour, but for what compression does to it."""
    return all(abs(one - other) <= within for one, other in zip(pixel, colour, strict=False))


@cache
def binary() -> str:
    return imageio_ffmpeg.get_ffmpeg_exe()

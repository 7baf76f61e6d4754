"""The child process that looks into a media file: `python -I probe.py CONTENT_TYPE PATH FFMPEG` prints what it finds as JSON lines.

Decoders meet hostile files here and nowhere else: under limits of memory, time and open files, with no network protocol, no secret
in the environment, and nothing of ours imported, so that it starts fast. Each fact is printed as soon as it is known, because
the next decoder may not survive.
"""

import json
import re
import resource
import subprocess
import sys
from base64 import b64encode
from typing import Any

SIDE = 480  # a thumbnail's longer side at most, in pixels
QUALITY = 75
MOST_PIXELS = 300_000_000  # beyond it no thumbnail is tried
MEMORY = 1 << 30
CPU_S = 10

# ffmpeg is told what it reads: were it to guess, a playlist could name other files.
FORMATS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "audio/mp4": "mov",
    "video/webm": "matroska",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/ogg": "ogg",
}
# Two spaces and no more: a file's own metadata is printed further to the right.
DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
PICTURES = re.compile(r"^  Stream #\d+:\d+.*?: Video: (?!.*\(attached pic\)).*?, (\d+)x(\d+)(.*(?:\n    .*)*)", re.MULTILINE)
ROTATION = re.compile(r"display ?matrix: rotation of (-?\d+)", re.IGNORECASE)


def main(content_type: str, path: str, ffmpeg: str) -> None:
    limit_self()
    if content_type.startswith("image/"):
        look_at_image(path)
    else:
        look_at_stream(path, [ffmpeg, "-hide_banner", "-nostdin"], ["-protocol_whitelist", "file", "-f", FORMATS[content_type], "-i", path])


def limit_self() -> None:
    """What holds for this process holds for the ffmpeg that it starts."""
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(kind, (most, most))


def look_at_image(path: str) -> None:
    import pyvips  # here, because a video need not wait for it

    pyvips.block_untrusted_set(True)
    pyvips.cache_set_max(0)
    image = pyvips.Image.new_from_file(path)
    is_lying = image.get_typeof("orientation") != 0 and image.get("orientation") >= 5
    tell(width=image.height if is_lying else image.width, height=image.width if is_lying else image.height)
    if image.width * image.height <= MOST_PIXELS:
        # The colour transform doubles the time, so it is for pictures that bring a profile of their own.
        profile = {"output_profile": "srgb"} if image.get_typeof("icc-profile-data") else {}
        small = pyvips.Image.thumbnail(path, SIDE, height=SIDE, size="down", fail_on="error", **profile)
        tell_thumbnail(small.webpsave_buffer(Q=QUALITY, effort=2, keep="none"))


def look_at_stream(path: str, ffmpeg: list[str], source: list[str]) -> None:
    facts = parsed(subprocess.run([*ffmpeg, *source], check=False, capture_output=True).stderr.decode(errors="replace"))
    tell(**facts)
    if "width" in facts:
        # A third into it, at a key frame: the first picture is often black. The start, where the file is not as long as it says.
        for choice in (["-skip_frame", "nokey", "-noaccurate_seek", "-ss", f"{facts.get('duration', 0) / 3:.2f}"], []):
            if picture := poster(ffmpeg, [*choice, *source]):
                tell_thumbnail(picture)
                return


def poster(ffmpeg: list[str], source: list[str]) -> bytes:
    scale = f"scale='min({SIDE},iw)':'min({SIDE},ih)':force_original_aspect_ratio=decrease"
    as_webp = ["-fps_mode", "passthrough", "-c:v", "libwebp", "-quality", str(QUALITY), "-map_metadata", "-1", "-f", "image2pipe", "pipe:1"]
    command = [*ffmpeg, "-threads", "1", *source, "-map", "0:v:0", "-frames:v", "1", "-vf", scale, *as_webp]
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def parsed(report: str) -> dict[str, Any]:
    """From what `ffmpeg -i` writes: duration in seconds; width and height as shown, of the first stream that moves."""
    facts: dict[str, Any] = {}
    if found := DURATION.search(report):
        hours, minutes, seconds = found.groups()
        facts["duration"] = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if found := PICTURES.search(report):
        width, height = int(found[1]), int(found[2])
        turned = ROTATION.search(found[3])
        is_lying = turned is not None and abs(int(turned[1])) % 180 == 90
        facts |= {"width": height, "height": width} if is_lying else {"width": width, "height": height}
    return facts


def tell_thumbnail(picture: bytes) -> None:
    tell(thumbnail=b64encode(picture).decode())


def tell(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

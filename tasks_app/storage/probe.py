"""The process that examiner.py keeps warm, `python -I probe.py SOCKET FFMPEG`, and the one that it forks for each file.

serve    one file after another: fork, wait, say how it ended. It opens no file, and starts no thread that a fork would lose
look     in the fork: decode the file, print what is found as JSON lines to the socket that came with the request

Decoders meet hostile files here and nowhere else: under limits of memory, time and open files, with no network protocol, no secret
in the environment, and nothing of ours imported. Each fact is printed as soon as it is known, because the next decoder may not survive.
"""

import ctypes
import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from contextlib import suppress
from typing import Any

import pyvips

SIDE = 480  # a thumbnail's longer side at most, in pixels
QUALITY = 75
EFFORT = 2  # of 6: more makes it hardly smaller
EARLY_S = 2.0  # where a poster is taken, because the first picture is often black: a third of what generators make
LONG_S = 12.0  # a longer film is worth a second run, a third into it
MOST_PIXELS = 300_000_000  # beyond it no thumbnail is tried
MEMORY = 1 << 30
CPU_S = 10
LONGEST_REQUEST = 16 * 1024
PR_SET_PDEATHSIG = 1

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

libc = ctypes.CDLL(None)


def serve(control: socket.socket, ffmpeg: str) -> None:
    """Serve whoever holds the other end, until that is closed."""
    be_taken_first()
    warm_up()
    while True:
        request, answers, _, _ = socket.recv_fds(control, LONGEST_REQUEST, 1)
        if not request:
            return
        control.send(b"%d" % killed_by(control, json.loads(request), answers[0], ffmpeg))


def be_taken_first() -> None:
    """When the machine runs out of memory, the kernel is to end this process and its forks, and nothing that it would miss more."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")


def warm_up() -> None:
    """What every fork would do anew, short of a pixel: those are made by threads, and a fork would lose them."""
    pyvips.block_untrusted_set(True)
    pyvips.cache_set_max(0)
    for operation in ("thumbnail", "webpsave_buffer"):
        pyvips.Introspect.get(operation)
    pyvips.Image.black(SIDE, SIDE, bands=3).thumbnail_image(1)


def killed_by(control: socket.socket, request: list[str], answer: int, ffmpeg: str) -> int:
    """Have a fork look at the file; returns the signal that killed it, 0 where it ended by itself."""
    alive, held = os.pipe()
    warm, child = os.getpid(), os.fork()
    if child == 0:
        die_with(warm)
        control.close()
        os.dup2(answer, 1)
        try:
            look(*request, ffmpeg)
        finally:
            os._exit(0)  # no farewell of the interpreter; a file that cannot be decoded has been told of by silence
    os.close(answer)
    os.close(held)
    wait_for_end(alive, control)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, in whatever way."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(0)


def wait_for_end(alive: int, control: socket.socket) -> None:
    """Return when nobody holds the other end of `alive` any more; end all of this group when the one who asked is gone."""
    poll = select.poll()
    for each in (alive, control):
        poll.register(each, select.POLLIN)
    if any(ready == control.fileno() for ready, _ in poll.poll()):
        os.killpg(0, signal.SIGKILL)
    os.close(alive)


def look(content_type: str, path: str, ffmpeg: str) -> None:
    limit_self()
    if content_type.startswith("image/"):
        look_at_image(path)
    else:
        look_at_stream(path, ffmpeg, FORMATS[content_type])


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
    image = pyvips.Image.new_from_file(path)
    is_lying = image.get_typeof("orientation") != 0 and image.get("orientation") >= 5
    tell(width=image.height if is_lying else image.width, height=image.width if is_lying else image.height)
    if image.width * image.height <= MOST_PIXELS:
        # The colour transform doubles the time, so it is for pictures that bring a profile of their own.
        profile = {"output_profile": "srgb"} if image.get_typeof("icc-profile-data") else {}
        small = pyvips.Image.thumbnail(path, SIDE, height=SIDE, size="down", fail_on="error", **profile)
        tell_thumbnail(small.webpsave_buffer(Q=QUALITY, effort=EFFORT, keep="none"))


def look_at_stream(path: str, ffmpeg: str, demuxer: str) -> None:
    source = ["-protocol_whitelist", "file", "-f", demuxer, "-i", path]
    report, picture = poster(ffmpeg, [*at_key_frame(EARLY_S), *source])
    facts = parsed(report)
    tell(**facts)
    if "width" not in facts:
        return
    if facts.get("duration", 0) > LONG_S:
        picture = poster(ffmpeg, [*at_key_frame(facts["duration"] / 3), *source])[1] or picture
    # The start, where the file is not as long as it says.
    if picture := picture or poster(ffmpeg, source)[1]:
        tell_thumbnail(picture)


def at_key_frame(second: float) -> list[str]:
    return ["-skip_frame", "nokey", "-noaccurate_seek", "-ss", f"{second:.2f}"]


def poster(ffmpeg: str, source: list[str]) -> tuple[str, bytes]:
    """ffmpeg's report of the file, and the first picture of the first stream that moves, if there is one."""
    scale = f"scale='min({SIDE},iw)':'min({SIDE},ih)':force_original_aspect_ratio=decrease"
    as_webp = ["-c:v", "libwebp", "-quality", str(QUALITY), "-compression_level", str(EFFORT), "-map_metadata", "-1"]
    picture = ["-map", "0:V:0", "-frames:v", "1", "-fps_mode", "passthrough", "-vf", scale, *as_webp, "-f", "image2pipe", "pipe:1"]
    done = subprocess.run([ffmpeg, "-hide_banner", "-nostdin", "-threads", "1", *source, *picture], check=False, capture_output=True)
    return done.stderr.decode(errors="replace"), done.stdout


def parsed(report: str) -> dict[str, Any]:
    """From what ffmpeg writes about its input: duration in seconds; width and height as shown, of the first stream that moves."""
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
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])

"""The clips: what each input is, and what is done with it before it meets its neighbours."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common import ffmpeg, media
from ..common.errors import Invalid
from ..common.ffmpeg import Streams
from ..common.media import File
from . import plan
from .motion import Motion
from .plan import Plan, Source

PICTURE = Streams(None, "", has_audio=False)


@dataclass(frozen=True)
class Clip:
    """One clip: `frames` it is shown for, from second `start` of its file, and how the picture and sound are changed.

    It comes in by `transition` over `overlap` frames, 0 where it is cut to.
    """

    file: File
    streams: Streams
    frames: int
    start: float = 0
    speed: float = 1
    volume: float = 1
    motion: Motion | None = None
    transition: str = "cut"
    overlap: int = 0


def read(input: Mapping[str, Any]) -> tuple[list[Clip], Plan]:
    """Look into each input; raises Invalid that names the one that cannot be used."""
    shown = plan.shown(input)
    files = [media.opened(clip["source"], f"{field}.source", ("picture", "video")) for field, clip in shown]
    streams = _looked_into([file for file in files if file.type == "video"])
    opened = [(file, streams.get(file.path, PICTURE)) for file in files]
    planned = plan.of(input, [Source("picture" if file.type == "picture" else "video", streams.duration) for file, streams in opened])
    return list(_clips(input, opened, planned)), planned


def _looked_into(videos: Sequence[File]) -> dict[Path, Streams]:
    """What is in each video, by its path: one file may be shown many times, and is looked into once; two at a time."""
    distinct = list({file.path: file for file in reversed(videos)}.values())[::-1]
    with ThreadPoolExecutor(max_workers=2) as threads:
        return dict(zip((file.path for file in distinct), threads.map(_streams, distinct), strict=True))


def _streams(file: File) -> Streams:
    streams = ffmpeg.streams(file)
    if not streams.video:
        raise Invalid(f"{file.field} has sound but no picture.", field=file.field)
    return streams


def _clips(input: Mapping[str, Any], opened: Sequence[tuple[File, Streams]], planned: Plan) -> Iterator[Clip]:
    together = zip(plan.shown(input), opened, planned.frames, planned.overlaps, strict=True)
    for (_, clip), (file, streams), frames, overlap in together:
        yield Clip(
            file,
            streams,
            frames,
            start=clip.get("start", 0),
            speed=clip["speed"],
            volume=clip["volume"],
            motion=Motion.of(clip["motion"]) if "motion" in clip else None,
            transition=plan.transition(input, clip)["type"],
            overlap=overlap,
        )

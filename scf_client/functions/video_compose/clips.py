"""The clips: what each input is, how long it is shown, and when it begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..common import ffmpeg, media
from ..common.errors import Invalid
from ..common.media import File

PICTURE_S = 3.0
LONGEST_S = 600


@dataclass(frozen=True)
class Clip:
    """One clip: `frames` it is shown for, from second `start` of its file.

    `has_audio` says whether it brings sound, `decoder` is the argument that says how a video is decoded.
    """

    file: File
    start: float
    frames: int
    has_audio: bool
    decoder: tuple[str, ...] = ()


def read(given: Sequence[Mapping[str, Any]], fps: int) -> list[Clip]:
    """Look into each input; raises Invalid that names the one that cannot be used."""
    return [_clip(clip, f"clips[{place}]", fps) for place, clip in enumerate(given)]


def beginnings(clips: Sequence[Clip], overlap: int) -> list[int]:
    """The frame at which each clip begins, where neighbours overlap by `overlap` frames."""
    starts = [0]
    for clip in clips[:-1]:
        starts.append(starts[-1] + clip.frames - overlap)
    return starts


def check_lengths(clips: Sequence[Clip], overlap: int, fps: int) -> int:
    """The frames of the whole video; raises Invalid where that is too long, or a clip is too short for its transitions."""
    for place, clip in enumerate(clips):
        neighbours = (place > 0) + (place < len(clips) - 1)
        if clip.frames <= overlap * neighbours:
            needed = overlap * neighbours / fps
            raise Invalid(
                f"clips[{place}] lasts {clip.frames / fps:g} s: its transitions need more than {needed:g} s.", field=f"clips[{place}]"
            )
    total = beginnings(clips, overlap)[-1] + clips[-1].frames
    if total > LONGEST_S * fps:
        raise Invalid(f"The video would last {total / fps:g} s: {LONGEST_S} s at most.", field="clips")
    return total


def _clip(clip: Mapping[str, Any], field: str, fps: int) -> Clip:
    file = media.opened(clip["source"], f"{field}.source", ("picture", "video"))
    if file.type == "picture":
        for name in ("start", "end"):
            if name in clip:
                raise Invalid(f"{field}.{name} is only for a video, and this is a picture.", field=f"{field}.{name}")
        return Clip(file, 0, _frames(clip.get("duration", PICTURE_S), fps), has_audio=False)
    streams = ffmpeg.streams(file)
    if not streams.video:
        raise Invalid(f"{field}.source has sound but no picture.", field=f"{field}.source")
    frames = _frames(_length(clip, field, streams.duration), fps)
    return Clip(file, clip.get("start", 0), frames, streams.has_audio, streams.decoder)


def _length(clip: Mapping[str, Any], field: str, lasts: float | None) -> float:
    """Seconds that a video clip is shown."""
    start = clip.get("start", 0)
    if lasts is not None and start >= lasts:
        raise Invalid(f"{field}.start is after the video's end: it lasts {lasts:g} s.", field=f"{field}.start")
    if "duration" in clip:
        return clip["duration"]
    end = min(clip.get("end", lasts), lasts) if lasts is not None else clip.get("end")
    if end is None:
        raise Invalid(f"{field}.source does not say how long it is: give {field}.duration.", field=f"{field}.duration")
    if end <= start:
        raise Invalid(f"{field}.end must be later than its start.", field=f"{field}.end")
    return end - start


def _frames(seconds: float, fps: int) -> int:
    return max(1, round(seconds * fps))

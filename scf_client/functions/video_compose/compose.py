"""Clips in order, with cross-fades, music and burnt-in subtitles: one ffmpeg from files to a file."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..common import ffmpeg, media
from ..common.errors import Invalid
from ..common.job import Job, Output
from ..common.pictures import Picture
from . import clips, graph, subtitles
from .clips import Clip
from .graph import SOUND, Frame

AAC = ("-c:a", "aac", "-b:a", "160k")


def make(job: Job) -> list[Output]:
    """One mp4 as the schema describes it; an input that cannot be used is Invalid and named."""
    frame = _frame(job.input)
    shown = clips.read(job.input["clips"], frame.fps)
    total = clips.check_lengths(shown, frame.overlap, frame.fps)
    ffmpeg.run(_arguments(job, shown, frame, total), cwd=job.work, progress=lambda frames: job.progress(frames / total))
    return [Output("0.mp4", "video/mp4", frame.width, frame.height, total / frame.fps)]


def _frame(input: Mapping[str, Any]) -> Frame:
    width, height = map(int, input["size"].split("x"))
    fps = input["fps"]
    overlap = round(input["transition"]["duration"] * fps) if "transition" in input and len(input["clips"]) > 1 else 0
    return Frame(width, height, fps, input["fit"], "0x" + input["background"].removeprefix("#"), overlap)


def _arguments(job: Job, shown: Sequence[Clip], frame: Frame, total: int) -> list[str]:
    inputs = [argument for place, clip in enumerate(shown) for argument in _input(job, place, clip, frame)]
    text = subtitles.write(job.input["subtitles"], (frame.width, frame.height), job.work) if "subtitles" in job.input else ""
    filters = graph.picture_track(shown, frame, text)
    music = job.input.get("music")
    sounds: tuple[str, ...] = ()
    if music or any(clip.has_audio for clip in shown):
        filters += graph.sound_track(shown, frame)
        inputs += _music_input(music) if music else []
        filters.append(_mixed(music, len(shown), total / frame.fps) if music else "[sound]anull[all]")
        sounds = ("-map", "[all]", *AAC)
    end = ("-frames:v", str(total), "-t", f"{total / frame.fps:.6f}")
    graph_of_all = ("-filter_complex_threads", "1", "-filter_complex", ";".join(filters), "-map", "[picture]")
    return [*inputs, *graph_of_all, *sounds, *ffmpeg.H264, "-r", str(frame.fps), *end, *ffmpeg.MP4, str(job.out / "0.mp4")]


def _input(job: Job, place: int, clip: Clip, frame: Frame) -> tuple[str, ...]:
    lasts = clip.frames / frame.fps
    if clip.file.type == "video":
        return ("-threads", "1", "-ss", f"{clip.start:.3f}", "-t", f"{lasts + 1:.3f}", *ffmpeg.input_of(clip.file))
    # Through libvips: upright, in sRGB, checked for size, and shrunk to the frame once instead of for each frame.
    red, green, blue = bytes.fromhex(frame.background.removeprefix("0x"))
    picture = Picture(clip.file).fitted(frame.width, frame.height, frame.fit).flatten(background=[red, green, blue])
    picture.pngsave(str(job.work / f"clip{place}.png"), compression=1)
    return ("-threads", "1", "-loop", "1", "-framerate", str(frame.fps), "-t", f"{lasts:.6f}", "-i", f"clip{place}.png")


def _music_input(music: Mapping[str, Any]) -> list[str]:
    file = media.opened(music["source"], "music.source", ("audio", "video"))
    if not ffmpeg.streams(file).has_audio:
        raise Invalid("music.source has no sound.", field="music.source")
    return ["-stream_loop", "-1", *ffmpeg.input_of(file)]


def _mixed(music: Mapping[str, Any], place: int, lasts: float) -> str:
    """The music under the clips' own sound."""
    fades = [f"afade=t=in:d={music['fade_in']}"] if music["fade_in"] else []
    if music["fade_out"]:
        fades.append(f"afade=t=out:st={max(lasts - music['fade_out'], 0):.6f}:d={music['fade_out']}")
    steps = ",".join([SOUND, f"volume={music['volume']}", f"atrim=duration={lasts:.6f}", *fades])
    return f"[{place}:a]{steps}[music];[sound][music]amix=inputs=2:duration=first:normalize=0,alimiter=level=0[all]"

"""Clips in order, with cross-fades, music and burnt-in subtitles: frames flow from one clip's decoder after another into one encoder."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..common import ffmpeg, media, sizes
from ..common.errors import Invalid
from ..common.job import Job, Output
from . import clips, frames, plan, sound, subtitles
from .clips import Clip
from .graph import Frame
from .plan import Plan

AAC = ("-c:a", "aac", "-b:a", "160k", "-flags:a", "+bitexact")
SOUND = "aresample=48000,aformat=sample_fmts=fltp:channel_layouts=stereo"


def make(job: Job) -> list[Output]:
    """One mp4 as the schema describes it, or its plan; an input that cannot be used is Invalid and named."""
    frame = _frame(job.input)
    shown, planned = clips.read(job.input)
    if job.input["only_plan"]:
        return [_plan(job, planned)]
    args = _arguments(job, shown, frame, planned)
    with ffmpeg.encoding(args, cwd=job.work, progress=lambda count: job.progress(count / planned.total)) as encoder:
        frames.pour(shown, frame, job.work, encoder)
    return [Output("0.mp4", "video/mp4", frame.width, frame.height, planned.seconds)]


def _plan(job: Job, planned: Plan) -> Output:
    (job.out / "0.json").write_text(json.dumps(plan.told(job.input, planned), indent=2) + "\n", encoding="utf-8")
    return Output("0.json", "application/json")


def _frame(input: Mapping[str, Any]) -> Frame:
    size = sizes.of_video(input.get("size"), input.get("resolution"), input.get("aspect_ratio"))
    return Frame(*size, input["fps"], input["fit"], input["background"])


def _arguments(job: Job, shown: Sequence[Clip], frame: Frame, planned: Plan) -> list[str]:
    inputs, filters, mapped = _sound(job, shown, planned)
    text = subtitles.write(job.input["subtitles"], (frame.width, frame.height), job.work) if "subtitles" in job.input else "null"
    graph = (
        "-filter_complex_threads",
        "1",
        "-filter_complex",
        ";".join([f"[0:v]{ffmpeg.IS_BT709},{text},format=yuv420p[picture]", *filters]),
    )
    ends = ("-frames:v", str(planned.total), "-t", f"{planned.seconds:.6f}", *ffmpeg.MP4, str(job.out / "0.mp4"))
    return [*frame.raw, "-i", "pipe:0", *inputs, *graph, "-map", "[picture]", *mapped, *ffmpeg.H264, *ffmpeg.BT709, *ends]


def _sound(job: Job, shown: Sequence[Clip], planned: Plan) -> tuple[list[str], list[str], list[str]]:
    """Inputs after the first, filters and mapping of the sound: the clips' own, music, both or none."""
    inputs, filters, parts = [], [], []
    lasts = planned.seconds
    if music := job.input.get("music"):
        inputs += _music_input(music, lasts)
        filters.append(f"[1:a]{_music(music, lasts)}[music]")
        parts.append("[music]")
    if any(clip.streams.has_audio for clip in shown):
        inputs += [*sound.RAW, "-i", sound.track(shown, planned, job.work).name]
        parts.append(f"[{2 if music else 1}:a]")
    if not parts:
        return [], [], []
    joined = "amix=inputs=2:duration=longest:normalize=0,alimiter=level=0" if len(parts) == 2 else "anull"
    return inputs, [*filters, f"{''.join(parts)}{joined}[sound]"], ["-map", "[sound]", *AAC]


def _music_input(music: Mapping[str, Any], lasts: float) -> list[str]:
    file = media.opened(music["source"], "music.source", ("audio", "video"))
    streams = ffmpeg.streams(file)
    if not streams.has_audio:
        raise Invalid("music.source has no sound.", field="music.source")
    ffmpeg.check_sound(file, streams.duration, seconds=lasts)
    return ["-stream_loop", "-1", *ffmpeg.input_of(file)]


def _music(music: Mapping[str, Any], lasts: float) -> str:
    fades = [f"afade=t=in:d={music['fade_in']}"] if music["fade_in"] else []
    if music["fade_out"]:
        fades.append(f"afade=t=out:st={max(lasts - music['fade_out'], 0):.6f}:d={music['fade_out']}")
    return ",".join([SOUND, f"volume={music['volume']}", f"atrim=duration={lasts:.6f}", *fades])

"""Clips in order to one video: each clip's frames flow into one encoder, which adds what lies over them, the sound, and the subtitles.

clips.read ─► plan ─► mix, loudness (the sound, measured) ─► encoder ◄─ frames.pour (a process for each clip, one after another)
                                                               └─► gif, cover (of the finished video)
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..common import ffmpeg, sizes
from ..common.job import Job, Output
from . import clips, cover, formats, frames, loudness, mix, plan, subtitles, watermark
from .formats import FORMATS, Format
from .graph import Frame
from .mix import Mix
from .plan import Plan
from .subtitles import Shown


def make(job: Job) -> list[Output]:
    """The video as the schema describes it, with its cover, or its plan; an input that cannot be used is Invalid and named."""
    frame, format_ = _frame(job.input), FORMATS[job.input["output_format"]]
    shown, planned = clips.read(job.input)
    formats.check(format_, planned, frame.width * frame.height)
    cover.check(job.input["cover_at"], planned)
    if job.input["only_plan"]:
        return [_plan(job, planned)]
    heard = mix.of(job.input, shown, planned, job.work) if format_.sound else None
    video = job.work / "frames.mkv" if format_.ending == "gif" else job.out / format_.name
    args = _arguments(job, frame, planned, heard, format_)
    with ffmpeg.encoding([*args, str(video)], cwd=job.work, progress=lambda count: job.progress(count / planned.total)) as encoder:
        frames.pour(shown, frame, job.work, encoder)
    return _outputs(job, video, planned, frame, format_)


def _frame(input: Mapping[str, Any]) -> Frame:
    size = sizes.of_video(input.get("size"), input.get("resolution"), input.get("aspect_ratio"))
    return Frame(*size, input["fps"], input["fit"], input["background"])


def _plan(job: Job, planned: Plan) -> Output:
    (job.out / "0.json").write_text(json.dumps(plan.told(job.input, planned), indent=2) + "\n", encoding="utf-8")
    return Output("0.json", "application/json")


def _arguments(job: Job, frame: Frame, planned: Plan, heard: Mix | None, format_: Format) -> list[str]:
    """What the encoder is told but for where it writes. Inputs: the frames, then sounds, watermark and subtitles, where there are any."""
    text, sounds = _subtitles(job, frame, planned, format_.track), len(heard.parts) if heard else 0
    inputs, graphs, mapped = [*frame.raw, "-i", "pipe:0"], [_picture(text)], ["-map", "[picture]"]
    if heard:
        inputs, mapped = [*inputs, *heard.inputs], [*mapped, "-map", "[sound]", *format_.sound]
        graphs.append(heard.graph(1, loudness.end(heard, job.input.get("loudness"), job.work)))
    if mark := job.input.get("watermark"):
        watermark.draw(mark, (frame.width, frame.height), job.work)
        inputs += ["-f", "png_pipe", "-i", "watermark.png"]
        graphs.append(watermark.filters(mark, f"{1 + sounds}:v", *plan.body(job.input, planned)))
    if text.opened:
        inputs, mapped = [*inputs, *text.opened], [*mapped, "-map", f"{1 + sounds + bool(mark)}:s", *format_.subtitles]
    ends = ("-frames:v", str(planned.total), "-t", f"{planned.seconds:.6f}")
    return [*inputs, "-filter_complex_threads", "1", "-filter_complex", ";".join(graphs), *mapped, *ends, *format_.video]


def _picture(text: Shown) -> str:
    return f"[0:v]{ffmpeg.IS_BT709},{text.filter},format=yuv420p[picture]"


def _subtitles(job: Job, frame: Frame, planned: Plan, track: str) -> Shown:
    if "subtitles" not in job.input:
        return Shown()
    begin, end = (place / planned.fps for place in plan.body(job.input, planned))
    return subtitles.write(job.input["subtitles"], (frame.width, frame.height), job.work, track=track, begin=begin, end=end)


def _outputs(job: Job, video: Path, planned: Plan, frame: Frame, format_: Format) -> list[Output]:
    """What is made of the encoded video."""
    covers = [cover.output(job, video, planned)] if job.input["cover"] == "output" else []
    if job.input["cover"] == "attached":
        cover.attach(job, video, planned)
    if format_.ending == "gif":
        for run in formats.gif(video.name, job.out / format_.name, repeats=job.input["repeat"]):
            ffmpeg.told(("-y", *run), cwd=job.work)
    return [Output(format_.name, format_.content_type, frame.width, frame.height, planned.seconds), *covers]

"""The cover: one frame of the finished video, as a picture of its own or as the one that players show before they play."""

import shutil
from pathlib import Path

import pyvips

from ..common import ffmpeg, save
from ..common.errors import Invalid
from ..common.job import Job, Output
from .plan import Plan


def check(at: float, planned: Plan) -> None:
    """Raise Invalid for a second that the video does not have."""
    if at >= planned.seconds:
        raise Invalid(f"cover_at is after the video's end: it lasts {planned.seconds:g} s.", field="cover_at")


def output(job: Job, video: Path, planned: Plan) -> Output:
    """The cover as a JPEG beside the video."""
    return _saved(job, video, planned, job.out)


def attach(job: Job, video: Path, planned: Plan) -> None:
    """Put the cover into the video's file."""
    jpeg = _saved(job, video, planned, job.work).file
    both = ("-y", "-i", str(video), "-i", jpeg, "-map", "0", "-map", "1", "-c", "copy", "-disposition:v:1", "attached_pic")
    ffmpeg.told((*both, *ffmpeg.MP4, "with-cover.mp4"), cwd=job.work)
    shutil.move(job.work / "with-cover.mp4", video)


def _saved(job: Job, video: Path, planned: Plan, folder: Path) -> Output:
    place = min(int(job.input["cover_at"] * planned.fps + 1e-6), planned.total - 1)
    # From a little before the frame, because its own time is rounded in the container.
    begin = ("-ss", f"{max(place - 0.5, 0) / planned.fps:.6f}", "-i", str(video))
    ffmpeg.told(("-y", *begin, "-frames:v", "1", "cover.png"), cwd=job.work)
    picture = pyvips.Image.new_from_file(str(job.work / "cover.png"))
    name, content_type = save.picture(picture, folder, "1", output_format="jpeg", quality=90)
    return Output(name, content_type, picture.width, picture.height)

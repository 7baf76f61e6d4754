"""When each clip is shown, in whole frames: pure arithmetic over the input and the lengths of its files, before anything is made.

The result has exactly these frames, because a video that gives fewer holds its last one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

from ..common.errors import Invalid

PICTURE_S = 3.0
LONGEST_S = 600
ONLY_OF_A_VIDEO: Mapping[str, Any] = {"start": None, "end": None, "speed": 1, "volume": 1}  # and what says nothing

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """What the arithmetic must know of a clip's file: its type, and its seconds, None where it does not say."""

    type: Literal["picture", "video"]
    lasts: float | None = None


@dataclass(frozen=True)
class Plan:
    """The frames of each clip, and by how many it overlaps with the one before it; the first overlaps with nothing."""

    fps: int
    frames: tuple[int, ...]
    overlaps: tuple[int, ...]

    @property
    def starts(self) -> list[int]:
        """The frame of the video at which each clip begins."""
        return list(accumulate((frames - over for frames, over in zip(self.frames, self.overlaps[1:], strict=False)), initial=0))

    @property
    def total(self) -> int:
        return self.starts[-1] + self.frames[-1]

    @property
    def seconds(self) -> float:
        return self.total / self.fps

    def after(self, place: int) -> int:
        """By how many frames a clip overlaps with the one after it."""
        return self.overlaps[place + 1] if place + 1 < len(self.overlaps) else 0


def shown(input: Given) -> list[tuple[str, Given]]:
    """All that is shown, in order, each with the field that asks for it."""
    clips = [(f"clips[{place}]", clip) for place, clip in enumerate(input["clips"])]
    return [*_single(input, "intro"), *clips, *_single(input, "outro")]


def of(input: Given, sources: Sequence[Source]) -> Plan:
    """The plan for an input whose shown files are `sources`; raises Invalid that names what cannot be."""
    fps, clips = input["fps"], shown(input)
    frames = tuple(_frames(clip, source, field, fps) for (field, clip), source in zip(clips, sources, strict=True))
    plan = Plan(fps, frames, tuple(_overlaps(input, clips)))
    _check_room(plan, [field for field, _ in clips])
    if plan.total > LONGEST_S * fps:
        raise Invalid(f"The video would last {plan.seconds:g} s: {LONGEST_S} s at most.", field="clips")
    return plan


def transition(input: Given, clip: Given) -> Given:
    """How a clip comes in, if another stands before it."""
    return clip.get("transition") or input.get("transition") or {"type": "cut"}


def body(input: Given, plan: Plan) -> tuple[int, int]:
    """The first frame of the first clip and the one after the last clip's last: what is neither intro nor outro."""
    first = int("intro" in input)
    last = first + len(input["clips"]) - 1
    return plan.starts[first], plan.starts[last] + plan.frames[last]


def told(input: Given, plan: Plan) -> dict[str, Any]:
    """The plan as the client reads it."""
    clips = [
        {"clip": field, "from_frame": start, "frames": frames, "from_second": round(start / plan.fps, 6), "overlap_frames": overlap}
        for (field, _), start, frames, overlap in zip(shown(input), plan.starts, plan.frames, plan.overlaps, strict=True)
    ]
    return {"frames": plan.total, "seconds": round(plan.seconds, 6), "fps": plan.fps, "clips": clips}


def _single(input: Given, name: str) -> list[tuple[str, Given]]:
    return [(name, input[name])] if name in input else []


def _overlaps(input: Given, clips: Sequence[tuple[str, Given]]) -> Iterable[int]:
    (field, first), *others = clips
    if "transition" in first:
        raise Invalid(f"{field}.transition: nothing stands before it.", field=f"{field}.transition")
    yield 0
    for _, clip in others:
        asked = transition(input, clip)
        yield 0 if asked["type"] == "cut" else max(1, round(asked["duration"] * input["fps"]))


def _check_room(plan: Plan, fields: Sequence[str]) -> None:
    """Transitions meet in no clip: of each there is a moment that shows nothing else."""
    for place, (field, frames) in enumerate(zip(fields, plan.frames, strict=True)):
        needed = plan.overlaps[place] + plan.after(place)
        if needed and frames <= needed:
            message = f"{field} lasts {frames / plan.fps:g} s: its transitions need more than {needed / plan.fps:g} s."
            raise Invalid(message, field=field)


def _frames(clip: Given, source: Source, field: str, fps: int) -> int:
    seconds = _of_picture(clip, field) if source.type == "picture" else _of_video(clip, source.lasts, field)
    return max(1, round(seconds * fps))


def _of_picture(clip: Given, field: str) -> float:
    for name, nothing in ONLY_OF_A_VIDEO.items():
        if clip.get(name, nothing) != nothing:
            raise Invalid(f"{field}.{name} is only for a video, and this is a picture.", field=f"{field}.{name}")
    return clip.get("duration", PICTURE_S)


def _of_video(clip: Given, lasts: float | None, field: str) -> float:
    """Seconds that a video clip is shown, at its speed."""
    start = clip.get("start", 0)
    if "motion" in clip:
        raise Invalid(f"{field}.motion is only for a picture, and this is a video.", field=f"{field}.motion")
    if lasts is not None and start >= lasts:
        raise Invalid(f"{field}.start is after the video's end: it lasts {lasts:g} s.", field=f"{field}.start")
    if "duration" in clip:
        return clip["duration"]
    end = min(clip.get("end", lasts), lasts) if lasts is not None else clip.get("end")
    if end is None:
        raise Invalid(f"{field}.source does not say how long it is: give {field}.duration.", field=f"{field}.duration")
    if end <= start:
        raise Invalid(f"{field}.end must be later than its start.", field=f"{field}.end")
    return (end - start) / clip["speed"]

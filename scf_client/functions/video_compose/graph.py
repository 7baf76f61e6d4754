"""ffmpeg's filter graph for a composition: each clip made alike, then joined, then sound and subtitles."""

from collections.abc import Sequence
from dataclasses import dataclass

from .clips import Clip, beginnings

SOUND = "aresample=48000,aformat=sample_fmts=fltp:channel_layouts=stereo"


@dataclass(frozen=True)
class Frame:
    """The picture that every clip is brought to; `overlap` in frames, `background` as ffmpeg writes a colour."""

    width: int
    height: int
    fps: int
    fit: str
    background: str
    overlap: int


def picture_track(clips: Sequence[Clip], frame: Frame, subtitles: str) -> list[str]:
    """Filters that end in [picture]."""
    alike = [_alike(place, clip, frame) for place, clip in enumerate(clips)]
    return [*alike, *_joined(clips, frame), f"[joined]{subtitles + ',' if subtitles else ''}format=yuv420p[picture]"]


def sound_track(clips: Sequence[Clip], frame: Frame) -> list[str]:
    """Filters that end in [sound]: each clip's own sound or silence, cross-faded like the pictures."""
    parts = [_sound(place, clip, frame.fps) for place, clip in enumerate(clips)]
    if len(clips) == 1:
        return [*parts, "[a0]anull[sound]"]
    if not frame.overlap:
        return [*parts, "".join(f"[a{place}]" for place in range(len(clips))) + f"concat=n={len(clips)}:v=0:a=1[sound]"]
    fade = f"acrossfade=d={frame.overlap / frame.fps:.6f}:c1=tri:c2=tri"
    chain = [
        f"[{'a0' if place == 1 else f'm{place - 1}'}][a{place}]{fade}[{_last(place, clips, 'm', 'sound')}]"
        for place in range(1, len(clips))
    ]
    return [*parts, *chain]


def _alike(place: int, clip: Clip, frame: Frame) -> str:
    size = f"{frame.width}:{frame.height}"
    fit = {
        "contain": f"scale={size}:force_original_aspect_ratio=decrease,pad={size}:(ow-iw)/2:(oh-ih)/2:color={frame.background}",
        "cover": f"scale={size}:force_original_aspect_ratio=increase,crop={size}",
    }[frame.fit]
    lasts = f"trim=end_frame={clip.frames},setpts=PTS-STARTPTS"
    held = f"tpad=stop_mode=clone:stop=-1,{lasts}"  # a video that is shorter holds its last frame
    return f"[{place}:v]{fit},setsar=1,fps={frame.fps},format=yuv420p,settb=AVTB,setpts=PTS-STARTPTS,{held}[v{place}]"


def _joined(clips: Sequence[Clip], frame: Frame) -> list[str]:
    if len(clips) == 1:
        return ["[v0]null[joined]"]
    if not frame.overlap:
        return ["".join(f"[v{place}]" for place in range(len(clips))) + f"concat=n={len(clips)}:v=1:a=0[joined]"]
    starts = beginnings(clips, frame.overlap)
    fade = f"xfade=transition=fade:duration={frame.overlap / frame.fps:.6f}"
    return [_faded(place, f"{fade}:offset={starts[place] / frame.fps:.6f}", clips) for place in range(1, len(clips))]


def _faded(place: int, fade: str, clips: Sequence[Clip]) -> str:
    before = "v0" if place == 1 else f"x{place - 1}"
    return f"[{before}][v{place}]{fade}[{_last(place, clips, 'x', 'joined')}]"


def _sound(place: int, clip: Clip, fps: int) -> str:
    lasts = f"atrim=duration={clip.frames / fps:.6f},asetpts=PTS-STARTPTS"
    if clip.has_audio:
        return f"[{place}:a]{SOUND},apad,{lasts}[a{place}]"
    return f"anullsrc=r=48000:cl=stereo,{lasts},{SOUND}[a{place}]"


def _last(place: int, clips: Sequence[Clip], prefix: str, end: str) -> str:
    return end if place == len(clips) - 1 else f"{prefix}{place}"

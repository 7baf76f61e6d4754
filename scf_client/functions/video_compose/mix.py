"""The sound of the whole video: clips, voice and music to one, as inputs and filters of the encoder; pure but for the files it opens."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common import ffmpeg, media
from ..common.errors import Invalid
from . import plan, sound
from .clips import Clip
from .plan import Plan

EVEN = "aresample=48000,aformat=sample_fmts=fltp:channel_layouts=stereo"
# A voice of usual loudness takes 10 to 14 dB from the music, at once, and gives them back within half a second.
DUCKED = "sidechaincompress=threshold=0.02:ratio=8:attack=20:release=500"


@dataclass(frozen=True)
class Part:
    """One sound: the arguments that open it, and what is done to it."""

    name: str
    opened: tuple[str, ...]
    filters: str


@dataclass(frozen=True)
class Mix:
    """The parts of the sound, which `lasts` so many seconds; `ducks`: the music gives way to the voice."""

    parts: tuple[Part, ...]
    lasts: float
    ducks: bool

    @property
    def inputs(self) -> list[str]:
        return [argument for part in self.parts for argument in part.opened]

    def graph(self, first: int, end: str) -> str:
        """From the inputs, the first of which has that number, to [sound]; `end` is done to the sum."""
        own = [f"[{first + place}:a]{part.filters}[{part.name}]" for place, part in enumerate(self.parts)]
        ducking = [f"[voice]asplit[voice][key];[key]apad[key];[music][key]{DUCKED}[music]"] if self.ducks else []
        names = "".join(f"[{part.name}]" for part in self.parts)
        summed = f"amix=inputs={len(self.parts)}:duration=longest:normalize=0," if len(self.parts) > 1 else ""
        return ";".join([*own, *ducking, f"{names}{summed}{end},apad=whole_dur={self.lasts:.6f}[sound]"])


def of(input: Mapping[str, Any], shown: Sequence[Clip], planned: Plan, work: Path) -> Mix | None:
    """What is heard, None where nothing is; raises Invalid for a file that has no sound or is damaged."""
    with ThreadPoolExecutor(max_workers=2) as threads:
        sounds = [
            threads.submit(_clips, shown, planned, work),
            threads.submit(_voice, input, planned),
            threads.submit(_music, input, planned.seconds),
        ]
    parts = [part for sound in sounds for part in sound.result()]
    ducks = "voice" in input and "music" in input and input["music"]["duck"]
    return Mix(tuple(parts), planned.seconds, ducks) if parts else None


def _clips(shown: Sequence[Clip], planned: Plan, work: Path) -> list[Part]:
    if not any(clip.streams.has_audio for clip in shown):
        return []
    return [Part("clips", (*sound.RAW, "-i", str(sound.track(shown, planned, work))), "anull")]


def _voice(input: Mapping[str, Any], planned: Plan) -> list[Part]:
    """The voice-over, which begins with the first clip and ends with the last one at the latest."""
    if not (voice := input.get("voice")):
        return []
    begins, ends = (frame / planned.fps for frame in plan.body(input, planned))
    begins += voice["start"]
    if begins >= ends:
        raise Invalid(f"voice.start is after the last clip's end, at {ends:g} s.", field="voice.start")
    opened, _ = _opened(voice["source"], "voice.source", seconds=ends - begins)
    delay = f"adelay=delays={round(begins * sound.RATE)}S:all=1"
    return [Part("voice", opened, f"{EVEN},volume={voice['volume']:.6f},{delay},atrim=duration={ends:.6f}")]


def _music(input: Mapping[str, Any], lasts: float) -> list[Part]:
    if not (music := input.get("music")):
        return []
    opened, its_own = _opened(music["source"], "music.source", seconds=lasts)
    again = ("-stream_loop", "-1") if music["loop"] else ()
    ends = lasts if music["loop"] or its_own is None else min(lasts, its_own)
    return [Part("music", (*again, *opened), f"{EVEN},volume={music['volume']:.6f},atrim=duration={ends:.6f}{_fades(music, ends)}")]


def _fades(music: Mapping[str, Any], ends: float) -> str:
    fade_in = f",afade=t=in:d={music['fade_in']:.6f}" if music["fade_in"] else ""
    begins = max(ends - music["fade_out"], 0)
    return f"{fade_in},afade=t=out:st={begins:.6f}:d={music['fade_out']:.6f}" if music["fade_out"] else fade_in


def _opened(source: Any, field: str, *, seconds: float) -> tuple[tuple[str, ...], float | None]:
    """The arguments that open a sound of which so many seconds will be heard, and how long it is."""
    file = media.opened(source, field, ("audio", "video"))
    streams = ffmpeg.streams(file)
    if not streams.has_audio:
        raise Invalid(f"{field} has no sound.", field=field)
    ffmpeg.check_sound(file, streams.duration, seconds=seconds)
    return ffmpeg.input_of(file), streams.duration

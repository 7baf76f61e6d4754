"""What ffmpeg does to each clip's picture, as the text of filter graphs: pure functions of what the schema and the plan have let through.

Nothing that a client wrote as text comes near a graph: numbers are numbers by now, words are of the schema's lists, colours are digits.
"""

from dataclasses import dataclass

from ..common import ffmpeg
from .clips import Clip

# Colours as BT.709 in the range of television, which all frames between our processes are in.
COLOURS = "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd,format=yuv420p"
# What is brighter than a plain screen can show is brought down to it. After the scaling, because it costs a float for each colour.
PLAIN_RANGE = (
    "zscale=pin=bt2020:min=2020_ncl:t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,"
    "zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
)
GROUND_PART = 8  # a blurred ground is drawn so many times smaller: it has no detail to lose
GROUND_BLUR = 20  # its shorter side is so many times wider than the blur


@dataclass(frozen=True)
class Frame:
    """The picture that every clip is brought to; `background` as #rrggbb."""

    width: int
    height: int
    fps: int
    fit: str
    background: str

    @property
    def bytes(self) -> int:
        return self.width * self.height * 3 // 2

    @property
    def raw(self) -> list[str]:
        """How ffmpeg is told of such frames."""
        return ["-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", f"{self.width}x{self.height}", "-framerate", str(self.fps)]

    def times(self, detail: float) -> tuple[int, int]:
        """Its width and height so many times, even."""
        return round(self.width * detail / 2) * 2, round(self.height * detail / 2) * 2


def of_clip(clip: Clip, frame: Frame) -> str:
    """From the clip's file [0:v], and where it does not begin with a cut from the last frames of the one before [1:v], to [picture]."""
    own = _still(clip, frame) if clip.file.type == "picture" else _moving(clip, frame)
    if not clip.overlap:
        return f"[0:v]{own}[picture]"
    lasts = clip.overlap / frame.fps
    before = f"[1:v]{ffmpeg.IS_BT709}[before]"  # unsaid, they would be converted once more
    return f"[0:v]{own}[own];{before};[before][own]xfade=transition={clip.transition}:duration={lasts:.6f}:offset=0,format=yuv420p[picture]"


def inside(size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the same shape within `room`, a pixel at least."""
    scale = min(room[0] / size[0], room[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _moving(clip: Clip, frame: Frame) -> str:
    # Square pixels first; and a video that is shorter than its clip holds its last frame.
    pace = f"setpts=PTS/{clip.speed:.6f}," if clip.speed != 1 else ""
    plain = f"{PLAIN_RANGE}," if clip.streams.is_hdr else ""
    fitted = _fitted(frame.fit, (frame.width, frame.height), frame.background)
    return f"scale=iw*sar:ih,setsar=1,{pace}{fitted},{plain}fps={frame.fps}:start_time=0,tpad=stop_mode=clone:stop=-1,{COLOURS}"


def _still(clip: Clip, frame: Frame) -> str:
    # A picture is upright and of one frame; it is fitted once, and repeated without a copy.
    if clip.motion is None:
        return f"{_fitted(frame.fit, (frame.width, frame.height), frame.background)},{COLOURS},loop=loop=-1:size=1"
    drawn = _fitted(frame.fit, frame.times(clip.motion.detail), frame.background)
    back = f",scale={frame.width}:{frame.height}:flags=bilinear" if clip.motion.detail > 1 else ""
    return f"{drawn},{COLOURS},loop=loop=-1:size=1,{clip.motion.filter(clip.frames)}{back}"


def _fitted(fit: str, size: tuple[int, int], background: str) -> str:
    width, height = size
    whole, full = f"scale={width}:{height}:force_original_aspect_ratio=", f"{width}:{height}"
    if fit == "contain":
        return f"{whole}decrease,pad={full}:-1:-1:color=0x{background[1:]}"
    if fit == "cover":
        return f"{whole}increase,crop={full}"
    # Cut to shape before it is scaled: a long strip would else become a picture of any size.
    part = f"crop=w='min(iw,max(2,ih*{width}/{height}))':h='min(ih,max(2,iw*{height}/{width}))'"
    small = max(width // GROUND_PART, 2), max(height // GROUND_PART, 2)
    blurred = f"scale={small[0]}:{small[1]},gblur=sigma={min(small) / GROUND_BLUR:.3f},scale={full}:flags=bilinear"
    ground = f"[wide]{part},{blurred},setsar=1[ground]"
    middle = "overlay=x=(W-w)/2:y=(H-h)/2"
    return f"split[wide][whole];{ground};[whole]{whole}decrease,setsar=1[inside];[ground][inside]{middle}"

"""Examples of video.compose: small and short, so that the page's pictures are made within minutes."""

from typing import Any

from .example import Example, Gallery

SHORT = {"size": "320x180", "fps": 10}
TWO = [{"source": "file_1", "duration": 1}, {"source": "file_4", "duration": 1}]
ONE = [{"source": "file_1", "duration": 1}]
FILM = [{"source": "file_film"}]
SRT = "1\n00:00:00,000 --> 00:00:01,000\n狐狸 A fox\n"
ASS = (
    "[Script Info]\nPlayResX: 320\nPlayResY: 180\n\n[V4+ Styles]\n"
    "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, "
    "ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\n"
    "Style: A,Any,30,&H0000E0FF,&H0,&H0,&H0,0,0,0,0,100,100,0,0,1,2,0,8,10,10,12,1\n\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:00.00,0:00:02.00,A,,0,0,0,,An {\\i1}ASS{\\i0} file\n"
)


def _of(name: str, options: str, says: str, *, clips: list[dict[str, Any]] = TWO, **more: Any) -> Example:
    return Example(name, tuple(options.split()), says, {"clips": clips, **({} if "aspect_ratio" in more else SHORT), **more})


CLIPS = (
    _of("clips", "clips[].source clips[].duration size fps", "a picture for a second, then another."),
    _of(
        "trim",
        "clips[].start clips[].end",
        "a second from the middle of a film.",
        clips=[{"source": "file_film", "start": 1, "end": 2}],
    ),
    _of(
        "speed",
        "clips[].speed clips[].volume",
        "a film twice as fast, its sound half as loud.",
        clips=[{**FILM[0], "speed": 2, "volume": 0.5}],
    ),
    _of(
        "motion",
        "clips[].motion.from.zoom clips[].motion.from.x clips[].motion.from.y clips[].motion.to",
        "from the whole picture into its upper left.",
        clips=[{"source": "file_1", "duration": 2, "motion": {"from": {}, "to": {"zoom": 2.5, "x": 0.2, "y": 0.2}}}],
    ),
    _of("intro-and-outro", "intro outro", "a picture before and after.", clips=[{**FILM[0], "end": 1}], intro=ONE[0], outro=TWO[1]),
)
BETWEEN = (
    _of(
        "transition",
        "transition",
        "one picture opens like an eye over the other.",
        transition={"type": "circleopen", "duration": 1},
        clips=[{"source": "file_1", "duration": 1.5}, {"source": "file_4", "duration": 1.5}],
    ),
    _of(
        "transition-of-one",
        "clips[].transition.type clips[].transition.duration",
        "the first meeting is wiped, the second one cut.",
        clips=[TWO[0], {**TWO[1], "transition": {"type": "wipeleft", "duration": 0.6}}, {"source": "file_7", "duration": 1}],
    ),
)
SHAPES = (
    _of(
        "upright",
        "aspect_ratio resolution fit",
        "9:16, filled by the clip itself, blurred.",
        clips=ONE,
        aspect_ratio="9:16",
        resolution="480p",
        fit="blur",
    ),
    _of("square", "aspect_ratio background", "1:1, on a colour.", clips=ONE, aspect_ratio="1:1", resolution="480p", background="#204060"),
)
SOUND = (
    _of(
        "voice-and-music",
        "voice.source voice.start voice.volume music.source music.volume music.fade_in music.fade_out music.loop music.duck loudness",
        "a voice after half a second, music that gives way to it, and all of it at -14 LUFS.",
        voice={"source": "file_voice", "start": 0.5, "volume": 1.5},
        music={"source": "file_music", "volume": 0.5, "fade_in": 0.3, "fade_out": 0.5, "loop": True, "duck": True},
        loudness=-14,
    ),
)
WORDS = (
    _of("subtitles", "subtitles.text subtitles.size", "burnt in, letters 24 pixels high.", clips=ONE, subtitles={"text": SRT, "size": 24}),
    _of(
        "subtitles-style",
        "subtitles.position subtitles.margin subtitles.style.colour subtitles.style.background subtitles.style.bold",
        "at the top, yellow on a box.",
        clips=ONE,
        subtitles={
            "text": SRT,
            "size": 24,
            "position": "top",
            "margin": 20,
            "style": {"colour": "#ffe08a", "background": "#000000a0", "bold": True},
        },
    ),
    _of(
        "subtitles-outline",
        "subtitles.style.outline_colour",
        "with an outline in a colour.",
        clips=ONE,
        subtitles={"text": SRT, "size": 30, "style": {"outline_colour": "#c81e3c"}},
    ),
    _of("subtitles-ass", "subtitles.text", "as an ASS file says.", clips=FILM, subtitles={"text": ASS}),
    _of(
        "subtitles-track",
        "subtitles.source subtitles.as",
        "a track, not in the picture.",
        clips=ONE,
        subtitles={"source": "file_srt", "as": "track"},
    ),
    _of(
        "watermark",
        "watermark.text watermark.colour watermark.position watermark.opacity",
        "a text in a corner.",
        clips=FILM,
        watermark={"text": "© 暗房", "colour": "#ffe08a", "position": "top-left", "opacity": 0.9},
    ),
    _of(
        "watermark-picture",
        "watermark.image watermark.size watermark.margin",
        "a picture, an eighth of the width.",
        clips=FILM,
        watermark={"image": "file_logo", "size": 12.5, "margin": 10},
    ),
)
FILES = (
    _of("cover", "cover cover_at", "a JPEG of second 0.7 beside the video.", cover="output", cover_at=0.7),
    _of("webm", "output_format", "VP9 and Opus.", output_format="webm"),
    _of("gif", "output_format repeat", "a GIF that plays once.", output_format="gif", repeat=False),
    _of(
        "plan",
        "only_plan",
        "how long it will be, to the frame; costs nothing.",
        transition={"type": "fade", "duration": 0.5},
        only_plan=True,
    ),
)

GALLERY = Gallery(
    "video.compose",
    "Pictures and videos in, one video out: `darkroom/video-compose`. Pictures below are frames of it, evenly apart.",
    (*CLIPS, *BETWEEN, *SHAPES, *SOUND, *WORDS, *FILES),
)

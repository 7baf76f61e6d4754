"""Examples of text.process."""

from typing import Any

from .example import Example, Gallery

STORY = "狐狸说：“你好！”乌鸦没有回答。Mr. Fox waited for a while. Then he left."


SCRIPT = "INT. KITCHEN - DAY\n狐狸坐在桌边，看着乌鸦。\n\n第二场 树下\nThe crow sings. 奶酪掉了下来。"
NUMBERED = "镜头1：狐狸走进森林。\n镜头2：乌鸦在树上唱歌。"


def _of(name: str, options: str, says: str, *, text: str = STORY, operations: str, **more: Any) -> Example:
    return Example(name, tuple(options.split()), says, {"text": text, "operations": operations.split(), **more})


TIDY = (
    _of(
        "normalise", "operations", "spaces, widths and repeated marks made tidy.", text="Ｈｉ！！！   ＡＢＣ１２３", operations="normalise"
    ),
    _of(
        "punctuation",
        "punctuation widths",
        "marks by the character before them, letters and digits as they are.",
        text="他说:你好!It costs 3.50，right？",
        operations="normalise",
        punctuation="auto",
        widths="keep",
    ),
    _of("sentences", "operations", "the sentences of Chinese, Latin or both.", operations="sentences"),
    _of("count", "operations", "how much there is of what.", operations="count"),
)
SHOTS = (
    _of(
        "scenes",
        "operations split_by",
        "a shot for each scene mark, which is its title.",
        text=SCRIPT,
        operations="shots",
        split_by="scenes",
    ),
    _of("numbers", "split_by", "a shot for each number.", text=NUMBERED, operations="shots", split_by="numbers"),
    _of("longest", "max_shot_length split_by", "no shot is longer.", operations="shots", split_by="none", max_shot_length=24),
    _of(
        "prompts",
        "operations template variables",
        "a prompt for each shot.",
        text=NUMBERED,
        operations="prompts",
        split_by="numbers",
        template="{{number}}/{{count}}: {{shot}} {{style}}, {{light}}",
        variables={"style": "watercolour", "light": "早晨的光"},
    ),
)
SCREENING = (
    _of(
        "screen",
        "operations words mask",
        "what is found, whatever its width and case, and the text without it.",
        text="Bad wine and ＢＡＤ words, 坏东西; badminton is none.",
        operations="screen",
        words=["bad", "坏东西"],
        mask="×",
    ),
)
SUBTITLES = (
    _of("pace", "operations pace gap", "subtitles by the pace of reading, here a faster one.", operations="srt", pace=1.5, gap=0.2),
    _of("duration", "duration", "subtitles that fill a given time.", operations="vtt", duration=8),
    _of("characters-a-second", "characters_per_second", "eight characters a second.", operations="srt", characters_per_second=8),
    _of("durations", "durations", "each sentence as long as it was spoken.", operations="srt", durations=[2.1, 1.8, 2.4, 1.5]),
    _of("lines", "line_width lines", "narrow lines, one for each cue.", operations="srt", line_width=16, lines=1),
    _of(
        "style",
        "operations style.resolution style.size style.colour style.outline style.bold style.position",
        "subtitles with a look of their own.",
        text="你好。",
        operations="ass",
        style={"resolution": "1080x1920", "size": 72, "colour": "#ffe08a", "outline": "#203040", "bold": True, "position": "top"},
    ),
)

SAYS = """\
A text in, one output for each operation: `darkroom/text-process`. It costs nothing.

The operator's own list of words for `screen` is the file `scf_client/functions/text_process/sensitive_words.txt`: a word a line, `#`
before remarks. It is no part of the source and goes with the function (`manage.py functions build`, then `deploy`); the local runtime
sees a change at once."""

GALLERY = Gallery(
    "text.process",
    SAYS,
    (*TIDY, *SHOTS, *SCREENING, *SUBTITLES),
)

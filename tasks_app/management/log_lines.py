"""Log lines as production writes them, made readable: from the journal, from `manage.py up`, from files, one line at a time."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
OF_UP = re.compile(r"([a-z]+) +\| (.*)", re.DOTALL)  # `worker | {…}`
OF_TAIL = re.compile(r"==> (?:.*/)?([^/]+?)(?:\.log)? <==$")
KNOWN = {"time", "level", "logger", "message", "error"}


@dataclass(frozen=True, slots=True)
class Line:
    """`facts` is what the line says by itself, empty where it is no JSON of ours; `process` is "" where nothing tells."""

    raw: str
    process: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filter:
    """`about`: ids of which a line must have one; `level`: the least severe that is shown; `process`: how its name begins."""

    about: tuple[str, ...] = ()
    level: str = ""
    process: str = ""

    def takes(self, line: Line) -> bool:
        if self.process and not line.process.startswith(self.process):
            return False
        if self.about and not any(id in line.raw for id in self.about):
            return False
        return not self.level or _rank(line.facts.get("level", "")) >= _rank(self.level)


def read(lines: Iterable[str]) -> Iterator[Line]:
    """Each line with the process that it came from: the journal's unit, the name before it, or the file that tail names."""
    of = ""
    for text in lines:
        text = text.rstrip("\n")
        if header := OF_TAIL.match(text):
            of = header[1]
        elif text:
            yield _line(text, of)


def shown(line: Line, *, is_coloured: bool = False) -> str:
    """`12:30:01 ERROR worker accounts: message  key=value …`, with the traceback below where there is one."""
    facts = line.facts
    if not facts:
        return f"{line.process + ' ' if line.process else ''}{line.raw}"
    more = "  ".join(f"{name}={value}" for name, value in facts.items() if name not in KNOWN)
    head = f"{str(facts.get('time', ''))[11:19]} {facts['level']:<7} {line.process}".rstrip()
    text = f"{head} {facts.get('logger', '')}: {facts['message']}{f'  {more}' if more else ''}"
    error = "".join(f"\n    {one}" for one in str(facts.get("error", "")).splitlines())
    return _coloured(text, facts["level"]) + error if is_coloured else text + error


def _line(text: str, of: str) -> Line:
    """The journal's JSON holds ours as its MESSAGE, `manage.py up` puts a name before it."""
    facts = _object(text)
    if "MESSAGE" in facts:
        unit = str(facts.get("_SYSTEMD_UNIT", "")).removesuffix(".service").removeprefix("darkroom-")
        message = facts["MESSAGE"]  # bytes that are no text come as a list of numbers
        return _line(message if isinstance(message, str) else bytes(message or ()).decode(errors="replace"), unit)
    if not facts and (named := OF_UP.fullmatch(text)):
        return _line(named[2], named[1])
    return Line(text, of, facts if {"level", "message"} <= facts.keys() else {})


def _object(text: str) -> dict[str, Any]:
    if not text.startswith("{"):
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _rank(level: str) -> int:
    """What has no level, as a line of another program, ranks below all."""
    return LEVELS.index(level) if level in LEVELS else -1


def _coloured(text: str, level: str) -> str:
    colour = {"WARNING": 33, "ERROR": 31, "CRITICAL": 31}.get(level)
    return f"\x1b[{colour}m{text}\x1b[0m" if colour else text

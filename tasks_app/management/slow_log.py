"""The slow query log of MariaDB or MySQL, digested: statements that differ in their values alone are one."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

VALUES = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|\b0x[0-9a-fA-F]+\b|\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b")
LISTS = re.compile(r"\(\s*\?(?:\s*,\s*\?)+\s*\)")
ROWS = re.compile(r"(\(\?\+?\)|\(\?\))(?:\s*,\s*(?:\(\?\+?\)|\(\?\)))+")
COMMENTS = re.compile(r"/\*(?!!).*?\*/", re.DOTALL)
TIMES = re.compile(r"# Query_time: ([\d.]+)\s+Lock_time: ([\d.]+)\s+Rows_sent: (\d+)\s+Rows_examined: (\d+)")
PREAMBLE = re.compile(r"(?:use \S+|SET timestamp=\d+);", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Query:
    seconds: float
    rows_examined: int
    sql: str


@dataclass
class Digest:
    """What one statement cost, whatever its values."""

    fingerprint: str
    seconds: list[float] = field(default_factory=list)
    rows_examined: int = 0

    @property
    def total_s(self) -> float:
        return sum(self.seconds)

    @property
    def p95_s(self) -> float:
        """The least time within which 95 % of them ended."""
        return sorted(self.seconds)[-(-95 * len(self.seconds) // 100) - 1]

    @property
    def rows_each(self) -> float:
        return self.rows_examined / len(self.seconds)


def digested(queries: Iterable[Query]) -> list[Digest]:
    """By fingerprint, what took most time in all first."""
    found: dict[str, Digest] = {}
    for query in queries:
        print_ = fingerprint(query.sql)
        digest = found.setdefault(print_, Digest(print_))
        digest.seconds.append(query.seconds)
        digest.rows_examined += query.rows_examined
    return sorted(found.values(), key=lambda digest: -digest.total_s)


def fingerprint(sql: str) -> str:
    """The statement without its values, of which clients' words are some: nothing of theirs is shown."""
    text = VALUES.sub("?", COMMENTS.sub("", sql))
    text = ROWS.sub("(?), …", LISTS.sub("(?)", text))
    return " ".join(text.split()).rstrip("; ")


def in_file(lines: Iterable[str]) -> Iterator[Query]:
    """The queries of a slow query log file. A statement begins after its times, and ends where the next header begins."""
    times, sql = None, list[str]()
    for line in lines:
        if line.startswith("#"):
            if times and sql:
                yield Query(*times, "".join(sql))
            sql = []
            if found := TIMES.match(line):
                times = float(found[1]), int(found[4])
        elif times and not PREAMBLE.match(line):
            sql.append(line)
    if times and sql:
        yield Query(*times, "".join(sql))

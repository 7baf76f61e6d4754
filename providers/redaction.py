"""Redaction: what went over a wire, as a text that an operator may read. No Django.

No credential that is named to it gets into the text, however it is spelled there. What looks like a secret of somebody else's is left out
too: what stands in an address behind the `?`, or under a name such as `token`. Bytes and base64 become a note of their length, and what
is long is cut with a note of how much. It looks at the beginning of what it is given, so its cost is bounded.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

import orjson

LONGEST = 4_000  # characters of a body
LONGEST_ADDRESS = 1_000
LONGEST_STRING = 2_000  # of one string in JSON, so that a long prompt leaves room for what stands beside it
READ_WHOLE = 64 * 1024  # bytes of JSON
LOOKED_AT = 2 * LONGEST  # bytes of what is not read as JSON
DEEPEST = 12
# A shorter credential is a number or the name of a region. To take each "1" out of a text would leave nothing that one can read.
SHORTEST_SECRET = 6
GONE = "…"

NAMES = (
    "token|secret|passw(?:or)?d|passphrase|(?:api|access|secret|private|auth)[_-]?key(?:[_-]?id)?|secret[_-]?id|signature|authorization"
    "|credentials?|cookie|session(?:[_-]?id)?|jwt|(?<![a-z0-9_-])key|(?<![a-z])(?:sign|sig|auth|ak|sk)"
)
IS_SECRET = re.compile(rf"(?:{NAMES})$", re.IGNORECASE)
# Each begins with what is rare, or looks behind itself: tried anew at each letter, they would cost a submit more than its signature.
SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(:(?:\\?/){2})[^\s/\\\"'<>@]+@"), rf"\1{GONE}@"),  # who signs in, in an address
    (re.compile(r"((?:/|%2[Ff])hooks(?:\\?/|%2[Ff])[\w.-]+(?:\\?/|%2[Ff]))[\w-]+"), rf"\1{GONE}"),  # hooks.py's own addresses
    (re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), GONE),  # a JSON web token
    (re.compile(r"([Bb]earer|[Bb]asic)\s+[^\s\"'<>,;\\]+"), rf"\1 {GONE}"),
)
NAME = re.compile(r"(?<![\w-])([\w-]+)\\?[\"']?\s*[:=]\s*")
VALUE = re.compile(r"\\?\"[^\"]*\"|'[^']*'|[^\s\"'&,;<>\\]+")
ANY = r"(?:[^\s\"'<>\\]|\\(?![\"']))"  # what a string goes on with, in JSON that is not read as such, too
QUERY = re.compile(rf"(?<![\w+.-])(\w[\w+.-]*:(?:\\?/){{2}}[^\s\"'<>?#]*[?#])({ANY}+)")
DATA = re.compile(rf"([Dd]ata:[\w.+-]*(?:\\?/)?[\w.+-]*[;,])({ANY}{{16,}})")
SHORTEST_BASE64 = 120
BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?:(?:[A-Za-z0-9+/_-]|\\/){120,}={0,2}|(?:[A-Za-z0-9+/]{60,}={0,2}(?:\\[rn]|\s)+){2,}[A-Za-z0-9+/]*={0,2})"
)

MARKS = re.compile(r"[:=]|[Bb]earer|[Bb]asic|eyJ|hooks")  # what holds none of these, and is short, holds nothing of the above


class Redactor:
    """Writes texts that hold none of these secrets."""

    def __init__(self, secrets: Iterable[str]):
        self._secrets = _spelled(tuple(secrets))
        self._room = 0

    def address(self, url: str) -> str:
        """An address that we called: with its query, which says what for, but for what is secret there."""
        return _begun(_without_strangers_secrets(self._without_secrets(url)), LONGEST_ADDRESS)

    def body(self, content: Any, size: int = 0) -> str:
        """JSON with a line for each value, and any other text as it is; `size` where `content` is but the beginning of so many bytes."""
        text, note = self._of_bytes(content, max(size, len(content))) if isinstance(content, bytes) else (self._of_json(content), "")
        text = self._without_secrets(text)  # once more: what was put together might spell one
        return _begun(text, LONGEST, note)

    def _of_bytes(self, content: bytes, size: int) -> tuple[str, str]:
        """The text, and how long the whole is where that is more."""
        if size <= READ_WHOLE:
            try:
                return self._of_json(orjson.loads(content)), ""
            except orjson.JSONDecodeError:
                pass
        head = content[:LOOKED_AT]
        if b"\0" in head:
            return _note(size, "bytes"), ""
        is_whole = size == len(head)
        text = _cleaned(self._beginning(head.decode(errors="replace"), is_whole=is_whole))
        return (text, "") if is_whole else (text[:LONGEST], f"{GONE} ({size:,} bytes in all)")

    def _of_json(self, value: Any) -> str:
        self._room = 2 * LONGEST
        written = self._written(value, DEEPEST)
        return written if isinstance(written, str) else json.dumps(written, ensure_ascii=False, indent=2, default=str)

    def _written(self, value: Any, depth: int) -> Any:
        self._room -= 1
        if isinstance(value, str):
            return self._string(value)
        if not isinstance(value, Mapping | list | tuple):
            return value
        if depth == 0:
            return GONE
        if isinstance(value, Mapping):
            return {self._string(str(name)): self._value(name, one, depth) for name, one in self._as_many_as_fit(value.items())}
        return [self._written(one, depth - 1) for one in self._as_many_as_fit(value)]

    def _value(self, name: Any, value: Any, depth: int) -> Any:
        if isinstance(value, str) and value and IS_SECRET.search(str(name)):
            return _note(len(value))
        return self._written(value, depth - 1)

    def _as_many_as_fit(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            if self._room <= 0:
                return
            yield value

    def _string(self, text: str) -> str:
        written = self._briefly(text, text[:LONGEST_STRING])
        self._room -= len(written)
        return written

    def _briefly(self, text: str, head: str) -> str:
        if found := DATA.match(head):
            return found[1] + _note(len(text) - len(found[1]))
        if BASE64.fullmatch(head):
            return _note(len(text))
        more = _more(len(text) - len(head)) if len(text) > len(head) else ""
        return _cleaned(self._beginning(head, is_whole=not more)) + more

    def _beginning(self, text: str, *, is_whole: bool) -> str:
        """Without secrets, and, where the text goes on, without what may be the beginning of one."""
        text = self._without_secrets(text)
        return text if is_whole or not self._secrets else text[: -len(self._secrets[0])]

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, GONE)
        return text


def _begun(text: str, longest: int, note: str = "") -> str:
    """The text up to so many characters, and `note`, or how many are left out."""
    return text + note if len(text) <= longest else text[:longest] + (note or _more(len(text) - longest))


def _cleaned(text: str) -> str:
    """Without what looks like a secret, or like bytes."""
    if len(text) < SHORTEST_BASE64 and not MARKS.search(text):  # most names and values are
        return text
    return _without_strangers_secrets(QUERY.sub(_noted, DATA.sub(_noted, text)))


def _without_strangers_secrets(text: str) -> str:
    for pattern, instead in SECRETS:
        text = pattern.sub(instead, text)
    return BASE64.sub(_noted, _without_named(text))


def _without_named(text: str) -> str:
    """Without what stands behind the name of a secret."""
    written, at = [], 0
    for name in NAME.finditer(text):
        if name.end() > at and IS_SECRET.search(name[1]) and (value := VALUE.match(text, name.end())):
            written += [text[at : name.end()], GONE]
            at = value.end()
    return "".join([*written, text[at:]])


@lru_cache(maxsize=64)
def _spelled(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Every spelling of each; the longest first, for one may be the beginning of another."""
    spelled = {spelling for secret in secrets if len(secret) >= SHORTEST_SECRET for spelling in _spellings(secret)}
    return tuple(sorted(spelled, key=len, reverse=True))


def _spellings(secret: str) -> set[str]:
    """As JSON, an address or a header may write it."""
    escaped = {json.dumps(secret, ensure_ascii=ascii)[1:-1] for ascii in (True, False)}
    slashed = {text.replace("/", r"\/") for text in escaped}
    return {secret, quote(secret, safe=""), quote_plus(secret), b64encode(secret.encode()).decode()} | escaped | slashed


def _noted(found: re.Match[str]) -> str:
    """A note in place of what was found; its first group stays, where it has groups."""
    kept, left_out = found.groups() or ("", found[0])
    return kept + _note(len(left_out))


def _note(count: int, unit: str = "characters") -> str:
    return f"{GONE} ({count:,} {unit})"


def _more(count: int) -> str:
    return f"{GONE} ({count:,} more characters)"

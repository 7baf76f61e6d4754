"""COS's CORS: which pages' browsers may call, by the rules in the bucket's own document. Read 2026-11: "Setting CORS", "OPTIONS Object"."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from fnmatch import fnmatchcase


def allowing(document: bytes | None, *, origin: str, method: str, headers: Iterable[str] = ()) -> dict[str, str] | None:
    """What the first rule that lets a page of `origin` do this has a browser told; None where none does."""
    if document is None or not origin:
        return None
    wanted = [name.strip().lower() for name in headers if name.strip()]
    return next((_told(rule, origin, wanted) for rule in ET.fromstring(document) if _lets(rule, origin, method, wanted)), None)


def _lets(rule: ET.Element, origin: str, method: str, wanted: list[str]) -> bool:
    names = [name.lower() for name in _all(rule, "AllowedHeader")]
    return (
        any(fnmatchcase(origin, pattern) for pattern in _all(rule, "AllowedOrigin"))
        and method in _all(rule, "AllowedMethod")
        and all(any(fnmatchcase(one, name) for name in names) for one in wanted)
    )


def _told(rule: ET.Element, origin: str, wanted: list[str]) -> dict[str, str]:
    told = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": ",".join(_all(rule, "AllowedMethod")),
        "Access-Control-Allow-Headers": ",".join(wanted),
        "Access-Control-Expose-Headers": ",".join(_all(rule, "ExposeHeader")),
        "Access-Control-Max-Age": rule.findtext("MaxAgeSeconds", ""),
        "Vary": "Origin",
    }
    return {name: value for name, value in told.items() if value}


def _all(rule: ET.Element, name: str) -> list[str]:
    return [one.text or "" for one in rule.findall(name)]

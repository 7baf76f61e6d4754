"""COS's XML: answers written, bodies read, the bucket's documents held against what they may contain."""

import xml.etree.ElementTree as ET
from typing import Any

# Element → what may stand in it: a tuple names more elements, a set the words allowed, int a number above zero, str any text.
LIFECYCLE = {
    "LifecycleConfiguration": ("Rule",),
    "Rule": ("ID", "Filter", "Status", "Expiration", "AbortIncompleteMultipartUpload"),
    "ID": str,
    "Filter": ("Prefix",),
    "Prefix": str,
    "Status": {"Enabled", "Disabled"},
    "Expiration": ("Days",),
    "Days": int,
    "AbortIncompleteMultipartUpload": ("DaysAfterInitiation",),
    "DaysAfterInitiation": int,
}
CORS = {
    "CORSConfiguration": ("CORSRule",),
    "CORSRule": ("ID", "AllowedOrigin", "AllowedMethod", "AllowedHeader", "ExposeHeader", "MaxAgeSeconds"),
    "ID": str,
    "AllowedOrigin": str,
    "AllowedMethod": {"GET", "PUT", "POST", "DELETE", "HEAD"},
    "AllowedHeader": str,
    "ExposeHeader": str,
    "MaxAgeSeconds": int,
}
DELETE = {"Delete": ("Quiet", "Object"), "Quiet": {"true", "false"}, "Object": ("Key",), "Key": str}
COMPLETE = {"CompleteMultipartUpload": ("Part",), "Part": ("PartNumber", "ETag"), "PartNumber": int, "ETag": str}
NEEDED = {
    "Rule": {"Filter", "Status"},
    "CORSRule": {"AllowedOrigin", "AllowedMethod"},
    "Object": {"Key"},
    "Part": {"PartNumber", "ETag"},
}


class Malformed(Exception):
    """The document is no XML, or holds what it must not."""


def written(name: str, content: dict[str, Any]) -> bytes:
    """A document; a list stands for an element that is repeated, a dict for one with elements in it."""
    return b"<?xml version='1.0' encoding='utf-8' ?>" + ET.tostring(_element(name, content), encoding="utf-8")


def read(body: bytes, allowed: dict[str, Any]) -> ET.Element:
    """The document's root, the first name of `allowed`; raises Malformed."""
    try:
        root = ET.fromstring(body)
    except ET.ParseError as error:
        raise Malformed(str(error)) from None
    if root.tag != next(iter(allowed)):
        raise Malformed(f"{root.tag} is not {next(iter(allowed))}")
    _check(root, allowed)
    return root


def _element(name: str, content: Any) -> ET.Element:
    element = ET.Element(name)
    if not isinstance(content, dict):
        element.text = str(content)
        return element
    for below, value in content.items():
        element.extend(_element(below, one) for one in (value if isinstance(value, list) else [value]))
    return element


def _check(element: ET.Element, allowed: dict[str, Any]) -> None:
    may, text = allowed[element.tag], element.text or ""
    match may:
        case tuple():
            names = [below.tag for below in element]
            if wrong := set(names) - set(may) or NEEDED.get(element.tag, set()) - set(names):
                raise Malformed(f"{sorted(wrong)[0]} in {element.tag}")
            for below in element:
                _check(below, allowed)
        case set() if text not in may:
            raise Malformed(f"{element.tag} must not be {text}")
        case type() if may is int and not (text.isdecimal() and int(text)):
            raise Malformed(f"{element.tag} must be a number")

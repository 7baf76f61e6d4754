"""What adapters do alike: an order written in a vendor's fields, and what the vendor says read again. No Django."""

import base64
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Any

from .errors import Invalid, OutcomeUnknown, QuotaExceeded, Refused, Unavailable, UpstreamError
from .http import Reply
from .outcomes import Balance, Job, Media

Fields = dict[str, tuple[str, Callable[[Any], Any]]]  # our field → theirs, and how its value is written


# How we write


def written(job: Job, given: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """What is given, in the vendor's fields; raises Invalid that names a field which none of them stands for."""
    for name in given:
        if name not in fields:
            raise Invalid(f"{job.model} takes no {name}.", field=name)
    return {fields[name][0]: fields[name][1](value) for name, value in given.items()}


def frames(job: Job, *, takes: tuple[str, ...] = ("first_frame", "last_frame")) -> dict[str, str]:
    """The address of each frame that the video is to go through, by its type; one of each, and no last one without a first."""
    return {name: url(image) for name, image in frame_images(job, takes=takes).items()}


def frame_images(job: Job, *, takes: tuple[str, ...] = ("first_frame", "last_frame")) -> dict[str, Media]:
    """The frames themselves, likewise."""
    given = job.input.get("frame_images") or ()
    found = {frame["frame_type"]: frame["image"] for frame in given}
    for name in found.keys() - set(takes):
        raise Invalid(f"{job.model} takes no {name}, only {' and '.join(takes)}.", field="frame_images")
    if len(found) < len(given):
        raise Invalid(f"{job.model} takes one frame of each type.", field="frame_images")
    if found and "first_frame" not in found:
        raise Invalid(f"{job.model} takes a last frame only beside a first one.", field="frame_images")
    return found


def url(media: Media | str) -> str:
    return media.url if isinstance(media, Media) else media


def urls(media: list[Media | str]) -> list[str]:
    return [url(one) for one in media]


def inlined(media: Media) -> str:
    """A file of this machine in base64, for those whose FACTS say `local_media`. It reads, so it is for a thread."""
    return base64.b64encode(Path(media.path or "").read_bytes()).decode()


def as_it_is(value: Any) -> Any:
    return value


def without(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in names}


# How we read


def refusal(kind: type[UpstreamError] | None, reply: Reply, *, vendor: str, code: Any, message: Any) -> UpstreamError:
    """The error of the kind that a vendor's table gives for its code; none: a submit is in doubt, and a question not answered."""
    if kind is None:
        return in_doubt(reply.paid)(f"{vendor} answered with status {reply.status} and code {str(code)[:60]}.")
    return kind(why(kind, vendor=vendor, code=code, message=message), retry_after=seconds(reply.headers.get("Retry-After")))


def in_doubt(paid: bool) -> type[UpstreamError]:
    """What an answer is that no table has, or that cannot be read."""
    return OutcomeUnknown if paid else Unavailable


def why(kind: type[UpstreamError], *, vendor: str, code: Any, message: Any) -> str:
    """The vendor's own text where the request is at fault; of our account's troubles a client learns no more than the code."""
    if issubclass(kind, Refused) and isinstance(message, str):
        return message[:300]
    return f"{(kind.__doc__ or '').strip()} {vendor}'s code is {str(code)[:60]}."


def complaints(detail: Any) -> str:
    """What is wrong with an input, of servers that say it as FastAPI does: [{loc: [body, field, …], msg}]."""
    return "; ".join(f"{_place(one.get('loc'))}{one.get('msg')}" for one in objects(detail))[:300]


def seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None


def amounts(told: Any) -> dict[str, float]:
    """What an upstream says that it used, as far as that is numbers by their names."""
    pairs = told.items() if isinstance(told, Mapping) else ()
    return {name: float(value) for name, value in pairs if isinstance(value, int | float) and not isinstance(value, bool)}


def number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def balance(left: float, unit: str, *, vendor: str) -> Balance:
    """What is left of our money at a vendor; raises QuotaExceeded where nothing is."""
    if left <= 0:
        raise QuotaExceeded(f"There are no {unit} left at {vendor}.")
    return Balance(left, unit)


def objects(told: Any) -> list[Mapping[str, Any]]:
    """Of what should be a list of objects, those that are."""
    return [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []


def of_ids(told: Any, ids: Container[str]) -> list[Mapping[str, Any]]:
    """Of what should be a list of jobs, those with one of these ids."""
    return [one for one in objects(told) if isinstance(one.get("id"), str) and one["id"] in ids]


def decoded(text: Any) -> bytes | None:
    """The bytes that a text in base64 stands for; None where it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        return None


def _place(loc: Any) -> str:
    match loc:
        case [_, *names] if names:
            return ".".join(map(str, names)) + ": "
    return ""

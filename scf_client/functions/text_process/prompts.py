"""Templates of prompts: {{name}} is a variable, and none may be unknown, missing or for nothing."""

import re
from collections.abc import Mapping, Sequence

from ..common.errors import Invalid
from .shots import Shot

VARIABLE = re.compile(r"\{\{\s*([a-z][a-z0-9_]{0,39})\s*\}\}")
OURS = ("shot", "title", "number", "count")
LONGEST = 20_000  # characters of a prompt


def filled(template: str, variables: Mapping[str, str], shots: Sequence[Shot]) -> list[str]:
    """A prompt for each shot; raises Invalid that names what does not fit."""
    _check(template, variables)
    return [_filled(template, {**variables, **_of(shot, number, len(shots))}) for number, shot in enumerate(shots, 1)]


def _check(template: str, variables: Mapping[str, str]) -> None:
    wanted = set(VARIABLE.findall(template))
    if unknown := sorted(wanted - set(variables) - set(OURS)):
        raise Invalid(f"template has {{{{{unknown[0]}}}}}, which variables does not: add it there.", field="template")
    if taken := sorted(set(variables) & set(OURS)):
        raise Invalid(f"{taken[0]} is the shot's own: name the variable otherwise.", field=f"variables.{taken[0]}")
    if unused := sorted(set(variables) - wanted):
        raise Invalid(f"template has no {{{{{unused[0]}}}}}: use it there, or leave it out.", field=f"variables.{unused[0]}")
    rest = VARIABLE.sub("", template)
    if "{{" in rest or "}}" in rest:
        raise Invalid("template has braces that hold no name: {{name}}, of small letters, digits and _.", field="template")


def _of(shot: Shot, number: int, count: int) -> dict[str, str]:
    return {"shot": shot.text, "title": shot.title, "number": str(number), "count": str(count)}


def _filled(template: str, values: Mapping[str, str]) -> str:
    length = len(VARIABLE.sub("", template)) + sum(len(values[name]) for name in VARIABLE.findall(template))
    if length > LONGEST:
        raise Invalid(f"A prompt would have {length:,} characters: at most {LONGEST:,}.", field="template")
    return VARIABLE.sub(lambda found: values[found[1]], template)

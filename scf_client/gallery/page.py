"""docs/functions.md: a section for each function, its options as a table and its examples with what came of them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import NAMES, file, of
from .example import Example, schema

HEAD = """\
# What our functions do

Every option of the models that Darkroom serves itself, with what the function made of it. Written by `manage.py functions docs` from the
functions' schemas and by the functions themselves, so it is what they do. `file_…` stands for a file of yours; `task_…/0` and https URLs
are taken as well. An option that is unknown, out of its range or at odds with another one is refused, and the answer names it.
"""


def section(function: str, snippets: Mapping[str, Sequence[str]]) -> str:
    """The section of a function; `snippets` has the texts that came of an example, by its name."""
    gallery = of(function)
    parts = [f"## {gallery.kind}\n\n{gallery.says}\n", _table(schema(function, gallery.schema))]
    parts += [_example(function, example, snippets.get(example.name, ())) for example in gallery.examples]
    return "\n".join(parts)


def merged(old: str, sections: Mapping[str, str]) -> str:
    """The page with these sections in their places, and of the others what stands in the page now."""
    known = {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in re.split(r"(?m)^## ", old)[1:]}
    kept = {name: known[of(name).kind] for name in NAMES if of(name).kind in known}
    return "\n".join([HEAD, *(({**kept, **sections})[name] for name in NAMES if name in sections or name in kept)])


def options(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Each option as (its name, its own schema, the object it belongs to); one within another as captions.size or clips[].fit.

    What several options share is taken apart where it is met first.
    """
    yield from _options(schema, schema.get("$defs", {}), {})


def _options(
    owner: Mapping[str, Any], shared: Mapping[str, Any], met: dict[str, str], before: str = ""
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    for name, own in owner["properties"].items():
        node, whole = own, f"{before}{name}"
        inner, mark = (node["items"], "[]") if "items" in node else (node, "")
        if reference := inner.get("$ref", "").removeprefix("#/$defs/"):
            if reference in met:
                yield whole, {**own, "like": met[reference]}, owner
                continue
            met[reference], inner = f"{whole}{mark}", {**shared[reference], **inner}
            node = {**node, "items": inner} if mark else inner
        yield whole, node, owner
        if "properties" in inner:
            yield from _options(inner, shared, met, f"{whole}{mark}.")


def _table(schema: Mapping[str, Any]) -> str:
    rows = ["| option | default | takes | what it does |", "| --- | --- | --- | --- |"]
    for name, node, owner in options(schema):
        is_needed = name.rpartition(".")[2] in owner.get("required", ())
        default = f"`{_json(node['default'])}`" if "default" in node else "required" if is_needed else ""
        rows.append(f"| `{name}` | {default} | {_range(node)} | {_cell(node.get('description', ''))} |")
    return "\n".join(rows) + "\n"


def _range(node: Mapping[str, Any]) -> str:
    """Which values an option takes."""
    if "like" in node:
        return f"as `{node['like']}`"
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if node.get("format") == "media":
        return "a file"
    if "pattern" in node:
        return f"like `{node['examples'][0]}`" if "examples" in node else "text"
    for least, most, of_what in (("minimum", "maximum", ""), ("minItems", "maxItems", " items"), ("minLength", "maxLength", " characters")):
        if most in node:
            return f"{node.get(least, 0):,} to {node[most]:,}{of_what}"
    return {"boolean": "`true`, `false`"}.get(node.get("type", ""), "")


def _example(function: str, example: Example, snippets: Sequence[str]) -> str:
    shown = ", ".join(f"`{option}`" for option in example.options)
    parts = [f"### {example.name.replace('-', ' ').capitalize()}", f"{shown}: {example.says}", f"```json\n{_json(example.input)}\n```"]
    parts += [f"```text\n{snippet}\n```" for snippet in snippets] or [f"![{example.says}]({file(function, example)})"]
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

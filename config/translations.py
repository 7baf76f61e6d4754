"""Writes what the admin says into locale/, to be translated, and compiles it: `python -m config.translations`, without gettext.

What is to be translated: the constant words of every call of gettext in our code, of our templates and models, the closed sets of words
that are translated by name, and what unfold says that Django has no translation of. A test holds the files against it.
"""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import polib

from .env import ROOT

LANGUAGE = "zh_Hans"
FILE = ROOT / "locale" / LANGUAGE / "LC_MESSAGES/django.po"
SOURCES = ("accounts", "config", "providers", "tasks_app")
CALLS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy"}
TAG = re.compile(r"""\b_\(\s*(["'])(.+?)\1\s*\)|\{%\s*trans(?:late)?\s+(["'])(.+?)\3""")
BLOCK = re.compile(r"\{%\s*blocktrans(?:late)?\b([^%]*)%\}(.*?)\{%\s*endblocktrans(?:late)?\s*%\}", re.DOTALL)
PLURAL = re.compile(r"\{%\s*plural\s*%\}")
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
METADATA = {
    "Project-Id-Version": "Darkroom",
    "Language": LANGUAGE,
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=1; plural=0;",
}

Words = dict[str, str]  # singular → plural, or nothing


def wanted() -> Words:
    from .words import of_models

    words: Words = {}
    for folder in SOURCES:
        words |= _of_folder(ROOT / folder)
    words |= dict.fromkeys([*of_models(), *_by_name()], "")
    return {one: many for one, many in words.items() if one.strip()} | _of_unfold(words)


def write() -> tuple[int, int]:
    """Bring the file up to date, keeping what is translated, and compile it; returns how many words there are, and how many lack one."""
    known = {entry.msgid: entry for entry in polib.pofile(str(FILE))} if FILE.exists() else {}
    file = polib.POFile(wrapwidth=100)
    file.metadata = METADATA
    for one, many in sorted(wanted().items()):
        file.append(_entry(one, many, known.get(one)))
    FILE.parent.mkdir(parents=True, exist_ok=True)
    file.save(str(FILE))
    file.save_as_mofile(str(FILE.with_suffix(".mo")))
    return len(file), len(file.untranslated_entries())


def _entry(one: str, many: str, known: polib.POEntry | None) -> polib.POEntry:
    if many:
        told = known.msgstr_plural.get(0, "") or known.msgstr if known else ""
        return polib.POEntry(msgid=one, msgid_plural=many, msgstr_plural={0: told})
    return polib.POEntry(msgid=one, msgstr=(known.msgstr or known.msgstr_plural.get(0, "")) if known else "")


def _of_folder(folder: Path, *, but: str = "") -> Words:
    words: Words = {}
    for path in sorted(folder.rglob("*")):
        if but and but in path.parts:
            continue
        if path.suffix == ".py":
            words |= dict(_of_code(ast.parse(path.read_text(encoding="utf-8"))))
        elif path.suffix == ".html":
            words |= dict(_of_template(path.read_text(encoding="utf-8")))
    return words


def _of_code(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS and node.args:
            texts = [argument.value for argument in node.args[:2] if isinstance(argument, ast.Constant) and isinstance(argument.value, str)]
            if texts:
                yield texts[0], texts[1] if node.func.id.startswith("n") else ""


def _of_template(text: str) -> Iterator[tuple[str, str]]:
    for found in TAG.finditer(text):
        yield found[2] or found[4], ""
    for options, body in BLOCK.findall(text):
        parts = [VARIABLE.sub(r"%(\1)s", _trimmed(part) if "trimmed" in options else part) for part in PLURAL.split(body)]
        yield parts[0], parts[1] if len(parts) > 1 else ""


def _trimmed(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def _by_name() -> Iterator[str]:
    """Words of closed sets, which code translates by variable."""
    from accounts.models import LedgerEntry
    from tasks_app.engine.reasons import REASONS
    from tasks_app.figures import PARKED
    from tasks_app.models import Delivery, Flag, Task

    for choices in (Task.Status, Delivery.Status, Flag.Ending, LedgerEntry.Kind):
        yield from choices.values
    for reason in REASONS.values():
        yield from (reason.title, reason.happened, reason.next)
    yield from (PARKED, "open", "healthy", "failing", "not checked", "closed", "half-open", "low", "enough", "good", "refused", "bad")
    yield from ("beat", "workers", "queue lag", "stuck tasks", "providers", "webhooks", "books", "flags")  # what the doctor checks


def _of_unfold(ours: Words) -> Words:
    """unfold has no translations; some of its words are Django's, and those are translated there."""
    import unfold
    from django import conf
    from django.contrib import admin, auth

    theirs: set[str] = set()
    for package in (conf, admin, auth):
        compiled = Path(package.__file__).parent / "locale" / LANGUAGE / "LC_MESSAGES/django.mo"
        theirs |= {entry.msgid for entry in polib.mofile(str(compiled))}
    found = _of_folder(Path(unfold.__file__).parent, but="contrib")
    return {one: many for one, many in found.items() if one.strip() and one not in theirs and one not in ours}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    total, missing = write()
    print(f"{total} words, {missing} of them not translated")

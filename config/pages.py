"""Writes the generated pages: `python -m config.pages`.

`.env.example` and docs/configuration.md are what config/env.py declares, docs/providers.md what the adapters do, and what they kept of
their promises when `python -m tests.providers.adapters.points` last tried them all.
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from providers import adapters, offers
from providers.outcomes import Facts, Recovery

from .env import DECLARED, ROOT, Var

EXAMPLE, PAGE, PROVIDERS = ROOT / ".env.example", ROOT / "docs/configuration.md", ROOT / "docs/providers.md"
CONFORMANCE = ROOT / "docs/conformance.json"

EXAMPLE_HEAD = """\
# Every variable that Darkroom reads. Copy this file to .env and change what you need; what the process's own
# environment sets wins over the file. Generated from config/env.py by `make format`.
"""

PAGE_HEAD = """\
# Configuration

Darkroom reads these variables from its environment, or from a file `.env` beside `manage.py` (see `.env.example`);
the environment wins. They are checked when a process starts: a wrong one stops it, with its name, what was found and
what would be right. Where `DARKROOM_ENV=production`, those marked *required in production* must be set.

Generated from `config/env.py` by `make format`.

| variable | default | what it does |
| --- | --- | --- |
"""

PROVIDERS_HEAD = """\
# Providers

Whom Darkroom can ask, and what their protocols offer. `manage.py providers install NAME` installs a vendor's provider and models, with
prices that are yours to change (`--dry-run` says what it would do); enter the credentials in the admin then, and switch the provider on.
Models of `scf`, our own functions, come with `manage.py install_models`. How to write one: [adding-a-provider.md](adding-a-provider.md).

*A lost submit* says what becomes of a task whose submit was cut off: `replays` and `rejects`, the upstream knows our token when it is sent
again; `looks_up` and `lists`, the job is asked for; `callback`, the upstream calls us about it (where `HOOKS_URL` is set). With none of
these the task fails, and nothing is ever bought twice.

*Sourced prices* follow figures of the vendor, or of somebody who quotes them, which the `.toml` beside the adapter names, with the month in
which they were written or read; the others are estimates, and `install` says so. All of them are what it took then: look before you sell.

*Conformance* says how many promises of one suite the adapter kept when it was tried through the whole engine; the rest are what its
protocol cannot do, or has no word for. `python -m tests.providers.adapters.points` tries all of them again.

Generated from the adapters' `FACTS` and `docs/conformance.json` by `make format`.

| provider | kinds | models | sourced prices | a lost submit | jobs told of in a call | cancel | calls us | results live for | conformance |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def example() -> str:
    """The text of `.env.example`: each variable out-commented, with its default."""
    return EXAMPLE_HEAD + "".join(f"\n# {_help(var)}\n#{var.name}={_default(var)}\n" for var in DECLARED)


def page() -> str:
    """The text of docs/configuration.md."""
    return PAGE_HEAD + "".join(f"| `{var.name}` | {_cell(var)} | {_help(var).replace('|', chr(92) + '|')} |\n" for var in DECLARED)


def providers() -> str:
    """The text of docs/providers.md."""
    tried = json.loads(CONFORMANCE.read_text(encoding="utf-8"))
    return PROVIDERS_HEAD + "".join(_provider(name, adapters.adapter_class(name).FACTS, tried) for name in sorted(adapters.BUILT_IN))


def write() -> None:
    PROVIDERS.write_text(providers(), encoding="utf-8")
    EXAMPLE.write_text(example(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


def _provider(name: str, facts: Facts, tried: dict[str, Any]) -> str:
    models = offers.of(name).models if name in offers.names() else ()
    cells = (
        f"`{name}`",
        ", ".join(sorted(facts.kinds)),
        ", ".join(f"`{model.name}`" for model in models) or "`install_models`",
        f"{sum(bool(model.price_source) for model in models)} of {len(models)}" if models else "ours",
        ", ".join(f"`{way}`" for way in get_args(Recovery) if way in facts.recovery) or "fails",
        str(facts.batch),
        facts.cancel.replace("_", " "),
        "yes" if facts.calls_back else "no",
        _span(facts.results_live),
        f"{tried['kept'][name]} of {tried['points']}" if name in tried["kept"] else "tests of its own",
    )
    return f"| {' | '.join(cells)} |\n"


def _span(span: timedelta) -> str:
    hours = span // timedelta(hours=1)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} h"


def _help(var: Var) -> str:
    if var.needed:
        return f"{var.help} Required where {var.needed}."
    return f"{var.help} Required in production." if var.production else var.help


def _cell(var: Var) -> str:
    return f"`{_default(var)}`" if _default(var) else "empty"


def _default(var: Var) -> str:
    """As one would write it; a folder of ours relative to the root; a secret's default is nobody's business to copy."""
    if var.secret:
        return ""
    if isinstance(var.default, Path):
        return str(var.default.relative_to(ROOT))
    if isinstance(var.default, list):
        return ",".join(var.default)
    return str(var.default)


if __name__ == "__main__":
    write()

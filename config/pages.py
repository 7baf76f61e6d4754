"""Writes `.env.example` and docs/configuration.md from what config/env.py declares: `python -m config.pages`."""

from pathlib import Path

from .env import DECLARED, ROOT, Var

EXAMPLE, PAGE = ROOT / ".env.example", ROOT / "docs/configuration.md"

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


def example() -> str:
    """The text of `.env.example`: each variable out-commented, with its default."""
    return EXAMPLE_HEAD + "".join(f"\n# {_help(var)}\n#{var.name}={_default(var)}\n" for var in DECLARED)


def page() -> str:
    """The text of docs/configuration.md."""
    return PAGE_HEAD + "".join(f"| `{var.name}` | {_cell(var)} | {_help(var).replace('|', chr(92) + '|')} |\n" for var in DECLARED)


def write() -> None:
    EXAMPLE.write_text(example(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


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

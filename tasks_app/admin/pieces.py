"""Pieces of a page, as HTML or as words: labels, tables, links, sizes and times. What came from a stranger is always escaped."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.template.loader import render_to_string
from django.utils import formats
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import template_localtime

NONE = "–"
UNITS = ("B", "kB", "MB", "GB", "TB")


def label(text: str, colour: str = "") -> SafeString:
    """`colour` is one of unfold's: info, primary, success, warning, danger; empty: grey."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour})


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> SafeString:
    """On a phone each row becomes a card."""
    return render_to_string("unfold/components/table.html", {"table": {"headers": headers, "rows": list(rows)}})


def two_lines(first: Any, second: Any = "") -> SafeString:
    return format_html('<span class="two-lines"><span>{}</span><span class="text-subtle">{}</span></span>', first, second)


def one_line(text: str) -> SafeString:
    """Never broken where there is room, as on a desk."""
    return format_html('<span class="nowrap">{}</span>', text)


def in_a_row(parts: Iterable[Any]) -> SafeString:
    return format_html_join(" ", "{}", ((part,) for part in parts))


def mono(text: str) -> SafeString:
    """An id or a token, in one piece where there is room."""
    return format_html('<code class="mono nowrap">{}</code>', text)


def raw(value: Any) -> SafeString:
    """JSON on one line, for a cell."""
    return format_html('<code class="mono">{}</code>', json.dumps(value, ensure_ascii=False))


def link(url: str, text: Any) -> SafeString:
    return format_html('<a href="{}" class="text-link">{}</a>', url, text)


def pretty(value: Any) -> SafeString:
    """JSON in its own order and every script."""
    return format_html('<pre class="mono">{}</pre>', json.dumps(value, ensure_ascii=False, indent=2))


def pretty_text(text: str) -> SafeString:
    """JSON in its own order, indented; anything else as it is."""
    try:
        return pretty(json.loads(text))
    except ValueError:
        return format_html('<pre class="mono">{}</pre>', text)


def folded(title: str, text: str) -> SafeString:
    """A long text behind its title and first line, until somebody opens it."""
    begins = text.partition("\n")[0]
    return format_html(
        '<details class="folded"><summary>{} <code class="mono text-subtle">{}</code></summary><pre class="mono">{}</pre></details>',
        title,
        begins,
        text,
    )


def below_each_other(parts: Iterable[Any]) -> SafeString:
    return format_html('<div class="below-each-other">{}</div>', format_html_join("", "<div>{}</div>", ((part,) for part in parts)))


def moment(at: datetime | None) -> str:
    return format_html('<time class="nowrap">{}</time>', formats.localize(template_localtime(at))) if at else NONE


def lasted(time: timedelta) -> str:
    """0.4 s, 12 s, 3 min 05 s, 2 h 07 min, 4 d 3 h."""
    seconds = max(time.total_seconds(), 0)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def size(count: int) -> str:
    """532 B, 274 kB, 1.0 MB: a thousand bytes are a kilobyte, here as everywhere."""
    amount, place = float(count), 0
    while amount >= 999.5 and place < len(UNITS) - 1:
        amount, place = amount / 1000, place + 1
    return f"{amount:.{1 if place and amount < 9.95 else 0}f} {UNITS[place]}"

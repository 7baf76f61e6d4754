"""Sizes, times and texts as the operator reads them."""

from datetime import timedelta

import pytest

from tasks_app.admin import pieces


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0.0 s"),
        (-3, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7620, "2 h 07 min"),
        (356_400, "4 d 3 h"),
    ],
)
def test_how_long_it_lasted(seconds, told):
    assert pieces.lasted(timedelta(seconds=seconds)) == told


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (274_458, "274 kB"), (999_600, "1.0 MB"), (2 * 10**15, "2000 TB")]
)
def test_how_large_it_is(count, told):
    assert pieces.size(count) == told


@pytest.mark.parametrize("piece", [pieces.mono, pieces.two_lines, pieces.pretty, pieces.raw, pieces.label])
def test_what_a_stranger_wrote_is_escaped(piece):
    assert "<b>" not in piece("<b>")
    assert "&lt;b&gt;" in piece("<b>")


def test_json_keeps_its_order_and_its_script():
    assert pieces.pretty({"z": "城", "a": 1}) == '<pre class="mono">{\n  &quot;z&quot;: &quot;城&quot;,\n  &quot;a&quot;: 1\n}</pre>'

"""Which bytes a Range header asks for."""

import pytest

from tasks_app import ranges


@pytest.mark.parametrize(
    ("header", "bytes_sent"),
    [
        ("bytes=0-3", (0, 4)),
        ("bytes=4-", (4, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes=8-99", (8, 10)),
        ("bytes=9-9", (9, 10)),
        ("Bytes = 1-2", (1, 3)),
        ("bytes=2-3,7-8", (2, 4)),
        ("bytes=50-60, 7-8", (7, 9)),
    ],
)
def test_the_first_range_that_can_be_had_is_sent(header, bytes_sent):
    assert ranges.first(header, 10) == bytes_sent


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=10-,11-"])
def test_a_range_beyond_the_end_cannot_be_had(header):
    with pytest.raises(ranges.Unsatisfiable):
        ranges.first(header, 10)


UNREADABLE = ["bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "lines=0-3", "0-3", "bytes=0-3;4", "bytes=" + "9" * 5000 + "-"]


@pytest.mark.parametrize("header", UNREADABLE)
def test_what_cannot_be_read_asks_for_the_whole(header):
    assert ranges.first(header, 10) is None


def test_nothing_can_be_had_of_an_empty_content():
    with pytest.raises(ranges.Unsatisfiable):
        ranges.first("bytes=0-", 0)

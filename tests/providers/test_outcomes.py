"""What an adapter hears of a callback."""

import pytest

from providers.outcomes import Callback, Heard


@pytest.mark.parametrize(
    ("heard", "is_handshake"),
    [
        (Heard(), False),
        (Heard(handle={"id": 1}), False),
        (Heard(answer={"ok": True}), True),
        (Heard(handle={"id": 1}, answer={"ok": True}), False),
    ],
    ids=["nothing", "a job", "a question", "a job that wants its receipt"],
)
def test_a_handshake_names_no_job(heard, is_handshake):
    assert heard.is_handshake is is_handshake


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b"id=1"])
def test_a_body_that_is_no_json_says_nothing(body):
    assert Callback({}, body).json() is None


def test_a_body_is_in_no_repr():
    assert "s3cret" not in repr(Callback({}, b"s3cret"))

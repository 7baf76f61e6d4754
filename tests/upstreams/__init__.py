"""Simulated upstreams: real HTTP on a socket, strict about what they are sent, obedient about what they answer.

plasma   honours a client token (a repeat answers with the first job), finds a job by it, cancels free of charge
grit     takes no token, finds nothing, cancels nothing
bell     takes no token, but calls when a job has news, and lists what it makes
kling    a real vendor's protocol, as strict as its pages (kling.py); other vendors' stand beside it
receiver no upstream, but a customer's server that takes webhooks (receiver.py)
scf      Tencent's cloud functions, which really runs ours
cos      a bucket of Tencent COS, spoken to by its own SDK
sts      Tencent's temporary keys for it

with Plasma() as plasma:                    # or: python -m tests.upstreams plasma --port 8901
    plasma.will(answer(429, retry_after=3))  # the next submit
    plasma.will(hang(), at="poll")           # the next poll
    plasma.will(fail("moderated"))           # how the next job ends
    …
    assert plasma.received == {token: 2} and plasma.bought == 1
"""

from .bell import Bell
from .cos import Cos
from .grit import Grit
from .orders import (
    accept_then,
    answer,
    call_about,
    call_before_answer,
    call_late,
    call_twice,
    cut_before_answer,
    cut_mid_json,
    cut_midway,
    deliver,
    drip,
    fail,
    finish_without_output,
    garbage,
    hang,
    never_call,
    overlook,
    refuse,
    result_gone,
    rubbish_result,
    say,
    short_result,
    slow,
    twice,
    wrong_checksum,
)
from .plasma import Plasma
from .receiver import Receiver
from .scf import Scf
from .sts import Sts

__all__ = [
    "Bell",
    "Cos",
    "Grit",
    "Plasma",
    "Receiver",
    "Scf",
    "Sts",
    "accept_then",
    "answer",
    "call_about",
    "call_before_answer",
    "call_late",
    "call_twice",
    "cut_before_answer",
    "cut_mid_json",
    "cut_midway",
    "deliver",
    "drip",
    "fail",
    "finish_without_output",
    "garbage",
    "hang",
    "never_call",
    "overlook",
    "refuse",
    "result_gone",
    "rubbish_result",
    "say",
    "short_result",
    "slow",
    "twice",
    "wrong_checksum",
]

"""What a load is to be: pure, bounded, and refused where it would hit a stranger."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from math import ceil, sqrt
from typing import Any
from urllib.parse import urlsplit

LONGEST_S, FASTEST, MOST_CLIENTS, MOST = 3600, 5000, 1000, 1_000_000
SLOTS = 120  # of time, in which a report tells how it went


class Unfit(Exception):
    """This plan is not carried out; the message says why, and what would be."""


@dataclass(frozen=True)
class Plan:
    """`rate` requests a second in an open loop, or `clients` in a closed one. `mix`: call → weight. `most`: requests, at the most.

    Within `ramp_s` the rate grows from nothing, or the clients come one after another.
    """

    url: str
    mix: Mapping[str, int]
    rate: float | None = None
    clients: int | None = None
    seconds: float = 60
    ramp_s: float = 0
    most: int = 100_000
    model: str = "darkroom/test-card-image"
    input: Mapping[str, Any] = field(default_factory=lambda: {"prompt": "a load test"})

    @property
    def is_open(self) -> bool:
        return self.rate is not None

    @property
    def slot_s(self) -> int:
        return max(1, ceil(self.seconds / SLOTS))

    def due_s(self, number: int) -> float:
        """When request `number` of an open loop is due, from the start: while the rate grows, the count grows with the square of time."""
        while_it_grows = self.rate * self.ramp_s / 2
        if number < while_it_grows:
            return sqrt(2 * number * self.ramp_s / self.rate)
        return number / self.rate + self.ramp_s / 2

    def joins_s(self, client: int) -> float:
        """When this client of a closed loop sends its first request."""
        return self.ramp_s * client / self.clients


def check(plan: Plan, known: Mapping[str, Any], *, is_ours: bool) -> None:
    """Raises Unfit. `is_ours`: the operator says that a server beyond this machine is theirs to load."""
    bounds = {
        "--seconds": (plan.seconds, LONGEST_S),
        "--rate": (plan.rate, FASTEST),
        "--clients": (plan.clients, MOST_CLIENTS),
        "--most": (plan.most, MOST),
    }
    for name, (value, most) in bounds.items():
        if value is not None and not 0 < value <= most:
            raise Unfit(f"{name} is {value:g}, and may be more than 0 and up to {most:,}.")
    if not 0 <= plan.ramp_s <= plan.seconds:
        raise Unfit(f"--ramp is {plan.ramp_s:g} s, and may be up to --seconds, {plan.seconds:g}.")
    if unknown := set(plan.mix) - set(known):
        raise Unfit(f"There is no call {', '.join(sorted(unknown))} to mix; there are {', '.join(known)}.")
    if not is_here(plan.url) and not is_ours:
        raise Unfit(
            f"{plan.url} is not this machine. A load test of somebody else's server is an attack: --i-own-this-server says it is yours."
        )


def is_here(url: str) -> bool:
    """Whether every address of this URL's host is this machine's own loopback; raises Unfit where it has none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or "@" in parts.netloc:
        raise Unfit("--url is read as http://127.0.0.1:8000, without a path, a name or a password.")
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
    except OSError as fault:
        raise Unfit(f"{parts.hostname} is not known: {fault}.") from None
    return all(ip_address(address[0]).is_loopback for *_, address in found)


def mix_of(text: str) -> dict[str, int]:
    """`accept=1,get=6` → {"accept": 1, "get": 6}; raises Unfit."""
    mix = {}
    for word in text.split(","):
        name, _, weight = word.strip().partition("=")
        if not (weight.isascii() and weight.isdecimal()):
            raise Unfit(f"--mix is read as accept=1,get=6, and {word!r} is not so.")
        mix[name] = int(weight)
    if not any(mix.values()):
        raise Unfit("--mix has no call with a weight above 0.")
    return {name: weight for name, weight in mix.items() if weight}

"""Hosts of their own on one machine: a network namespace each, joined by a bridge that is the main host's.

It takes the rights of root, and a kernel that has namespaces, veth and bridges. The main host is the namespace that this process is in:
`in_a_network_of_its_own` makes one, and with its end all of this is gone but two names, which are removed here.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

MAIN, MASK = "10.99.0.1", 24
NAMES = Path("/run/netns")
PREFIX = "darkroom-"


class NotAllowed(Exception):
    """This machine does not let us; the message says what."""


@dataclass(frozen=True)
class Host:
    """One worker host; `port` is its end of the wire at the bridge."""

    name: str
    port: str
    address: str

    def seen_by(self, command: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", self.name, *command]

    def cut_the_wire(self) -> None:
        """Its network has no carrier any more."""
        _run("ip", "link", "set", self.port, "down")

    def mend_the_wire(self) -> None:
        _run("ip", "link", "set", self.port, "up")

    def drop_its_packets(self) -> None:
        """Its network looks well, and nothing comes through, either way."""
        _run("bridge", "link", "set", "dev", self.port, "state", "0")

    def let_its_packets_through(self) -> None:
        _run("bridge", "link", "set", "dev", self.port, "state", "3")


class Lan:
    """A context manager of the bridge and two hosts; raises NotAllowed."""

    def __enter__(self) -> Self:
        clear_leftovers()
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", "lan", "type", "bridge")
        _run("ip", "address", "add", f"{MAIN}/{MASK}", "dev", "lan")
        _run("ip", "link", "set", "lan", "up")
        self.hosts = [_joined(Host(f"{PREFIX}{os.getpid()}-{name}", name, address)) for name, address in _PLAN.items()]
        return self

    def __exit__(self, *_: object) -> None:
        for host in self.hosts:
            _run("ip", "netns", "delete", host.name)


_PLAN = {"left": "10.99.0.11", "right": "10.99.0.12"}


def in_a_network_of_its_own(command: Sequence[str]) -> list[str]:
    """The command, run as the main host; raises NotAllowed where this machine lets nobody do that."""
    if os.geteuid() != 0:
        raise NotAllowed("needs root, to make network namespaces")
    if missing := [program for program in ("ip", "bridge", "unshare") if shutil.which(program) is None]:
        raise NotAllowed(f"needs {', '.join(missing)} (iproute2, util-linux)")
    try:
        _run("unshare", "--net", "ip", "link", "add", "lan", "type", "bridge")
        _run("unshare", "--net", "ip", "link", "add", "left", "type", "veth", "peer", "name", "right")
    except NotAllowed as why:
        raise NotAllowed(f"no network namespaces here: {why}") from None
    return ["unshare", "--net", *command]


def clear_leftovers() -> None:
    """Names of runs that were killed."""
    for name in NAMES.glob(f"{PREFIX}*") if NAMES.is_dir() else ():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(int(name.name.split("-")[1]), 0)
            continue
        _run("ip", "netns", "delete", name.name)


def _joined(host: Host) -> Host:
    _run("ip", "netns", "add", host.name)
    _run("ip", "link", "add", host.port, "type", "veth", "peer", "name", "eth0", "netns", host.name)
    _run("ip", "link", "set", host.port, "master", "lan", "up")
    for words in (["link", "set", "lo", "up"], ["address", "add", f"{host.address}/{MASK}", "dev", "eth0"], ["link", "set", "eth0", "up"]):
        _run(*host.seen_by(["ip", *words]))
    return host


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotAllowed(f"{' '.join(command)}: {done.stderr.strip()}")

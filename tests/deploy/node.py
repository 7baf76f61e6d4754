"""A machine within this one, as far as Kubernetes can tell: network, mounts and processes of its own, which all end with it.

    this machine, 198.18.0.1 ── 198.18.0.2, the node: pods in 198.18.1.0/24, services in 198.18.2.0/24

It needs root. The kernel is shared: what kubelet leaves of its control groups is removed here, and no setting is changed.
"""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from tasks_app.management.supervisor import dies_with
from tests.benchmarks.processes import children
from tests.deploy.machine import HOME, printed
from tests.deploy.web import wait_until

FOLDER = HOME / "node"
# Of the range for measuring networks (RFC 2544), which is nobody's.
HOST, ADDRESS, ALL = "198.18.0.1", "198.18.0.2", "198.18.0.0/16"
PODS, SERVICES = "198.18.1.0/24", "198.18.2.0/24"
WIRE = "darkroom-node"
GROUPS = Path("/sys/fs/cgroup")
OWN = ("/var/lib", "/var/log")
# What kubelet would set for the whole machine, it finds set.
KERNEL = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
}
# The first process buries those who lose their parents, and takes all along when it goes.
FIRST = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", "sleep infinity & wait")


class Node:
    """`with Node() as node: node.start("etcd"); node.said("ip", "address")`; what they write lies in FOLDER."""

    def __enter__(self) -> "Node":
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        self.process = subprocess.Popen(FIRST, preexec_fn=dies_with(os.getpid()))
        wait_until(lambda: self._has_begun(), "the node had its namespaces")
        self._make_places()
        self._lay_the_wire()
        return self

    def __exit__(self, *fault) -> None:
        self.process.kill()
        self.process.wait()
        wait_until(lambda: not Path(f"/sys/class/net/{WIRE}").exists(), "the node was gone")
        for group in [*GROUPS.glob("kubepods"), *GROUPS.glob("*/kubepods")]:
            remove_group(group)
        for place in OWN:  # what it logged stays
            shutil.rmtree(FOLDER / place[1:])

    def start(self, program: str, *words: str) -> None:
        """In the background, for as long as the node lives."""
        with (FOLDER / f"{Path(program).name}.log").open("wb") as log:
            subprocess.Popen(self._inside(program, *words), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def run(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(self._inside(*words), capture_output=True, text=True, check=False)

    def said(self, *words: str) -> str:
        """What it printed; raises AssertionError where it failed."""
        return printed(self.run(*words))

    def _has_begun(self) -> bool:
        with suppress(IndexError, OSError):
            self.leader = children(self.process.pid)[0]
            return Path(f"/proc/{self.leader}/comm").read_text() == "bash\n"
        return False

    def _inside(self, *words: str) -> list[str]:
        return ["nsenter", f"--target={self.leader}", "--net", "--mount", "--pid", "--wd=/", *words]

    def _make_places(self) -> None:
        self.said("mount", "-t", "tmpfs", "tmpfs", "/run")
        for place in OWN:
            own = FOLDER / place[1:]
            own.mkdir(parents=True)
            self.said("mount", "--bind", str(own), place)
        for name, value in KERNEL.items():
            shown = FOLDER / name.replace("/", "-")
            shown.write_text(f"{value}\n")
            self.said("mount", "--bind", str(shown), f"/proc/sys/{name}")

    def _lay_the_wire(self) -> None:
        here = [
            ("link", "add", WIRE, "type", "veth", "peer", "name", "eth0", "netns", str(self.leader)),
            ("address", "add", f"{HOST}/30", "dev", WIRE),
            ("link", "set", WIRE, "up"),
        ]
        there = [
            ("link", "set", "lo", "up"),
            ("address", "add", f"{ADDRESS}/30", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("route", "add", "default", "via", HOST),
        ]
        for words in here:
            subprocess.run(("ip", *words), check=True)
        for words in there:
            self.said("ip", *words)
        subprocess.run(("ip", "route", "add", ALL, "via", ADDRESS), check=True)
        self.said("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")


def remove_group(group: Path) -> None:
    """And those below it; nobody is in them any more."""
    for below in group.iterdir():
        if below.is_dir():
            remove_group(below)
    wait_until(lambda: is_removed(group), f"{group} was removed")


def is_removed(group: Path) -> bool:
    with suppress(OSError):  # the kernel is still burying
        group.rmdir()
    return not group.exists()

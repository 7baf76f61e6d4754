"""A fresh Debian 12 with systemd as its first process, in a container: debootstrap makes it once, systemd-nspawn boots a copy of it.

It needs root and both programs, shares this machine's network, and so its ports 80, 443, 3306 and 6379.
"""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tasks_app.management.supervisor import dies_with
from tests.benchmarks.processes import children
from tests.deploy.web import ROOT, wait_until
from tests.servers import found

HOME = ROOT / "var/machine"
PACKAGES = HOME / "packages"  # Python's, for a requirements.txt that the container installs without a network
CODE = "/srv/darkroom"
# Fetched once; the installer unpacks them.
DEBIAN = "python3-venv python3-dev gcc pkg-config libmariadb-dev mariadb-client nginx rsync openssl mariadb-server redis-server"
BASE = "systemd,systemd-sysv,dbus,ca-certificates"


class Machine:
    """`with Machine(folder) as machine: machine.run("systemctl", "status")`; our code lies at CODE."""

    def __init__(self, folder: Path):
        self.root, self.log = folder / "root", folder / "boot.log"
        subprocess.run(["cp", "-a", str(base()), str(self.root)], check=True)
        fetch_packages()
        ignored = shutil.ignore_patterns(".*", "var", "__pycache__")
        shutil.copytree(ROOT, self.root / CODE[1:], ignore=ignored, symlinks=True)

    def __enter__(self) -> "Machine":
        options = ["--register=no", "--keep-unit", "--console=pipe", f"--bind-ro={PACKAGES}:/packages", "--resolv-conf=copy-host"]
        command = [found("systemd-nspawn"), "--quiet", "--boot", f"--directory={self.root}", *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=dies_with(os.getpid()))
        wait_until(lambda: self.is_up(), "the machine was up")
        return self

    def __exit__(self, *fault) -> None:
        self.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.process.kill()
        self.process.wait()

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess:
        """What a command of the machine's root came to."""
        given = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root", **variables}
        environment = [f"{name}={value}" for name, value in given.items()]
        command = ["nsenter", f"--target={self.leader}", "--all", "env", "--ignore-environment", *environment, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def said(self, *words: str, **variables: str) -> str:
        """What it printed; raises AssertionError where it failed."""
        return printed(self.run(*words, **variables))

    def install(self, *options: str) -> str:
        """The installer; Python's packages come from this machine."""
        return self.said(f"{CODE}/deploy/install", *options, **NO_INDEX)

    @property
    def leader(self) -> int:
        return children(self.process.pid)[0]

    def is_up(self) -> bool:
        with suppress(IndexError, OSError):
            return self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")
        return False


NO_INDEX = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/packages"}


def printed(done: subprocess.CompletedProcess) -> str:
    """What a command printed; raises AssertionError where it failed."""
    assert done.returncode == 0, f"{done.args}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def can_be_had() -> bool:
    """Whether this machine can make one."""
    programs = ("debootstrap", "systemd-nspawn", "nsenter")
    return os.geteuid() == 0 and all(shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in programs)


def base() -> Path:
    """A Debian with systemd, and the archives of what the installer will ask for; made when it is missing."""
    root = HOME / "bookworm"
    if not root.exists():
        draft = HOME / "bookworm.draft"
        shutil.rmtree(draft, ignore_errors=True)
        HOME.mkdir(parents=True, exist_ok=True)
        call("debootstrap", "--variant=minbase", f"--include={BASE}", "bookworm", str(draft))
        fetch = f"apt-get update -qq && apt-get install -y -qq --no-install-recommends --download-only {DEBIAN}"
        call("chroot", str(draft), "sh", "-c", fetch)
        draft.rename(root)
    return root


def fetch_packages() -> None:
    """Those of requirements.txt, again when it has changed, what builds those without a wheel, and what Debian's Python needs besides."""
    wanted, fetched = (ROOT / "requirements.txt").read_text(), PACKAGES / "requirements.txt"
    if not fetched.exists() or fetched.read_text() != wanted:
        download = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--dest",
            str(PACKAGES),
            "setuptools",
            "wheel",
            "pkgconfig",
            "async-timeout",
        ]
        call(*download, "-r", str(ROOT / "requirements.txt"))
        fetched.write_text(wanted)


def call(*words: str) -> None:
    environment = os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(words, check=True, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

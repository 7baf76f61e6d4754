"""A Docker engine of our own: what it builds and runs lies below var/machine/docker, and nothing else on this machine knows of it.

It needs root, and leaves behind what dockerd does: its rules in iptables, which let nobody else's traffic pass or fail.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from tasks_app.management.supervisor import dies_with
from tests.deploy.machine import HOME, base, printed
from tests.deploy.web import ROOT, wait_until
from tests.servers import found

FOLDER = HOME / "docker"
IMAGES = Path(__file__).parent / "images"
# What ours and Compose begin with, and the folder that makes one where no registry can be reached.
FROM = {"python:3.11-slim-bookworm": "python", "mariadb:10.11": "mariadb", "redis:7": "redis"}
FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
# How this machine reaches Debian and PyPI.
WAYS = ("etc/ssl/certs/ca-certificates.crt", "etc/pip.conf")


class Engine:
    """`with Engine() as engine: engine.said("docker", "ps")`."""

    def __init__(self):
        self.host = f"unix://{FOLDER}/docker.sock"

    def __enter__(self) -> "Engine":
        FOLDER.mkdir(parents=True, exist_ok=True)
        # Where dockerd itself has to switch forwarding on, it forbids it to all others.
        self.forwarded = FORWARD.read_text()
        FORWARD.write_text("1")
        places = ["--data-root", FOLDER / "data", "--exec-root", FOLDER / "run", "--pidfile", FOLDER / "pid", "--host", self.host]
        with (FOLDER / "log").open("wb") as log:
            self.process = subprocess.Popen([found("dockerd"), *places], stdout=log, stderr=log, preexec_fn=dies_with(os.getpid()))
        wait_until(lambda: self.run("docker", "info").returncode == 0, "the engine was up")
        return self

    def __exit__(self, *fault) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        FORWARD.write_text(self.forwarded)

    def run(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
        environment = os.environ | {"DOCKER_HOST": self.host}
        return subprocess.run(words, env=environment, cwd=cwd, capture_output=True, text=True, check=False)

    def said(self, *words: str, cwd: Path | None = None) -> str:
        """What it printed; raises AssertionError where it failed."""
        return printed(self.run(*words, cwd=cwd))

    def fetch_images(self) -> None:
        """Those that ours begin with; made from Debian's packages where no registry can be reached."""
        for image, folder in FROM.items():
            if not self._has(image) and self.run("docker", "pull", image).returncode:
                self._make_debian()
                self.said("docker", "build", "--quiet", "--tag", image, str(IMAGES / folder))

    def _make_debian(self) -> None:
        if not self._has("bookworm"):
            ways = [way for way in WAYS if Path("/", way).exists()]
            without = " ".join(f"--exclude=./{path}" for path in (*ways, "'var/cache/apt/archives/*.deb'"))
            self.said("sh", "-c", f"tar -c -C {base()} {without} . -C / {' '.join(ways)} | docker import - bookworm")

    def _has(self, image: str) -> bool:
        return self.run("docker", "image", "inspect", image).returncode == 0


def copied(code: Path) -> Path:
    """Our code, as an operator has it who builds an image: with a secret beside it, that no image may hold."""
    shutil.copytree(ROOT, code, ignore=shutil.ignore_patterns(".*", "var", "__pycache__"))
    shutil.copy(ROOT / ".env.example", code)
    (code / ".env").write_text("SECRET=of the machine that builds\n")
    return code


def can_be_had() -> bool:
    """Whether this machine can run one."""
    programs = ("dockerd", "docker", "debootstrap")
    if os.geteuid() != 0 or not all(shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") for name in programs):
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0

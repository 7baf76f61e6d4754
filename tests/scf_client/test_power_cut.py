"""What a power cut may take along: nothing that a result names. Told by the system calls of a real runtime, in their order."""

import re
import shutil
import subprocess

import pytest

from .runtime import CARD, Runtime

CALLS = "fsync,fdatasync,?rename,renameat,renameat2,?unlink,unlinkat"
STRACE = shutil.which("strace")


def can_trace() -> bool:
    return STRACE is not None and subprocess.run([STRACE, "-qq", "-o", "/dev/null", "true"], check=False).returncode == 0


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """What the runtime and its function asked of the kernel during one run of token `a`, each with the paths below the root."""
    if not can_trace():
        pytest.skip("strace is not here, or may not trace")
    root, log = tmp_path_factory.mktemp("functions"), tmp_path_factory.mktemp("strace") / "log"
    # -D: the runtime is our child and strace its own, so that the runtime can be stopped as ever.
    runtime = Runtime(root).start(under=(STRACE, "-D", "-f", "-y", "-qq", "-o", str(log), "-e", f"trace={CALLS}"))
    runtime.submit("a", CARD)
    assert runtime.over("a")["status"] == "finished"
    runtime.stop()
    return [(call, paths) for line in log.read_text().splitlines() for call, paths in [told(line, str(root))] if paths]


def told(line: str, root: str) -> tuple[str, list[str]]:
    """'7 fsync(3</root/out/a/0.png>) = 0' → fsync, [out/a/0.png]"""
    name = re.search(r"(fsync|fdatasync|rename|unlink)", line)
    return name[1].replace("fdatasync", "fsync") if name else "", re.findall(rf"[<\"]{re.escape(root)}/([^\">]+)[\">]", line)


def at(calls, call: str, path: str) -> int:
    """When `call` had `path` as its last one."""
    return next(place for place, (name, paths) in enumerate(calls) if name == call and paths[-1] == path)


class TestAResult:
    @pytest.mark.parametrize("path", ["out/a/0.png", "out/a", "out", "work/results-a.json"])
    def test_appears_when_what_it_names_is_on_the_disk(self, calls, path):
        assert at(calls, "fsync", path) < at(calls, "rename", "results/a.json")

    def test_is_on_the_disk_before_its_order_goes(self, calls):
        assert at(calls, "rename", "results/a.json") < at(calls, "fsync", "results") < at(calls, "unlink", "orders/a.json")


class TestAnOrder:
    def test_is_on_the_disk_before_its_run_begins(self, calls):
        begun = at(calls, "fsync", "out/a/0.png")
        assert at(calls, "fsync", "work/orders-a.json") < at(calls, "rename", "orders/a.json") < at(calls, "fsync", "orders") < begun

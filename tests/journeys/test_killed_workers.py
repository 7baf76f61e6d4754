"""Workers, and the functions' runtime, killed at random moments of the demo: it ends with the same results, each job bought once."""

import json
import os
import random
import signal
import threading
from pathlib import Path

from tasks_app.management import story
from tasks_app.management.stage import Stage

KILLS = 20
SEED = 7  # of the moments


class Killer(threading.Thread):
    """Kills the stage's worker, and with every fourth its functions too, at moments that the dice choose."""

    def __init__(self, stage: Stage, dice: random.Random):
        super().__init__(daemon=True)
        self.stage, self.dice = stage, dice
        self.killed: list[int] = []
        self.enough = threading.Event()

    def run(self) -> None:
        while len(self.killed) < KILLS and not self.enough.wait(self.dice.uniform(0.05, 1.0)):
            for pid in processes(self.stage, b"celery", b"worker"):
                os.kill(pid, signal.SIGKILL)
                self.killed.append(pid)
                if len(self.killed) % 4 == 0:
                    for runtime in processes(self.stage, b"scf_client.local"):
                        os.kill(runtime, signal.SIGKILL)
        self.enough.set()


def processes(stage: Stage, *words: bytes) -> list[int]:
    """Process ids of this stage's processes whose command has all of these words."""
    mark = f"FUNCTIONS_DIR={stage.environment['FUNCTIONS_DIR']}".encode()
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_one(pid, mark, words)]


def is_one(pid: int, mark: bytes, words: tuple[bytes, ...]) -> bool:
    try:
        command, environment = (Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))
    except OSError:
        return False
    return all(word in command for word in words) and mark in environment


def digests(tasks: list[dict]) -> list[str]:
    return [task["outputs"][0]["sha256"] for task in tasks]


def test_the_demo_ends_the_same_and_nothing_is_run_twice(tmp_path):
    with Stage(tmp_path) as stage:
        client = stage.client(credits=1000)

        def follow(title, ids):
            return client.wait(ids, within_s=300)

        calm = digests(story.tell(client, follow))
        killer = Killer(stage, random.Random(SEED))
        killer.start()
        tasks, rounds = [], 0
        while not killer.enough.is_set():
            told = story.tell(client, follow)
            assert digests(told) == calm
            tasks, rounds = tasks + told, rounds + 1
        killer.join()
        account = client.call("GET", "/api/v1/account")
    assert len(killer.killed) >= KILLS
    assert (account["balance"], account["held"]) == (1000 - 10 * (rounds + 1), 0)
    assert len(results(tmp_path)) == len(set(results(tmp_path))) == 7 * (rounds + 1)


def results(folder: Path) -> list[str]:
    """The tokens of the runs that gave a result: one for each task, however often its worker died."""
    manifests = (folder / "functions" / "results").glob("*.json")
    return [path.stem.rpartition("-")[0] for path in manifests if json.loads(path.read_text())]

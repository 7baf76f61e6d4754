"""What each process of one small server holds under load, beside the plan: python -m tests.benchmarks.memory

Serves everything as the units do (tests/deploy/whole.py), on a MariaDB and a Redis with the settings that we ship; two customers run the
demo's story with a large video, others read, post and upload. Every half second the proportional set size (PSS) of each unit's processes is
read from /proc; what is printed is the most that each held.
"""

import os
import shutil
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from tasks_app.management import story
from tasks_app.management.client import Client
from tests.benchmarks.processes import children, pss_mb
from tests.deploy import plan
from tests.deploy.clients import Clients
from tests.deploy.servers import PlannedMariaDB, PlannedRedis
from tests.deploy.whole import Whole

STORIES = 2
UPLOAD_MB = 50
BOUNDARY = "no-noise-has-this-in-it"
EVERY_S = 0.5
PATIENCE_S = 900


class Sampler(threading.Thread):
    """The most that each unit's processes held together; `at_rest` is what they held at the first look."""

    def __init__(self, server: Whole):
        super().__init__(daemon=True)
        self.pids = {f"{name}.service": lambda service=service: service.process.pid for name, service in server.services.items()}
        self.pids |= {"mariadb": lambda: server.database.pid, "redis": lambda: server.redis.pid, "nginx": lambda: server.proxy.process.pid}
        self.at_rest, self.most, self.over = {}, {}, threading.Event()

    def run(self) -> None:
        while not self.over.wait(EVERY_S):
            for unit, pid in self.pids.items():
                self.note(unit, sum(map(held_mb, tree(pid()))))

    def note(self, unit: str, held: float) -> None:
        self.at_rest.setdefault(unit, held)
        self.most[unit] = max(self.most.get(unit, 0), held)


def tree(pid: int) -> list[int]:
    """A process and all that came of it, as far as they are still there."""
    try:
        return [pid, *(grand for child in children(pid) for grand in tree(child))]
    except (FileNotFoundError, ProcessLookupError):
        return []


def held_mb(pid: int) -> float:
    """0 once it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return pss_mb([pid])
    return 0.0


def measure(server: Whole) -> Sampler:
    os.environ["SSL_CERT_FILE"] = f"{server.folder}/fullchain.pem"  # for the client of the stories
    url = f"https://localhost:{server.proxy.port}"
    client = Client(url, server.key(credits=100_000))
    sampler = Sampler(server)
    sampler.start()
    time.sleep(2 * EVERY_S)  # the first look is at rest
    with Clients(server.proxy, server.key(credits=100_000)):
        work = [threading.Thread(target=tell, args=(client,)) for _ in range(STORIES)] + [threading.Thread(target=upload, args=(server,))]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
    sampler.over.set()
    sampler.join()
    return sampler


def tell(client: Client) -> None:
    """The demo's story, and once more its video, at the size of a large one."""
    tasks = story.tell(client, lambda title, ids: client.wait(ids, within_s=PATIENCE_S))
    pictures = [f"{task['id']}/0" for task in tasks[:4]]
    video = {"clips": [{"source": picture, "duration": 2.5} for picture in pictures], "size": "1920x1080", "fit": "cover"}
    (done,) = client.wait([client.submit("darkroom/video-compose", video)["id"]], within_s=PATIENCE_S)
    print(f"video of 1920 × 1080: {done['status']} {done['error'] or ''}")


def upload(server: Whole) -> None:
    key = server.key(credits=1)
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="noise.bin"\r\n\r\n'
    body = head.encode() + os.urandom(UPLOAD_MB * 1_000_000) + f"\r\n--{BOUNDARY}--\r\n".encode()
    for _ in range(3):
        connection = server.proxy.connect()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        connection.request("POST", "/api/v1/files", body, headers)
        print(f"upload of {UPLOAD_MB} MB: {connection.getresponse().status}")


def show(sampler: Sampler) -> None:
    planned = plan.rows()
    print(f"{'MB':32} {'at rest':>8} {'most':>8} {'expected':>9} {'maximum':>8}")
    for unit, held in sorted(sampler.most.items()):
        row = planned.get(unit.removesuffix(".service"))
        said = f"{row.expected:9} {row.maximum:8}" if row else ""
        print(f"{unit:32} {sampler.at_rest[unit]:8.0f} {held:8.0f} {said}")
    print(f"{'all':32} {sum(sampler.at_rest.values()):8.0f} {sum(sampler.most.values()):8.0f}")


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="memory-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        show(measure(stack.enter_context(Whole(folder, database=PlannedMariaDB(), redis=PlannedRedis()))))


if __name__ == "__main__":
    main()

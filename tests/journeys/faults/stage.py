"""Everything that serves Darkroom, each a process that can be killed, frozen and started again; and its upstreams, far away."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.error import URLError
from urllib.request import Request, urlopen

import MySQLdb
from MySQLdb.cursors import Cursor

from tests.scf_client.cloud import Sky, sky
from tests.servers import MariaDB, Redis, Server, free_port
from tests.upstreams.server import Server as SimulatedServer

from . import upstreams
from .names import ZONE, Names
from .sealed import Sealed

ROOT = Path(__file__).resolve().parents[3]
DATABASE = "darkroom_faults"
FUNCTION = "darkroom/test-card-image"  # served by a function of ours, where there is a cloud for it
RESULTS = "functions/results/"  # where the bucket has a result of theirs, under an attempt's token
LOGS = ROOT / "var/faults"  # what each process wrote, for whoever looks into a failure
STEPS = "submit,poll,store,notify,upkeep"
ADAPTERS = (
    "tests.upstreams.plasma_adapter",
    "tests.upstreams.grit_adapter",
    "tests.journeys.faults.patient_adapter",
    "tests.journeys.faults.near_adapter",
)


class OfDarkroom(Server):
    """A process of Darkroom's own, of the code in `tree`; it counts as ready while it runs."""

    tree = ROOT

    def __init__(self, environment: dict[str, str]):
        super().__init__()
        self.environment = environment

    def answers(self) -> bool:
        return self.pid is not None

    def _tell(self, number: signal.Signals) -> None:
        """KILL, STOP and CONT go to all its processes, as a power cut or a full machine would; TERM to the first alone."""
        if number == signal.SIGTERM or self.pid is None:
            return super()._tell(number)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)
        return None


class Web(OfDarkroom):
    """gunicorn, as deployed."""

    name = "web"

    @property
    def url(self) -> str:
        return f"http://{self.environment['WEB_BIND']}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "config.wsgi"]

    def answers(self) -> bool:
        with suppress(URLError, OSError), urlopen(f"{self.url}/healthz", timeout=5):
            return True
        return False

    def children(self) -> list[int]:
        """Its worker processes."""
        return [int(child) for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


class Stream(OfDarkroom):
    """The stream tier, as deployed."""

    name = "stream"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "gunicorn", "-c", "deploy/stream.conf.py", "config.asgi"]

    def answers(self) -> bool:
        with suppress(URLError, OSError), urlopen(f"http://{self.environment['STREAM_BIND']}/healthz", timeout=5):
            return True
        return False


class Place(Protocol):
    """Where a process sees the world otherwise: another name server, another network."""

    def seen_by(self, command: Sequence[str]) -> list[str]:
        """The command, run there."""


class Worker(OfDarkroom):
    name = "worker"

    def __init__(self, environment: dict[str, str], place: Place | None = None):
        super().__init__(environment)
        self.place = place

    def command(self) -> list[str]:
        words = ["-q", "-A", "config", "worker", "-P", "threads", "-c", "8", "-Q", STEPS]
        command = [sys.executable, "-m", "celery", *words, "--without-gossip", "--without-mingle", "--without-heartbeat"]
        return self.place.seen_by(command) if self.place else command


class Beat(OfDarkroom):
    name = "beat"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "celery", "-q", "-A", "config", "beat"]


@dataclass
class Stage:
    """The servers of one run; `keys` are the accounts' API keys, `names` is None where this machine allows no name server of ours.

    `sky`: SCF and COS, where functions run and files lie there.
    `hosts`: where the workers are, where they are not beside web and the database.
    `forgotten`: tokens of attempts that went with a database which was put back to a backup.
    """

    folder: Path
    mariadb: MariaDB
    redis: Redis
    upstreams: dict[str, upstreams.Far]
    sealed: Sealed
    album: upstreams.Album
    customers: upstreams.Customers
    names: Names | None
    environment: dict[str, str]
    hosts: Sequence[Place] = ()
    sky: Sky | None = None
    forgotten: set[str] = field(default_factory=set)
    web: Web = field(init=False)
    workers: list[Worker] = field(init=False)
    beat: Beat = field(init=False)
    keys: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.web = Web(self.environment)
        self.workers = [Worker(self.environment, place) for place in self.hosts or [self.names] * 2]
        self.beat = Beat(self.environment)

    @property
    def storage(self) -> Path:
        return Path(self.environment["STORAGE_DIR"])

    @property
    def web_address(self) -> str:
        return self.environment["WEB_BIND"]

    @property
    def web_port(self) -> int:
        return int(self.web_address.rpartition(":")[2])

    @property
    def servers(self) -> list[Server]:
        return [self.mariadb, self.redis, self.web, *self.workers, self.beat]

    def mend(self) -> None:
        """Whatever a trouble left, all is whole again: every server runs, every upstream behaves."""
        for server in self.servers:
            server.thaw()
            if server.pid is None:
                server.kill()
                server.start()
        for other in (*self.upstreams.values(), self.sealed, self.album, self.customers, *([self.names] if self.names else ())):
            other.behave()
        for simulated in (self.sky.scf, self.sky.cos) if self.sky else ():
            simulated.behave()

    def begun(self) -> list["Worker"]:
        """The workers that have begun; until then one asks the database nothing."""
        connected = {port for (port,) in self.sql("SELECT SUBSTRING_INDEX(host, ':', -1) FROM information_schema.processlist")}
        return [worker for worker in self.workers if connected & ports_of(worker.pid)]

    def wait_for_workers(self) -> None:
        wait_for(lambda: len(self.begun()) == len(self.workers), within_s=60)

    def inputs(self, model: str) -> dict[str, str]:
        """What a task of this model is given beside its prompt."""
        return {"fire/near": {"image": f"{self.album.url}/picture.png"}, FUNCTION: {"size": "64x64"}}.get(model, {})

    def files(self) -> dict[str, bytes]:
        """What is kept for tasks, by its key. Drafts left out: those that a killed process left are swept a day later."""
        if self.sky:
            kept = [(key, object) for key, object in list(self.sky.cos.objects.items()) if not key.startswith("functions/")]
            return {key: object.read() for key, object in kept}
        paths = [(str(path.relative_to(self.storage)), path) for path in self.storage.rglob("*") if path.is_file()]
        return {key: path.read_bytes() for key, path in paths if not key.startswith(".")}

    def drawn(self) -> set[str]:
        """The tasks that a function has a result for."""
        results = [key for key in list(self.sky.cos.objects) if key.startswith(RESULTS)] if self.sky else []
        return {key.removeprefix(RESULTS).rpartition("-")[0] for key in results}

    def manage(self, *words: str, tree: Path = ROOT, **variables: str) -> str:
        """What the `manage.py` of that tree prints, in the stage's environment with these variables."""
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=tree, env=self.environment | variables, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(words)} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
        return done.stdout

    def sql(self, statements: str) -> list[list[str]]:
        """What MariaDB answers, by its own client: neither Darkroom nor a driver stands between."""
        return [line.split("\t") for line in self.mariadb.run(f"USE {DATABASE}; {statements}").splitlines()]


@contextmanager
def stage(folder: Path, *, host: str = "127.0.0.1", workers_at: Sequence[Place] = (), in_cloud: bool = False) -> Iterator[Stage]:
    """Start everything, its data below `folder`; stop it, and remove the data, at the end.

    `host`: the address at which the database, Redis, web and the upstreams listen; `workers_at`: hosts that reach them there.
    `in_cloud`: functions run on a simulated SCF, and files lie in a simulated COS.
    """
    with ExitStack() as stack:
        mariadb, redis = stack.enter_context(MariaDB(durable=True, host=host)), stack.enter_context(Redis(host=host))
        far = {name: stack.enter_context(_at(host, upstream())) for name, upstream in upstreams.ALL.items()}
        others = Sealed(folder, far["grit"].port), upstreams.Album(), upstreams.Customers()
        sealed, album, customers = (stack.enter_context(other) for other in others)
        _small_disk(stack, folder / "storage")
        above = stack.enter_context(sky()) if in_cloud else None
        reached = [*far.values(), album, customers, *([above.cos] if above else ())]
        environment = _environment(folder, mariadb, redis, reached) | {"SSL_CERT_FILE": str(sealed.authority)} | _cloud(above)
        names = None if workers_at else _names(stack, folder)
        made = Stage(folder, mariadb, redis, far, sealed, album, customers, names, environment, workers_at, above)
        for server in (made.web, *made.workers, made.beat):
            stack.callback(server.remove)
        stack.callback(_keep_logs, made.servers)
        _furnish(made)
        if above:
            made.manage("functions", "deploy", "test_card", "--every", "0")
        for server in (made.web, *made.workers, made.beat):
            server.start()
        made.wait_for_workers()
        _warm(made)
        yield made


@contextmanager
def administrator(made: Stage) -> Iterator[Cursor]:
    """A connection of root's, kept open: with none free, a new one might come too late."""
    connection = MySQLdb.connect(unix_socket=str(made.mariadb.folder / "s"), user="root", database=DATABASE, autocommit=True)
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _at(host: str, upstream: upstreams.Far) -> upstreams.Far:
    upstream.host = host
    return upstream


def _names(stack: ExitStack, folder: Path) -> Names | None:
    with suppress(OSError):
        return stack.enter_context(Names(folder))
    return None


def _environment(folder: Path, mariadb: MariaDB, redis: Redis, reached: Iterable[SimulatedServer]) -> dict[str, str]:
    address = f"{mariadb.host}:{free_port()}"
    return os.environ | {
        "DATABASE_URL": mariadb.url(DATABASE).replace("root@", "darkroom@"),
        "REDIS_URL": redis.url(),
        "STORAGE": "disk",
        "STORAGE_DIR": str(folder / "storage"),
        "FUNCTIONS_DIR": str(folder / "functions"),
        "BROKER_DIR": str(folder / "broker"),
        "ADAPTERS": ",".join(ADAPTERS),
        "EGRESS_ALLOW": ",".join(f"{server.host}:{server.port}" for server in reached),
        "WEB_BIND": address,
        "PUBLIC_URL": f"http://{address}",
        "LOG_LEVEL": "INFO",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


def _cloud(above: Sky | None) -> dict[str, str]:
    more = {"SCF_ROLE": "darkroom-function", "SCF_REGISTRY": "registry.example/darkroom"}
    return above.cos.variables | above.scf.variables | more if above else {}


def _small_disk(stack: ExitStack, storage: Path) -> None:
    """A file system that one trouble can fill, where we may mount one."""
    storage.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128m,mode=700", "none", str(storage)]
    if os.geteuid() == 0 and not subprocess.run(mount, capture_output=True, check=False).returncode:
        stack.callback(subprocess.run, ["umount", "--lazy", str(storage)], check=False)


def _furnish(made: Stage) -> None:
    """Tables, providers, models and accounts, by a process of Darkroom's own. Its user is not root, whom MariaDB refuses nothing."""
    made.mariadb.run(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4; CREATE USER darkroom; GRANT ALL ON {DATABASE}.* TO darkroom;")
    urls = {name: upstream.url for name, upstream in made.upstreams.items()}
    urls |= {"near": urls["grit"], "sealed": made.sealed.url, "named": f"http://grit.{ZONE}:{made.upstreams['grit'].port}"}
    told = json.dumps(urls)
    command = [sys.executable, "-m", "tests.journeys.faults.furnish", told]
    done = subprocess.run(command, cwd=ROOT, env=made.environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the stage could not be furnished:\n{done.stderr[-2000:]}")
    made.keys = json.loads(done.stdout.splitlines()[-1])


def _warm(made: Stage) -> None:
    """Each of web's processes has answered something: the first fire is the calm that others are compared with."""
    for _ in range(40):
        with urlopen(Request(f"{made.web.url}/api/v1/models", headers={"Authorization": f"Bearer {made.keys['acme']}"}), timeout=20):
            pass


def _keep_logs(servers: Sequence[Server]) -> None:
    LOGS.mkdir(parents=True, exist_ok=True)
    for place, server in enumerate(servers):
        shutil.copy(server.folder / "log", LOGS / f"{place}-{server.name}.log")


def wait_for(holds: Callable[[], bool], *, within_s: float, every_s: float = 0.1) -> float | None:
    """The seconds until `holds()`; None where it never did."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > within_s:
            return None
        time.sleep(every_s)
    return time.monotonic() - began


def ports_of(pid: int | None) -> set[str]:
    """The local TCP ports that a process has open."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            inodes.add(os.readlink(entry).removeprefix("socket:[").rstrip("]"))
    lines = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return {str(int(line[1].rpartition(":")[2], 16)) for line in lines if line[9] in inodes}

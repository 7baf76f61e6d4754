"""The peer: a lean Express system under PM2 with three instances, on the same MariaDB and Redis.

It lies in var/benchmarks/peer, with its packages installed, and is no part of this repository: without it, only Darkroom is measured.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256

import MySQLdb
from MySQLdb.cursors import Cursor

from tests.servers import free_port

from .ground import WORK, Ground, listens, wait_for

FOLDER = WORK / "peer"
CREDITS = 10**9
INPUT = {"prompt": "a paper kite over the sea"}
OUTPUT = [{"url": "https://cdn.example.com/results/1.png", "content_type": "image/png", "bytes": 1_400_000}]
FINISHED = """
    INSERT INTO tasks (id, account_id, model, status, input, output, progress, created_at, updated_at)
    SELECT UUID(), a.id, 'bench/picture', 'succeeded', %s, %s, 100, NOW(6) - INTERVAL seq SECOND, NOW(6) FROM accounts a, seq_1_to_{}
"""


@dataclass(frozen=True)
class Peer:
    """`keys`: an API key for each account."""

    url: str
    workers: list[int]
    keys: list[str]
    ground: Ground

    @property
    def pids(self) -> list[int]:
        return self.workers

    def finished_tasks(self, *, each: int) -> list[tuple[str, str]]:
        """Give each account this many finished tasks with one output; returns (key, path of one task) pairs."""
        with connect(self.ground, "seed_baseline") as cursor:
            cursor.execute("DELETE FROM tasks")
            cursor.execute(FINISHED.format(each), [json.dumps(INPUT), json.dumps(OUTPUT)])
            cursor.execute("SELECT account_id, id FROM tasks ORDER BY RAND() LIMIT 2000")
            return [(self.keys[account_id - 1], f"/api/tasks/{id}") for account_id, id in cursor.fetchall()]


def is_there() -> bool:
    return (FOLDER / "node_modules").is_dir()


@contextmanager
def peer(ground: Ground, *, accounts: int) -> Iterator[Peer]:
    """The peer, serving, with this many accounts."""
    keys = [f"bench-key-{number}" for number in range(accounts)]
    prepare(ground, keys)
    port = free_port()
    env = {
        **os.environ,
        "PM2_HOME": str(WORK / "pm2"),
        "PORT": str(port),
        "DATABASE_URL": ground.mariadb.url("seed_baseline"),
        "REDIS_URL": ground.redis.url(2),
    }
    try:
        pm2("kill", env=env)  # a daemon that a broken-off run left would start the peer with that run's addresses
        pm2("start", "ecosystem.config.js", env=env)
        wait_for(listens(port), within=30, what="the peer to serve")
        listed = pm2("jlist", env=env)
        workers = [each["pid"] for each in json.loads(listed[listed.index("[{") :])]
        yield Peer(f"http://127.0.0.1:{port}", workers, keys, ground)
    finally:
        pm2("kill", env=env)


def prepare(ground: Ground, keys: list[str]) -> None:
    schema = (FOLDER / "schema.sql").read_text()
    with connect(ground) as cursor:
        for statement in filter(str.strip, schema.split(";")):
            cursor.execute(statement)
        cursor.execute("DELETE FROM tasks")
        cursor.execute("DELETE FROM accounts")
        rows = [(number + 1, sha256(key.encode()).hexdigest(), CREDITS) for number, key in enumerate(keys)]
        cursor.executemany("INSERT INTO accounts (id, api_key, balance) VALUES (%s, %s, %s)", rows)


def pm2(*words: str, env: dict[str, str]) -> str:
    return subprocess.run(["npx", "pm2", *words], cwd=FOLDER, env=env, check=True, capture_output=True, text=True, timeout=60).stdout


@contextmanager
def connect(ground: Ground, database: str = "") -> Iterator[Cursor]:
    connection = MySQLdb.connect(host="127.0.0.1", port=ground.mariadb.port, user="root", database=database, autocommit=True)
    with suppress(MySQLdb.Warning):
        yield connection.cursor()
    connection.close()

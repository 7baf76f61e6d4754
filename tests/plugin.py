"""What a test session stands on, made before Django reads its settings (pyproject.toml loads this first).

    pytest                SQLite, no Redis
    pytest --servers      a private MariaDB and Redis for this session, unless DATABASE_URL or REDIS_URL name others

Each process of a session has folders of its own and a Redis database of its own; pytest-django gives it a database.
"""

import gc
import os
import re
import shutil
import tempfile
from collections.abc import Generator

import pytest

from .servers import MariaDB, Redis

FOLDERS = ("STORAGE_DIR", "FUNCTIONS_DIR", "BROKER_DIR")

servers: list = []
folders: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--servers", action="store_true", help="start a private MariaDB and Redis for this session")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator:
    # A wrapper, since pytest-django reads the settings in this hook, as the first of all.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if early_config.known_args_namespace.servers:
        own_database(worker) if worker else start_servers()
    else:
        os.environ.setdefault("DATABASE_URL", "sqlite:///var/test.sqlite3")
        os.environ.setdefault("REDIS_URL", "")
    own_folders()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator:
    """All that is collected stays until the end: to look for garbage among it, now, later and at the end, took a third of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    for server in servers:
        server.remove()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    servers.clear()
    folders.clear()


def start_servers() -> None:
    """Once in a session: its worker processes inherit the environment."""
    for variable, server in (("DATABASE_URL", MariaDB), ("REDIS_URL", Redis)):
        if variable not in os.environ:
            servers.append(server())
            os.environ[variable] = servers[-1].start().url()


def own_database(worker: str) -> None:
    """Worker gw3 uses the Redis database three further on, so that no worker empties another's."""
    place = int(worker.removeprefix("gw"))
    os.environ["REDIS_URL"] = re.sub(r"(?<=/)\d+$", lambda first: str(int(first[0]) + place), os.environ["REDIS_URL"])


def own_folders() -> None:
    home = tempfile.mkdtemp(prefix="darkroom-test-")
    folders.append(home)
    os.environ["STORAGE"] = "disk"  # whatever a .env beside manage.py says
    for variable in FOLDERS:
        os.environ[variable] = f"{home}/{variable.removesuffix('_DIR').lower()}"

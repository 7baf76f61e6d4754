"""Both stores for the tests: the disk in a folder, and COS by the simulated bucket, with parts as small as it takes them."""

import asyncio
import os
from pathlib import Path

import pytest

from tasks_app.storage.disk import Disk
from tasks_app.storage.drafts import BATCH
from tests.upstreams import Cos as Simulator

MB = 1024 * 1024
ROOT = Path(__file__).resolve().parents[3]
CONTENT = os.urandom(3 * BATCH + 17)  # more than one batch, and in COS more than one part


async def stream(content=CONTENT, size=100_000):
    for at in range(0, len(content), size):
        yield content[at : at + size]


def put(store, key, chunks=None, *, content_type="video/mp4", limit=10**9):
    return asyncio.run(store.put(key, chunks or stream(), content_type=content_type, limit=limit))


def read(store, key, *part):
    return b"".join(store.open(key, *part))


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def folder(tmp_path):
    """Where drafts lie, and what is kept on disk."""
    return tmp_path / "storage"


@pytest.fixture
def disk(folder):
    return Disk(lambda: folder)


@pytest.fixture
def simulator():
    with Simulator() as running:
        yield running


@pytest.fixture
def bucket(simulator):
    return bucket_of(simulator)


@pytest.fixture
def giving(simulator, sts, folder):
    """The store in COS, for which STS gives out keys."""
    return cos_at(bucket_of(simulator, sts_endpoint=sts.url), folder)


def bucket_of(simulator, **more):
    """Where the simulator is, and who we are there."""
    from tasks_app.storage.cos_wire import Bucket

    place = {"name": simulator.name, "region": simulator.region, "endpoint": simulator.url}
    keys = {"secret_id": simulator.SECRET_ID, "secret_key": simulator.SECRET_KEY, "token": simulator.token}
    nobody = {"sts_endpoint": "http://127.0.0.1:9"}  # the cloud is never asked
    return Bucket(**place | keys | nobody | more)


@pytest.fixture
def cos(bucket, folder):
    return cos_at(bucket, folder)


def cos_at(bucket, folder, **wire):
    """A store that tries again at once; `wire` says otherwise."""
    from tasks_app.storage.cos import Cos
    from tasks_app.storage.cos_wire import Wire

    patience = {"timeouts": (10, 10), "waits": (0.01, 0.01)}
    return Cos(Wire(bucket, **patience | wire), lambda: folder, part=MB, whole=2 * MB)


@pytest.fixture(params=["disk", "cos"])
def store(request):
    """Each store in its turn."""
    return request.getfixturevalue(request.param)

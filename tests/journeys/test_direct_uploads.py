"""A page uploads a picture without a key, past the API, and a task takes it as its input: on real servers, wherever files are kept."""

from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import pyvips

from tasks_app.management.client import Client
from tasks_app.management.stage import Stage
from tests.upstreams import Cos, Sts


@pytest.fixture
def picture() -> bytes:
    """One of more than a megabyte, for nothing can squeeze noise."""
    return pyvips.Image.gaussnoise(1200, 1200, mean=128, sigma=60).cast("uchar").pngsave_buffer()


def wished(client: Client, picture: bytes) -> dict:
    return client.call("POST", "/api/v1/files", {"upload": {"name": "noise.png", "bytes": len(picture)}})


def begun(upload: dict) -> HTTPConnection:
    """A PUT of which nothing but the head has left yet."""
    parts = urlsplit(upload["url"])
    connection = HTTPConnection(parts.netloc, timeout=20)
    connection.putrequest("PUT", f"{parts.path}?{parts.query}")
    for name, value in upload["headers"].items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection


def puts(upload: dict, picture: bytes) -> int:
    connection = begun(upload)
    connection.send(picture)
    return connection.getresponse().status


def completed(client: Client, upload: dict) -> dict:
    return client.call("POST", urlsplit(upload["complete_url"]).path)


def stitched(client: Client, file: dict) -> dict:
    task = client.submit("darkroom/image-stitch", {"images": [file["id"]]})
    return client.wait([task["id"]])[0]


def test_into_a_bucket_it_goes_past_us(tmp_path, picture):
    with Cos() as cos, Sts() as sts, Stage(tmp_path, **cos.variables | sts.variables) as stage:
        client = stage.client(credits=100)
        upload = wished(client, picture)
        assert (urlsplit(upload["url"]).port, puts(upload, picture)) == (cos.port, 200)
        file = completed(client, upload)
        assert (file["content_type"], file["bytes"]) == ("image/png", len(picture))
        assert stitched(client, file)["status"] == "succeeded"
        assert (cos.requests["copy"], [key for key in cos.objects if key.startswith("uploads/")]) == (1, [])


def test_onto_a_disk_it_comes_through_us_whole_or_not_at_all(tmp_path, picture):
    with Stage(tmp_path) as stage:
        client = stage.client(credits=100)
        upload = wished(client, picture)
        cut = begun(upload)
        cut.send(picture[: len(picture) // 2])
        cut.close()
        assert puts(upload, picture) == 204
        file = completed(client, upload)
        assert stitched(client, file)["status"] == "succeeded"
        kept = [path for path in (tmp_path / "storage").rglob("*") if path.is_file() and path.stat().st_size == len(picture)]
        assert [path.parent.name for path in kept] == [file["id"]]

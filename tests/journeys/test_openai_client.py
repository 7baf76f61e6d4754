"""The official openai client on the whole road: web, worker and functions as processes, and the examples of docs/openai-client.md."""

import os
import re
import signal
import subprocess
import sys
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor, as_completed
from urllib.request import urlopen

import openai
import pytest

from tasks_app.management.stage import ROOT, Stage
from tests.deploy.web import wait_until
from tests.tasks_app.api.openai.lossy import Lossy

from .test_killed_workers import processes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
VIDEO, IMAGE = "darkroom/test-card-video", "darkroom/test-card-image"
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs/openai-client.md").read_text(encoding="utf-8"), re.S)
SMALL = {"n": 1, "size": "64x64"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("stage"), WEB_THREADS="6", WEB_WORKERS="1") as stage:
        yield stage


@pytest.fixture
def own(stage):
    """Our own client, with an account of its own."""
    return stage.client(credits=1000)


@pytest.fixture
def client(stage, own) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{stage.url}/v1", api_key=own._key)


def test_a_video_is_made_and_polled_and_downloaded(client, own):
    video = client.videos.create_and_poll(model=VIDEO, prompt="a red kite", seconds="1", size="320x180")
    assert (video.status, video.progress, video.seconds, video.size, video.error) == ("completed", 100, "1", "320x180", None)
    assert client.videos.download_content(video.id).read()[4:8] == b"ftyp"
    assert client.videos.download_content(video.id, variant="thumbnail").read()[8:12] == b"WEBP"
    assert own.task(video.id)["cost"]["captured"] == 2
    assert client.videos.delete(video.id).deleted


def test_polling_keeps_to_the_pace_that_is_told(client):
    answer = client.videos.with_raw_response.create(model=VIDEO, prompt="a kite", seconds="1", size="320x180")
    assert answer.headers["openai-poll-after-ms"] == "1000"
    assert client.videos.poll(answer.parse().id).status == "completed"


def test_pictures_come_with_the_answer(client):
    answer = client.images.generate(model=IMAGE, prompt="a red kite", n=2, size="64x64")
    assert [b64decode(image.b64_json)[:4] for image in answer.data] == [b"\x89PNG", b"\x89PNG"]
    assert (answer.size, answer.output_format) == ("64x64", "png")


def test_pictures_and_videos_whose_answers_are_lost_are_made_and_paid_once(stage, own):
    with Lossy(stage.url) as proxy:
        client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=own._key)
        proxy.loses(answers=2)
        answer = client.images.generate(model=IMAGE, prompt="a red kite", **SMALL)
        proxy.loses(answers=1)
        video = client.videos.create_and_poll(model=VIDEO, prompt="a red kite", seconds="1", size="320x180")
    assert (len(answer.data), video.status) == (1, "completed")
    assert len(own.call("GET", "/api/v1/tasks")["data"]) == 2
    account = own.call("GET", "/api/v1/account")
    assert (account["balance"], account["held"]) == (1000 - 1 - 2, 0)


def test_all_wait_who_would_and_only_while_the_process_lives(tmp_path):
    """Twelve wishes on two threads, and no worker: all wait, others are answered, and at a restart the twelve are told where to ask."""
    with Stage(tmp_path, WEB_WORKERS="1", WEB_THREADS="2") as stage, ThreadPoolExecutor(12) as pool:
        client = openai.OpenAI(base_url=f"{stage.url}/v1", api_key=stage.client(credits=100)._key, max_retries=0)
        for pid in processes(stage, b"celery", b"worker"):
            os.kill(pid, signal.SIGSTOP)
        wishes = [pool.submit(client.images.generate, model=IMAGE, prompt=f"kite {number}", **SMALL) for number in range(12)]
        wait_until(lambda: waits(stage) == 12, "all waited")
        assert client.models.list().data
        assert not any(wish.done() for wish in wishes)
        for pid in processes(stage, b"gunicorn"):
            os.kill(pid, signal.SIGTERM)
        told = list(as_completed(wishes, timeout=20))  # the longest wait would be 55 s
        assert {(wish.result().data, wish.result().task["status"]) for wish in told} == {(None, "queued")}
        for pid in processes(stage, b"celery", b"worker"):
            os.kill(pid, signal.SIGCONT)


def waits(stage: Stage) -> float:
    """How many have a wait open, as /metrics tells."""
    with urlopen(f"{stage.url}/metrics") as answer:
        found = re.search(r'^darkroom_streams{.*kind="wait".*} (.*)$', answer.read().decode(), re.M)
    return float(found[1]) if found else 0


def test_the_guides_examples_run(stage, own, tmp_path):
    for number, example in enumerate(EXAMPLES):
        (tmp_path / f"{number}.py").write_text(example, encoding="utf-8")
    environment = os.environ | {"OPENAI_BASE_URL": f"{stage.url}/v1", "OPENAI_API_KEY": own._key}
    each = "import runpy, sys\nfor path in sys.argv[1:]: runpy.run_path(path)"
    command = [sys.executable, "-W", "ignore", "-c", each, *(f"{number}.py" for number in range(len(EXAMPLES)))]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, len(EXAMPLES)) == (0, 5), done.stderr

"""The official openai client on the whole road: web, worker and functions as processes, and the examples of docs/openai-client.md."""

import os
import re
import subprocess
import sys

import openai
import pytest

from tasks_app.management.stage import ROOT, Stage

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
VIDEO = "darkroom/test-card-video"
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs/openai-client.md").read_text(encoding="utf-8"), re.S)


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


def test_the_guides_examples_run(stage, own, tmp_path):
    for example in EXAMPLES:
        environment = os.environ | {"OPENAI_BASE_URL": f"{stage.url}/v1", "OPENAI_API_KEY": own._key}
        command = [sys.executable, "-W", "ignore", "-c", example]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{example}\n{done.stderr}"
    assert EXAMPLES

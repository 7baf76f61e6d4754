"""Each example of docs/quickstart.md does what the page says, on a Darkroom of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tasks_app.management.stage import Stage
from tests.browser import DESKTOP, looked_at

PAGE = (Path(__file__).resolve().parents[2] / "docs/quickstart.md").read_text(encoding="utf-8")


def samples(language: str) -> str:
    """All samples of a language, in the page's order, as one program."""
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("quickstart")) as stage:
        yield stage


@pytest.fixture(scope="module")
def environment(stage) -> dict[str, str]:
    """What the page has its reader export."""
    return os.environ | {"DARKROOM_URL": f"{stage.url}/api/v1", "DARKROOM_KEY": stage.key(credits=100)}


def ran(program: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(program, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def is_png(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG")


def test_curl_makes_a_picture_and_orders_with_an_upload(environment, tmp_path):
    said_by_the_reader = re.compile(r"^export .*\n", re.MULTILINE)
    said = ran(["bash", "-euc", said_by_the_reader.sub("", samples("bash"))], environment, tmp_path)
    assert is_png(tmp_path / "fox.png")
    assert '"model":"darkroom/image-stitch"' in said


def test_python_makes_a_picture_a_film_and_hears_what_is_wrong(environment, tmp_path):
    said = ran([sys.executable, "-c", samples("python")], environment, tmp_path)
    assert is_png(tmp_path / "fox.png")
    assert said.splitlines() == ["2.0 seconds for 5 credits", "422 invalid_input size"]


def test_javascript_makes_a_picture(environment, stage):
    """In a browser, whose fetch is that of Node."""
    names = {name: environment[name] for name in ("DARKROOM_URL", "DARKROOM_KEY")}
    with looked_at(stage.url, DESKTOP) as looked:
        looked.page.goto("/healthz")
        code = f"async (env) => {{ const process = {{ env }};\n{samples('js')}\nreturn [...new Uint8Array(bytes).slice(0, 4)]; }}"
        assert bytes(looked.page.evaluate(code, names)) == b"\x89PNG"

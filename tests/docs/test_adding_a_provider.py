"""docs/adding-a-provider.md, followed: a vendor is the four files that its page names, and nothing else knows of it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/adding-a-provider.md"
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "staticfiles", "node_modules", "__pycache__", ".*_cache")


def places() -> list[str]:
    """The files of the page's example, as its first table has them."""
    return re.findall(r"^\| `(\S*kling\.\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A Darkroom with one vendor more: the example's files once again, under another name."""
    tree = tmp_path_factory.mktemp("vendor") / "darkroom"
    shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
    for place in places():
        told = (tree / place).read_text(encoding="utf-8")
        (tree / place.replace("kling", "nimbus")).write_text(told.replace("kling", "nimbus").replace("Kling", "Nimbus"), encoding="utf-8")
    return tree


@pytest.fixture
def run(tree):
    def do(*words: str) -> str:
        mine = os.environ | {"DATABASE_URL": f"sqlite:///{tree}/new.sqlite3", "REDIS_URL": "", "PYTHONPATH": ""}
        done = subprocess.run([sys.executable, *words], cwd=tree, env=mine, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return do


def test_names_the_four_files():
    assert len(places()) == 4
    assert [place for place in places() if not (ROOT / place).is_file()] == []


def test_they_are_all_it_takes_to_be_tried(run):
    done = run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "tests/providers/adapters/test_nimbus.py", "-k", "a_job_is_accepted_once"
    )
    assert re.search(r"[1-9]\d* passed", done)


def test_and_to_be_installed(run):
    run("manage.py", "migrate", "--verbosity", "0")
    assert "model nimbus/" in run("manage.py", "providers", "install", "nimbus", "--dry-run")


def test_and_to_be_served_by_hand(run):
    assert "nimbus" in run("-m", "tests.upstreams", "--help")

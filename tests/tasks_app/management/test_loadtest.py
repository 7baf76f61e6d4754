"""`manage.py loadtest`, as an operator runs it."""

import json

import pytest
from aiohttp import web
from django.core.management import CommandError, call_command

from .loadtest.stalling import Stalling


@pytest.fixture
def server():
    with Stalling() as started:
        yield started


@pytest.fixture
def keys(tmp_path):
    file = tmp_path / "keys"
    file.write_text("dk_one\ndk_two\n")
    return file


@pytest.fixture
def loads(server, keys, tmp_path):
    def load(*words, out="run"):
        call_command("loadtest", "--url", server.url, "--keys", str(keys), "--out", str(tmp_path / out), "--seconds", "1", *words)
        return json.loads((tmp_path / f"{out}.json").read_text())

    return load


class TestALoad:
    def test_leaves_a_page_and_figures(self, loads, tmp_path):
        run = loads("--rate", "50", "--mix", "account=1,models=1")
        assert run["all"]["requests"] == 50
        assert set(run["calls"]) == {"account", "models"}
        assert "<svg" in (tmp_path / "run.html").read_text()

    def test_shows_no_key(self, loads, tmp_path, capsys):
        loads("--rate", "50")
        assert "dk_" not in capsys.readouterr().out + (tmp_path / "run.json").read_text() + (tmp_path / "run.html").read_text()

    def test_fails_where_a_request_did_and_leaves_its_figures(self, loads, server, tmp_path):
        server.answers.extend(web.json_response({"code": "rate_limited"}, status=429) for _ in range(3))
        with pytest.raises(CommandError, match=r"^3 of 50 requests failed: 3 × 429 rate_limited"):
            loads("--rate", "50", "--mix", "account=1")
        assert json.loads((tmp_path / "run.json").read_text())["all"]["requests"] == 50

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ([], "--rate for an open loop"),
            (["--rate", "10"], "--keys names a file"),
            (["--rate", "10", "--keys", "/nowhere"], "No such file"),
            (["--rate", "10", "--url", "http://192.0.2.1"], "--i-own-this-server"),
        ],
    )
    def test_says_what_it_lacks(self, words, says):
        with pytest.raises(CommandError, match=says):
            call_command("loadtest", *words)


class TestTwoRuns:
    def test_are_compared(self, loads, tmp_path, capsys):
        loads("--rate", "50", out="a")
        loads("--clients", "2", out="b")
        call_command("loadtest", "--compare", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--out", str(tmp_path / "both"))
        assert "not alike in loop: open and closed" in capsys.readouterr().out
        assert "B : A" in (tmp_path / "both.html").read_text()

    def test_that_are_no_runs_are_refused(self, keys):
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("loadtest", "--compare", str(keys), str(keys))

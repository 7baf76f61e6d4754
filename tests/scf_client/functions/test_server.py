"""The contract of every function: the same as that of a container on SCF."""

import hashlib
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema
import pytest

from scf_client.functions import common
from scf_client.functions.common.job import Job
from tests.scf_client import samples
from tests.scf_client.function import Function
from tests.scf_client.runtime import PATIENCE_S, is_running, wait_until

FUNCTIONS = Path(common.__file__).parent.parent
NAMES = sorted(path.parent.name for path in FUNCTIONS.glob("*/__main__.py"))
CARD = {"prompt": "reef", "size": "64x64"}


class TestAnEvent:
    def test_is_answered_with_outputs_whose_size_and_hash_are_those_of_the_files(self, draw):
        answer = draw(CARD)
        (output,) = answer.outputs
        content = answer.files[0].read_bytes()
        assert output["bytes"] == len(content)
        assert output["sha256"] == hashlib.sha256(content).hexdigest()

    def test_may_follow_the_answer_to_the_one_before_at_once(self, functions):
        function = functions("text_process")
        for _ in range(30):
            assert function("text.process", {"text": "a", "operations": ["count"]}).outputs

    def test_that_comes_while_another_is_at_work_is_sent_away(self, functions, tmp_path):
        function = functions("test_card")
        events = [
            {"token": "t", "kind": kind, "input": given, "out": str(tmp_path / kind), "work": str(tmp_path / f"{kind}-work")}
            for kind, given in (("video.generate", {"prompt": "reef", "duration": 20}), ("image.generate", CARD))
        ]
        with ThreadPoolExecutor() as threads:
            first = threads.submit(function.post, json.dumps(events[0]).encode())
            wait_until((tmp_path / "video.generate-work/progress").exists, "the first event to get on")
            assert function.post(json.dumps(events[1]).encode())[0] == 429
            assert first.result()[1]["ok"]

    @pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"7", b"[" * 100_000])
    def test_that_is_no_json_object_is_refused_and_the_next_one_is_not(self, functions, body):
        status, envelope = functions("text_process").post(body)
        assert (status, envelope["ok"]) == (400, False)
        assert functions("text_process")("text.process", {"text": "a", "operations": ["count"]}).outputs

    @pytest.mark.parametrize("event", [{}, {"kind": "text.process"}, {"kind": ["x"]}, {"kind": "text.process", "token": "t", "input": 7}])
    def test_that_lacks_something_is_answered_with_an_error(self, functions, event):
        status, envelope = functions("text_process").post(json.dumps(event).encode())
        assert (status, envelope["ok"], envelope["error"]["code"]) == (200, False, "invalid_input")

    def test_of_a_kind_that_this_function_does_not_do_is_refused(self, functions):
        assert "text.process" in functions("text_process")("image.stitch", {}).error["message"]

    @pytest.mark.parametrize("given", [{"prompt": "a\ud800b"}, {"prompt": "a", "\ud800": 1}, {"prompt": "a", "size": "\udfff"}])
    def test_with_half_a_character_is_refused(self, draw, given):
        assert draw(given).error["code"] == "invalid_input"

    def test_that_does_not_fit_the_schema_is_answered_without_its_values(self, functions, tmp_path):
        path = str(tmp_path / "private.png")
        error = functions("image_stitch")("image.stitch", {"images": [{"path": path}] * 101}).error
        assert (error["field"], error["message"]) == ("images", "This value has more than 100 items")
        long = functions("text_process")("text.process", {"text": "x" * 100_001, "operations": ["count"]}).error
        assert long["message"] == "This value is longer than 100000 characters"

    def test_to_another_path_is_not_found(self, functions):
        assert functions("text_process").post(b"{}", "/other")[0] == 404


class TestProgress:
    def test_that_cannot_be_written_fails_nothing(self, tmp_path):
        # The thread that tells it also empties a pipe of ffmpeg's, which would stand still without it.
        Job("t", {}, tmp_path, tmp_path / "gone").progress(0.5)


class TestTheProcess:
    def test_says_what_it_does_in_json_where_asked_each_line_with_the_token(self, tmp_path):
        function = Function("text_process", tmp_path, "--log-format", "json")
        function("text.process", {"text": "", "operations": ["count"]}, token="task_7")
        function.end()
        lines = [json.loads(line) for line in function.log.read_text().splitlines()]
        assert lines[0]["message"].startswith("ready")
        assert (lines[-1]["process"], lines[-1]["token"]) == ("text_process", "task_7")

    def test_ends_when_the_process_that_started_it_is_killed(self, tmp_path):
        start = "import os, subprocess, sys; print(subprocess.Popen([sys.executable, *sys.argv[1:], str(os.getpid())]).pid, flush=True)"
        options = ["-m", "scf_client.functions.text_process", "--port", "0", "--parent"]
        parent = subprocess.Popen([sys.executable, "-c", f"{start}; input()", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
        parent.wait(timeout=PATIENCE_S)
        wait_until(lambda: not is_running(pid), "the function to end")

    def test_spends_its_memory_limit_on_pictures_and_not_on_threads(self, tmp_path):
        function = Function("test_card", tmp_path, "--memory-mb", "1024")
        assert all(function("image.generate", CARD).outputs for _ in range(6))
        used = Path(f"/proc/{function.process.pid}/status").read_text().split("VmPeak:")[1].split()[0]
        function.end()
        assert int(used) < 300_000

    def test_within_too_little_memory_says_so_and_lives_on(self, tmp_path):
        function = Function("image_stitch", tmp_path, "--memory-mb", "640")
        picture = tmp_path / "a.png"
        given = {"images": [samples.picture(picture)], "cell": "9999x9999"}
        assert function("image.stitch", given).error["code"] == "out_of_memory"
        assert function("image.stitch", {"images": [{"path": str(picture)}]}).outputs
        function.end()

    @pytest.mark.parametrize("megabytes", ["340", "380", "400"])
    def test_says_so_wherever_its_encoder_meets_the_end_of_the_memory(self, tmp_path, megabytes):
        function = Function("test_card", tmp_path, "--memory-mb", megabytes)
        codes = {function("video.generate", {"prompt": "reef", "duration": 1, "size": "1920x1920"}).error["code"] for _ in range(6)}
        function.end()
        assert codes == {"out_of_memory"}


@pytest.mark.parametrize("name", NAMES)
class TestEachFunction:
    def test_works_alone_with_only_the_common_library_beside_it(self, name, tmp_path):
        home = tmp_path / "home"
        for folder in ("common", name):
            shutil.copytree(FUNCTIONS / folder, home / "package" / folder, ignore=shutil.ignore_patterns("__pycache__"))
        function = Function(name, tmp_path, module="package", home=home)
        status, envelope = function.post(json.dumps({"kind": "none"}).encode())
        function.end()
        assert (status, envelope["error"]["code"]) == (200, "invalid_input")

    def test_has_schemas_that_are_schemas_and_describe_each_property_that_is_not_plain(self, name):
        for path in (FUNCTIONS / name).glob("schema*.json"):
            schema = json.loads(path.read_text(encoding="utf-8"))
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["additionalProperties"] is False
            for field, node in schema["properties"].items():
                assert "description" in node or "enum" in node or "default" in node, field

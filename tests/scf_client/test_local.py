"""The local runtime, as a process of its own with real functions."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from scf_client.local.folder import KEEP_S, Folder
from scf_client.local.runs import MOST_OPEN, MOST_RESUMED

from . import samples
from .runtime import CARD, LONG_VIDEO, PATIENCE_S, Runtime, instances, is_running, wait_until


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A runtime whose instances are warm, for tests that leave it as it was."""
    runtime = Runtime(tmp_path_factory.mktemp("functions")).start()
    yield runtime
    runtime.stop()


@pytest.fixture
def own(tmp_path):
    """A runtime that a test may kill."""
    runtime = Runtime(tmp_path).start()
    yield runtime
    runtime.kill()


@pytest.fixture(scope="module")
def tight(tmp_path_factory):
    """A runtime whose functions have little memory."""
    runtime = Runtime(tmp_path_factory.mktemp("tight")).start("--memory-mb", "560")
    yield runtime
    runtime.stop()


@pytest.fixture(scope="module")
def huge(tmp_path_factory):
    """A picture of 81 million pixels: small as a file, 324 MB in memory."""
    return samples.picture(tmp_path_factory.mktemp("media") / "huge.png", size=(9000, 9000))


class TestARun:
    def test_gives_a_result_whose_file_lies_where_it_says(self, shared):
        assert shared.submit("a1", CARD)[0] == 202
        state = shared.over("a1")
        assert (state["status"], state["progress"]) == ("finished", 1.0)
        (output,) = state["result"]["outputs"]
        assert Path(output["path"]).parent == shared.root / "out/a1"
        assert Path(output["path"]).stat().st_size == output["bytes"]

    def test_starts_once_however_often_its_token_comes(self, shared):
        for _ in range(3):
            assert shared.submit("a2", CARD)[0] == 202
        assert shared.over("a2")["runs_started"] == 1
        status, again = shared.submit("a2", {"prompt": "another"})
        assert (status, again) == (202, shared.state("a2"))
        assert again["runs_started"] == 1

    def test_leaves_no_scratch_files(self, shared):
        shared.submit("a3", CARD)
        shared.over("a3")
        assert not (shared.root / "work/a3").exists()

    def test_fails_with_the_field_that_the_function_refused(self, shared):
        shared.submit("a4", {"prompt": ""})
        state = shared.over("a4")
        assert state["status"] == "failed"
        assert (state["result"]["error"]["code"], state["result"]["error"]["field"]) == ("invalid_input", "prompt")

    def test_with_half_a_character_in_its_input_fails_by_the_functions_word(self, shared):
        assert shared.submit("a7", {"prompt": "\ud800"})[0] == 202
        assert shared.over("a7")["result"]["error"]["code"] == "invalid_input"

    def test_uses_the_warm_instance_of_the_run_before(self, shared):
        shared.submit("a5", CARD)
        shared.over("a5")
        before = instances(shared.process.pid)
        shared.submit("a6", CARD)
        shared.over("a6")
        assert instances(shared.process.pid) == before


class TestAWrongRequest:
    @pytest.mark.parametrize("token", ["", "../x", "a b", "a" * 65, "a\n", None, 7])
    def test_a_token_that_is_no_plain_name_is_refused(self, shared, token):
        assert shared.submit(token, CARD)[0] == 400

    @pytest.mark.parametrize("limit", [0, -1, "5", True, None])
    def test_a_time_limit_that_is_no_time_is_refused(self, shared, limit):
        assert shared.submit("b1", CARD, time_limit_s=limit)[0] == 400
        assert shared.state("b1")["status"] == "unknown"

    @pytest.mark.parametrize("function", ["common", "../x", "", None])
    def test_a_function_that_there_is_not_is_refused_by_name(self, shared, function):
        status, answer = shared.submit("b2", CARD, function=function)
        assert status == 404
        assert "test_card" in answer["error"]["message"]

    def test_an_unknown_run_is_unknown_to_every_verb(self, shared):
        assert shared.call("GET", "/runs/b3") == shared.call("DELETE", "/runs/b3")
        assert shared.call("GET", "/runs/b3")[0] == 404


class TestAPageInABrowserOnThisMachine:
    def test_cannot_start_a_run_since_it_may_not_send_json(self, shared):
        order = {"token": "w1", "function": "test_card", "event": {"kind": "image.generate", "input": CARD}, "time_limit_s": 60}
        assert shared.call("POST", "/runs", order, Content_Type="text/plain")[0] == 415
        assert shared.state("w1")["status"] == "unknown"

    @pytest.mark.parametrize("host", ["evil.example", "evil.example:8010", "127.0.0.1.evil.example"])
    def test_cannot_read_a_result_under_a_name_that_it_chose(self, shared, host):
        assert shared.call("GET", "/healthz", Host=host)[0] == 403
        assert shared.call("GET", "/healthz", Host="localhost:1")[0] == 200

    def test_nor_where_the_runtime_is_asked_by_another_name_as_in_a_container(self, tmp_path):
        elsewhere = Runtime(tmp_path, "127.0.0.2").start()
        assert elsewhere.call("GET", "/healthz")[0] == 200
        assert elsewhere.call("GET", "/healthz", Host="evil.example")[0] == 403
        elsewhere.stop()


class TestAFunction:
    def test_and_its_encoder_know_no_secret_of_the_runtimes(self, tmp_path, monkeypatch):
        for name in ("SECRET_KEY", "SEALING_KEYS", "DATABASE_URL", "VENDOR_KEY"):
            monkeypatch.setenv(name, "s3cret")
        runtime = Runtime(tmp_path).start()
        runtime.submit("x1", LONG_VIDEO, kind="video.generate")
        pid = runtime.working("x1")
        known = {process: Path(f"/proc/{process}/environ").read_bytes() for process in (pid, *instances_below(pid))}
        runtime.kill()
        assert len(known) > 1
        assert all(b"PATH=" in environment and b"s3cret" not in environment for environment in known.values())


class TestMoreRunsThanAreTaken:
    def test_are_sent_away_and_taken_when_one_is_over(self, tmp_path):
        runtime = Runtime(tmp_path).start("--at-once", "1")
        for place in range(MOST_OPEN):
            assert runtime.submit(f"v{place}", LONG_VIDEO, kind="video.generate")[0] == 202
        assert runtime.submit("one-more", CARD)[0] == 429
        assert runtime.state("one-more")["status"] == "unknown"
        assert runtime.submit("v7", CARD)[0] == 202  # a token that it has is no new run
        runtime.call("DELETE", "/runs/v7")
        assert runtime.submit("one-more", CARD)[0] == 202
        runtime.kill()


class TestARunThatIsEnded:
    def test_on_request_it_fails_and_its_instance_dies(self, own):
        own.submit("c1", LONG_VIDEO, kind="video.generate")
        pid = own.working("c1")
        status, state = own.call("DELETE", "/runs/c1")
        assert (status, state["status"], state["result"]["error"]["code"]) == (200, "failed", "canceled")
        assert not is_running(pid)
        assert own.submit("c1", CARD)[1]["result"]["error"]["code"] == "canceled"

    def test_at_its_time_limit_it_fails_and_the_next_run_works(self, own):
        own.submit("c2", LONG_VIDEO, kind="video.generate", time_limit_s=1)
        error = own.over("c2")["result"]["error"]
        assert error["code"] == "time_limit"
        assert "1 s" in error["message"]
        assert instances(own.process.pid) == []
        own.submit("c3", CARD)
        assert own.over("c3")["status"] == "finished"

    def test_by_the_death_of_its_instance_it_fails_and_the_next_run_works(self, own):
        own.submit("c4", LONG_VIDEO, kind="video.generate")
        pid = own.working("c4")
        encoders = instances_below(pid)
        os.kill(pid, signal.SIGKILL)
        assert own.over("c4")["result"]["error"]["code"] == "instance_died"
        wait_until(lambda: not any(map(is_running, encoders)), "its encoder to die")
        own.submit("c5", CARD)
        assert own.over("c5")["status"] == "finished"

    def test_by_the_abort_of_a_library_that_got_no_memory_it_says_so(self, own):
        own.submit("c9", LONG_VIDEO, kind="video.generate")
        os.kill(own.working("c9"), signal.SIGABRT)
        assert own.over("c9")["result"]["error"]["code"] == "out_of_memory"

    def test_while_it_waits_it_never_starts(self, own):
        for token in ("c6", "c7"):
            own.submit(token, LONG_VIDEO, kind="video.generate")
        own.submit("c8", CARD)
        assert own.state("c8")["status"] == "queued"
        state = own.call("DELETE", "/runs/c8")[1]
        assert (state["status"], state["runs_started"]) == ("failed", 0)


class TestRunsOfAllFunctions:
    SMALL = {
        "test_card": ("image.generate", CARD),
        "text_process": ("text.process", {"text": "a", "operations": ["count"]}),
        "image_stitch": ("image.stitch", {"images": []}),
        "video_compose": ("video.compose", {"clips": []}),
    }

    def test_leave_no_more_than_four_instances_waiting(self, own):
        for place in range(2):
            for number, (function, (kind, given)) in enumerate(self.SMALL.items()):
                own.submit(f"e{place}{number}", given, kind=kind, function=function)
        for place in range(2):
            for number in range(len(self.SMALL)):
                own.over(f"e{place}{number}")
        wait_until(lambda: len(instances(own.process.pid)) <= 4, "instances beyond four to end")

    def test_start_an_instance_only_when_there_is_work_for_it(self, own):
        assert instances(own.process.pid) == []

    def test_follow_one_another_closely_in_one_warm_instance(self, own):
        for place in range(40):
            own.submit(f"f{place}", {"text": "a", "operations": ["count"]}, kind="text.process", function="text_process")
        assert {own.over(f"f{place}")["status"] for place in range(40)} == {"finished"}
        assert len(instances(own.process.pid)) <= 2


class TestARunThatFillsItsMemory:
    def test_with_its_result_says_what_to_lower(self, tmp_path):
        runtime = Runtime(tmp_path).start("--memory-mb", "300")
        runtime.submit("g1", {"images": [small(runtime)], "cell": "9999x9999"}, kind="image.stitch", function="image_stitch")
        error = runtime.over("g1")["result"]["error"]
        runtime.stop()
        assert (error["code"], error["field"]) == ("out_of_memory", None)
        assert error["message"].endswith("lower size, cell or the number of images.")

    def test_with_one_picture_names_that_one(self, tight, huge):
        images = [small(tight), huge]
        tight.submit("g2", {"images": images, "fit": "none"}, kind="image.stitch", function="image_stitch")
        error = tight.over("g2")["result"]["error"]
        assert (error["code"], error["field"]) == ("out_of_memory", "images[1]")

    def test_with_a_drawn_video_says_what_to_lower(self, tight):
        tight.submit("g3", {"prompt": "reef", "size": "1920x1920"}, kind="video.generate")
        error = tight.over("g3")["result"]["error"]
        assert error["code"] == "out_of_memory"
        assert error["message"].endswith("lower resolution or size.")

    def test_with_a_composed_video_says_what_to_lower(self, tight):
        given = {"clips": [{"source": small(tight)}] * 2, "size": "1920x1920"}
        tight.submit("g4", given, kind="video.compose", function="video_compose")
        error = tight.over("g4")["result"]["error"]
        assert error["code"] == "out_of_memory"
        assert error["message"].endswith("lower size.")

    def test_ends_its_instance_and_the_next_one_gets_a_fresh_one(self, tight, huge):
        tight.submit("g5", {"images": [huge], "fit": "none"}, kind="image.stitch", function="image_stitch")
        assert tight.over("g5")["status"] == "failed"
        assert instances_of("image_stitch", tight) == []
        tight.submit("g6", {"images": [huge], "cell": "64x64"}, kind="image.stitch", function="image_stitch")
        assert tight.over("g6")["status"] == "finished"


class TestTheRuntimeDies:
    def test_a_result_outlives_it(self, own):
        own.submit("d1", CARD)
        before = own.over("d1")
        own.kill()
        own.start()
        assert own.submit("d1", CARD) == (202, before)

    def test_its_instances_die_with_it_and_the_next_one_starts_the_run_anew(self, own):
        own.submit("d2", {"prompt": "reef", "duration": 4}, kind="video.generate")
        pid = own.working("d2")
        processes = [pid, *instances_below(pid)]
        assert len(processes) > 1
        own.kill()
        wait_until(lambda: not any(map(is_running, processes)), "instance and encoder to die")
        own.start()
        assert own.over("d2")["status"] == "finished"  # nobody has asked for it again
        assert list((own.root / "orders").iterdir()) == []

    def test_when_it_is_stopped_nothing_stays_but_the_order(self, own):
        own.submit("d3", LONG_VIDEO, kind="video.generate")
        pid = own.working("d3")
        own.stop()
        assert not is_running(pid)
        assert list((own.root / "results").iterdir()) == []
        assert [path.name for path in (own.root / "orders").iterdir()] == ["d3.json"]

    def test_a_run_that_goes_down_with_it_again_and_again_is_given_up(self, own):
        own.stop()
        order = {"token": "d4", "function": "test_card", "event": {"kind": "image.generate", "input": CARD}, "time_limit_s": 60}
        (own.root / "orders/d4.json").write_text(json.dumps({"order": order, "resumed": MOST_RESUMED}))
        (own.root / "out/d4").mkdir()  # it had begun
        own.start()
        assert own.over("d4")["result"]["error"]["code"] == "runtime_died"

    def test_a_run_that_only_waited_is_not_blamed(self, tmp_path):
        runtime = Runtime(tmp_path).start("--at-once", "1")
        runtime.submit("d5", LONG_VIDEO, kind="video.generate")
        runtime.submit("d6", CARD)
        runtime.working("d5")
        runtime.kill()
        runtime.start("--at-once", "1")
        runtime.working("d5")
        counts = [json.loads((tmp_path / f"orders/{token}.json").read_text())["resumed"] for token in ("d5", "d6")]
        runtime.kill()
        assert counts == [1, 0]


class TestAFileThatIsDamaged:
    @pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"{}", b'{"order": {"token": "i1"}, "resumed": 0}', b"[]"])
    def test_as_an_order_takes_no_other_along(self, own, content):
        own.stop()
        order = {"token": "i2", "function": "test_card", "event": {"kind": "image.generate", "input": CARD}, "time_limit_s": 60}
        (own.root / "orders/i1.json").write_bytes(content)
        (own.root / "orders/i2.json").write_text(json.dumps({"order": order, "resumed": 0}))
        own.start()
        assert own.over("i2")["status"] == "finished"
        assert own.state("i1")["status"] == "unknown"

    def test_as_a_result_is_as_good_as_none_and_its_run_can_be_asked_for_again(self, own):
        (own.root / "results/i3.json").write_bytes(b'{"token": "i3", "sta')
        assert own.call("GET", "/runs/i3")[0] == 404
        own.submit("i3", CARD)
        assert own.over("i3")["status"] == "finished"


class TestASecondRuntimeOnOneRoot:
    def test_refuses_to_start_says_why_and_leaves_the_first_ones_runs_alone(self, own):
        own.submit("h1", {"prompt": "reef", "duration": 4}, kind="video.generate")
        own.working("h1")
        second = subprocess.run(Runtime(own.root).command(), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert second.returncode == 1
        assert f"{own.root} is in use by the runtime with process id {own.process.pid}" in second.stderr
        assert "--root" in second.stderr
        assert (own.over("h1")["status"], own.state("h1")["runs_started"]) == ("finished", 1)

    def test_starts_when_the_first_is_gone_however_it_went(self, own):
        own.kill()
        second = Runtime(own.root).start()
        second.submit("h2", CARD)
        assert second.over("h2")["status"] == "finished"
        second.stop()


class TestTheFolderAtStart:
    def test_what_is_older_than_two_days_goes_and_the_rest_stays(self, tmp_path):
        folder = Folder(tmp_path)
        folder.prepare(now=0)
        for token in ("old", "new"):
            folder.begin(token)
            folder.end(token, {"token": token})
        now = (tmp_path / "results/new.json").stat().st_mtime + KEEP_S - 60
        for path in (tmp_path / "results/old.json", tmp_path / "out/old"):
            os.utime(path, (now - KEEP_S - 1, now - KEEP_S - 1))
        folder.remove_old(now=now)
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["new"]
        assert (folder.state("old"), folder.state("new")) == (None, {"token": "new"})

    def test_runs_that_end_meanwhile_do_not_disturb_the_tidying(self, tmp_path):
        folder = Folder(tmp_path)
        folder.prepare(now=0)

        def work() -> None:
            for place in range(150):
                folder.accept(f"t{place}", {})
                folder.begin(f"t{place}")
                folder.end(f"t{place}", {})

        runs = threading.Thread(target=work)
        runs.start()
        while runs.is_alive():
            folder.remove_old(now=0)
        assert len(list((tmp_path / "results").iterdir())) == 150

    def test_what_a_killed_run_left_half_done_goes(self, tmp_path):
        folder = Folder(tmp_path)
        folder.prepare(now=0)
        (folder.begin("half")[1] / "progress").write_text("0.5")
        (tmp_path / "work/half.json").write_text(json.dumps({}))
        folder.prepare(now=0)
        assert list((tmp_path / "work").iterdir()) == []
        assert folder.state("half") is None


def instances_below(pid: int) -> list[int]:
    """The processes that any thread of `pid` has started."""
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]


def instances_of(function: str, runtime: Runtime) -> list[int]:
    """The instances of one function."""
    named = f"scf_client.functions.{function}".encode()
    return [pid for pid in instances(runtime.process.pid) if named in Path(f"/proc/{pid}/cmdline").read_bytes()]


def small(runtime: Runtime) -> dict[str, str]:
    """A small picture that this runtime has drawn."""
    runtime.submit("picture", CARD)
    return {"path": runtime.over("picture")["result"]["outputs"][0]["path"]}

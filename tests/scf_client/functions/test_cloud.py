"""A function in the cloud: inputs and orders come from the bucket, outputs and the result go there, the result last."""

import json
import threading
from hashlib import sha256
from itertools import count

import pytest

from scf_client.account import Bucket
from scf_client.functions.common.cloud import MAX_INPUT_BYTES
from scf_client.signing import CosSigner
from tests.scf_client import samples
from tests.scf_client.function import Function
from tests.upstreams import Cos, answer, cut_before_answer, cut_midway
from tests.upstreams.cos_bucket import Object
from tests.upstreams.scf_instances import Role

CARD = {"prompt": "reef", "size": "64x64"}
RUNS, ROLE = count(1), Role()


@pytest.fixture(scope="module")
def bucket():
    with Cos() as cos:
        cos.trust(ROLE)
        yield cos


@pytest.fixture
def cos(bucket):
    bucket.behave()
    bucket.bucket.objects.clear()
    return bucket


def place(cos: Cos) -> dict[str, str]:
    return {"COS_BUCKET": cos.name, "COS_REGION": cos.region, "COS_ENDPOINT": cos.url}


@pytest.fixture(scope="module")
def started(bucket, tmp_path_factory):
    """The functions as they are deployed, by name."""
    running = {}

    def named(name: str) -> Function:
        if name not in running:
            folder = tmp_path_factory.mktemp(name)
            running[name] = Function(name, folder, TMPDIR=str(folder), **place(bucket))
        return running[name]

    yield named
    for function in running.values():
        function.end()


@pytest.fixture
def invoke(started, cos):
    """Deliver an event as the platform does; returns the envelope."""

    def delivered(kind, given=None, *, token="t1", name="test_card", run="", role=ROLE, **more):
        event = {"token": token, "kind": kind, **({} if given is None else {"input": given}), **more}
        return sent(started(name), event, run=run or f"run{next(RUNS)}", role=role)

    return delivered


def sent(function: Function, event: dict, *, run: str, role: Role | None) -> dict:
    headers = {"X-Scf-Request-Id": run} | (role.headers if role else {})
    status, envelope = function.post(json.dumps(event).encode(), headers=headers)
    assert status == 200  # whatever happened: the platform would run the event again
    return envelope


def link(cos: Cos, key: str) -> dict[str, str]:
    """An input as we send it."""
    signer = CosSigner(Bucket(cos.name, cos.region, cos.SECRET_ID, cos.SECRET_KEY, endpoint=cos.url))
    return {"url": signer.link(key)}


def holds(cos: Cos, key: str, content: bytes) -> None:
    incoming = cos.bucket.incoming()
    incoming.write(content)
    cos.bucket.put(key, incoming.whole({}))


def result(cos: Cos, token: str = "t1") -> dict:
    return json.loads(cos.objects[f"functions/results/{token}.json"].read())


class TestARun:
    def test_leaves_its_outputs_and_a_result_that_names_them(self, invoke, cos):
        envelope = invoke("image.generate", CARD, run="run-a")
        (output,) = envelope["outputs"]
        content = cos.objects[output["key"]].read()
        assert output["key"] == "functions/out/t1/run-a/0.png"
        assert (output["bytes"], output["sha256"]) == (len(content), sha256(content).hexdigest())
        assert cos.objects[output["key"]].headers["content-type"] == "image/png"
        assert result(cos) == envelope

    def test_writes_its_result_last(self, invoke, cos):
        cos.will(answer(403), at="put")
        assert invoke("image.generate", CARD)["error"]["code"] == "storage"
        assert cos.objects == {}

    def test_that_is_refused_leaves_that_as_its_result(self, invoke, cos):
        envelope = invoke("image.generate", {"prompt": ""})
        assert (envelope["error"]["code"], envelope["error"]["field"]) == ("invalid_input", "prompt")
        assert result(cos) == envelope

    def test_may_not_use_a_bucket_that_its_event_names(self, invoke, cos):
        envelope = invoke("image.generate", CARD, out="/tmp/elsewhere", work="/tmp/elsewhere", COS_BUCKET="evil-1")
        assert envelope["outputs"][0]["key"] in cos.objects

    def test_keeps_nothing_on_the_disk_of_its_instance(self, invoke, cos, started):
        invoke("image.generate", CARD)
        assert [path.name for path in started("test_card").log.parent.iterdir()] == ["log"]

    def test_goes_on_where_it_cannot_say_how_far_it_has_come(self, invoke, cos):
        cos.will(answer(403), at="put")
        assert invoke("video.generate", {"prompt": "reef", "duration": 15, "resolution": "720p"})["ok"]


class TestASecondRun:
    def test_of_a_token_is_answered_with_the_first_ones_result(self, invoke, cos):
        first = invoke("image.generate", CARD, run="one")
        assert invoke("image.generate", CARD, run="two") == first
        assert [key for key in cos.objects if "/out/" in key] == ["functions/out/t1/one/0.png"]

    def test_at_the_same_time_does_not_touch_what_the_faster_one_left(self, cos, tmp_path):
        # The slower one looked for a result before there was any.
        folders = [tmp_path / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        slow, fast = [Function("test_card", folder, **place(cos)) for folder in folders]
        event = {"token": "t1", "kind": "video.generate", "input": {"prompt": "reef", "duration": 4, "size": "320x180"}}
        told = []
        waiting = threading.Thread(target=lambda: told.append(sent(slow, event, run="slow", role=ROLE)))
        waiting.start()
        cos.wait_until(lambda cos: cos.requests["get"] > 0)
        first = sent(fast, {**event, "kind": "image.generate", "input": CARD}, run="fast", role=ROLE)
        waiting.join()
        for function in (slow, fast):
            function.end()
        assert told == [first]
        assert result(cos) == first

    def test_after_one_that_could_not_write_does_the_work(self, invoke, cos):
        cos.will(answer(403), at="put")
        assert not invoke("image.generate", CARD)["ok"]
        assert invoke("image.generate", CARD)["ok"]


class TestAnInput:
    @pytest.fixture
    def picture(self, cos, tmp_path):
        samples.picture(tmp_path / "a.png")
        holds(cos, "outputs/task_1/0", (tmp_path / "a.png").read_bytes())
        return link(cos, "outputs/task_1/0")

    def stitch(self, invoke, *pictures, **more):
        return invoke("image.stitch", {"images": list(pictures)}, name="image_stitch", **more)

    def test_comes_by_its_link_once_however_often_it_stands_there(self, invoke, cos, picture):
        before = cos.requests["get"]
        assert self.stitch(invoke, picture, picture, picture)["ok"]
        assert cos.requests["get"] - before == 3  # the result, before and after, and the picture

    def test_is_fetched_again_where_the_wire_broke(self, invoke, cos, picture):
        cos.will(answer(404), cut_midway(), answer(503), at="get")
        assert self.stitch(invoke, picture)["ok"]

    def test_that_is_gone_is_named(self, invoke, cos):
        error = self.stitch(invoke, link(cos, "outputs/task_9/0"))["error"]
        assert (error["code"], error["field"]) == ("invalid_input", "images[0]")

    @pytest.mark.parametrize("url", ["http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "http://127.0.0.1:1/a"])
    def test_that_leads_out_of_the_bucket_is_never_asked_for(self, invoke, cos, url):
        assert self.stitch(invoke, {"url": url})["error"]["field"] == "images[0]"

    def test_too_large_for_an_instance_is_refused(self, invoke, cos, tmp_path):
        with (tmp_path / "large").open("wb") as file:
            file.truncate(MAX_INPUT_BYTES + 1)
        cos.bucket.put("files/large", Object(tmp_path / "large", MAX_INPUT_BYTES + 1, '"x"', 0))
        assert "larger than 300 MB" in self.stitch(invoke, link(cos, "files/large"))["error"]["message"]


class TestAnOrderThatWasTooLongToBeSent:
    def test_is_read_from_the_bucket(self, invoke, cos):
        holds(cos, "functions/orders/t1.json", json.dumps({"token": "t1", "kind": "image.generate", "input": CARD}).encode())
        assert invoke("image.generate", ordered=True)["ok"]

    def test_that_is_not_there_gives_no_verdict(self, invoke, cos):
        assert invoke("image.generate", ordered=True)["error"]["code"] == "storage"
        assert cos.objects == {}


class TestTheBucketIsAway:
    @pytest.mark.parametrize("order", [answer(503), answer(500), cut_before_answer(accepts=False), cut_before_answer()])
    @pytest.mark.parametrize("door", ["put", "get"])
    def test_for_a_moment_and_the_run_goes_on(self, invoke, cos, door, order):
        cos.will(order, at=door)
        assert invoke("image.generate", CARD)["ok"]

    def test_or_does_not_know_the_role(self, invoke, cos):
        assert invoke("image.generate", CARD, role=Role("AKIDother"))["error"]["code"] == "storage"

    def test_a_function_without_a_role_says_so(self, invoke, cos):
        envelope = invoke("image.generate", CARD, role=None)
        assert "without a role" in envelope["error"]["message"]

    def test_an_event_without_a_token_is_refused(self, invoke, cos):
        for token in ("", "../../files/x", "a" * 65):
            assert invoke("image.generate", CARD, token=token)["error"]["code"] == "bad_event"
        assert cos.objects == {}


class TestTheRolesKeys:
    def test_are_in_no_log(self, invoke, cos, started):
        cos.will(answer(403), at="put")
        invoke("image.generate", CARD)
        invoke("image.generate", CARD)
        log = started("test_card").log.read_text()
        assert "403 AccessDenied" in log
        assert not [secret for secret in (ROLE.secret_id, ROLE.secret_key, ROLE.token) if secret in log]

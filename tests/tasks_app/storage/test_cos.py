"""What is COS's own: parts, checksums, faults of the wire and of the bucket, links, and secrets that stay secret."""

import asyncio
import http.client
import logging
import os
import re
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.message import Message
from urllib.parse import urlsplit

import pytest

from config.logging import configured
from tasks_app.storage import Unreadable, Unwritable
from tasks_app.storage.cos import Cos
from tasks_app.storage.cos_wire import Wire
from tasks_app.storage.sts import SPARE_S
from tests.servers import free_port
from tests.upstreams import Cos as Simulator
from tests.upstreams import answer, cut_before_answer, cut_midway, garbage, hang, slow, wrong_checksum

from .conftest import CONTENT, MB, ROOT, bucket_of, cos_at, files_below, put, read, stream

SMALL = CONTENT[:1000]


def small(cos, key="a"):
    return put(cos, key, stream(SMALL))


def followed(link: str, method: str = "GET", **headers: str) -> tuple[int, Message, bytes]:
    parts = urlsplit(link)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    connection.request(method, f"{parts.path}?{parts.query}", headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def collect(pieces, into: bytearray) -> None:
    for piece in pieces:
        into += piece


class TestALinkToPutBy:
    """What the client sends is judged by the bucket alone, so only what is signed is safe, and what the key may do."""

    def put(self, link, content, *, method="PUT", **headers):
        parts = urlsplit(link)
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        connection.request(method, f"{parts.path}?{parts.query}", content, headers)
        answered = connection.getresponse()
        return answered.status, answered.read().partition(b"<Code>")[2].partition(b"<")[0].decode()

    def test_takes_exactly_so_many_bytes_again_and_again(self, giving, simulator):
        link = giving.sign_put("uploads/1", bytes=5, seconds=60)
        answers = [self.put(link, content)[0] for content in (b"12345", b"1234", b"123456", b"", b"54321")]
        assert answers == [200, 403, 403, 403, 200]
        assert simulator.objects["uploads/1"].read() == b"54321"

    def test_is_for_its_key_and_for_putting_alone(self, giving, simulator):
        put(giving, "files/1", stream(b"kept"))
        link = giving.sign_put("uploads/1", bytes=5, seconds=60)
        assert self.put(link.replace("uploads/1", "files/1"), b"12345") == (403, "SignatureDoesNotMatch")
        assert self.put(link.replace("/1?", "/2?"), b"12345") == (403, "SignatureDoesNotMatch")
        assert [self.put(link, b"12345", method=method)[0] for method in ("POST", "DELETE", "GET")] == [405, 403, 403]
        assert (list(simulator.objects), simulator.objects["files/1"].read()) == (["files/1"], b"kept")

    def test_may_bear_any_type(self, giving):
        link = giving.sign_put("uploads/1", bytes=5, seconds=60)
        assert self.put(link, b"12345", **{"Content-Type": "video/mp4"})[0] == 200

    @pytest.mark.parametrize(("late_s", "answered"), [(61, "AccessDenied"), (60 + SPARE_S + 1, "ExpiredToken")])
    def test_does_not_last_and_neither_does_its_key(self, giving, time_machine, late_s, answered):
        link = giving.sign_put("uploads/1", bytes=5, seconds=60)
        time_machine.move_to(datetime.now(UTC) + timedelta(seconds=late_s))
        assert self.put(link, b"12345") == (403, answered)

    @pytest.mark.parametrize("source", ["outputs/1", "uploads/1"])
    def test_copies_nothing_though_a_header_asks_for_it(self, giving, simulator, source):
        for key in ("outputs/1", "uploads/1"):
            small(giving, key)
        link = giving.sign_put("uploads/1", bytes=5, seconds=60)
        place = f"{simulator.name}.cos.{simulator.region}.myqcloud.com/{source}"
        assert self.put(link, b"12345", **{"x-cos-copy-source": place}) == (403, "AccessDenied")
        assert simulator.objects["uploads/1"].read() == SMALL

    def test_is_signed_by_a_key_that_can_do_nothing_else_whoever_has_it(self, giving, sts, simulator, folder):
        small(giving, "outputs/1")
        giving.sign_put("uploads/1", bytes=5, seconds=3600)
        (key,) = sts.given
        thief = cos_at(bucket_of(simulator, secret_id=key.id, secret_key=key.secret, token=key.token), folder)
        small(thief, "uploads/1")
        for key in ("uploads/10", "uploads/2", "outputs/1"):
            with pytest.raises(Unwritable, match="AccessDenied"):
                small(thief, key)
        for key in ("uploads/1", "outputs/1"):
            with pytest.raises(Unreadable, match="AccessDenied"):
                read(thief, key)
        with pytest.raises(Unwritable, match="AccessDenied"):
            thief.delete("uploads/1")

    def test_is_nothing_without_its_token(self, giving):
        link = giving.sign_put("uploads/1", bytes=5, seconds=60)
        bare = re.sub(r"&x-cos-security-token=[^&]+", "", link)
        assert (bare != link, self.put(bare, b"12345")) == (True, (403, "InvalidAccessKeyId"))

    def test_is_none_where_our_own_key_is_a_temporary_one(self, sts, folder):
        with Simulator(token="temporary") as simulator:
            assert cos_at(bucket_of(simulator, sts_endpoint=sts.url), folder).sign_put("uploads/1", bytes=5, seconds=60) is None
        assert sts.requests == {}

    def test_shows_no_secret(self, giving, sts):
        shown = giving.sign_put("uploads/1", bytes=5, seconds=60) + repr(giving) + repr(vars(giving))
        assert not [secret for secret in (Simulator.SECRET_KEY, sts.given[0].secret) if secret in shown]


class TestACopy:
    def test_is_made_within_the_bucket(self, cos, simulator):
        small(cos, "uploads/1")
        cos.copy("uploads/1", "files/1")
        assert simulator.requests == {"put": 1, "copy": 1}

    @pytest.mark.parametrize("fault", [answer(503), answer(200, code="InternalError"), cut_before_answer(), garbage()], ids=str)
    def test_is_tried_again_where_a_fault_passes(self, cos, simulator, fault):
        small(cos, "uploads/1")
        simulator.will(fault, at="copy")
        cos.copy("uploads/1", "files/1")
        assert read(cos, "files/1") == SMALL

    def test_that_is_refused_says_so(self, cos, simulator):
        small(cos, "uploads/1")
        simulator.will(answer(403), at="copy")
        with pytest.raises(Unwritable, match="403 AccessDenied"):
            cos.copy("uploads/1", "files/1")


class TestAPut:
    def test_of_little_is_one_request_with_its_type_and_hash(self, cos, simulator):
        stored = small(cos)
        headers = simulator.objects["a"].headers
        assert headers == {"content-type": "video/mp4", "x-cos-meta-sha256": stored.sha256}
        assert simulator.requests == {"put": 1}

    def test_of_much_comes_in_parts_with_the_same_headers(self, cos, simulator):
        stored = put(cos, "a")
        headers = simulator.objects["a"].headers
        assert headers == {"content-type": "video/mp4", "x-cos-meta-sha256": stored.sha256}
        assert simulator.requests == {"begin": 1, "part": 4, "complete": 1}
        assert simulator.uploads == {}

    def test_whose_source_breaks_off_never_touches_the_bucket(self, cos, simulator):
        async def broken():
            yield CONTENT
            raise ConnectionError("cut")

        with pytest.raises(ConnectionError):
            put(cos, "a", broken())
        assert simulator.requests == {}

    def test_sends_only_to_the_bucket_whatever_proxy_the_machine_names(self, cos, simulator, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
        small(cos)
        assert simulator.objects


PASSING = [
    answer(503),
    answer(500),
    answer(429, code="SlowDown"),
    answer(307, code="TemporaryRedirect"),
    cut_before_answer(),
    cut_before_answer(accepts=False),
    garbage(),
    hang(),
]


class TestAFaultThatPasses:
    @pytest.mark.parametrize("order", PASSING, ids=str)
    @pytest.mark.parametrize("door", ["put", "get", "head", "delete", "list", "delete_many", "begin", "part", "complete"])
    def test_is_tried_again(self, bucket, folder, simulator, door, order):
        hangs = order == hang()
        cos = cos_at(bucket, folder, timeouts=(10, 0.7 if hangs else 10))
        put(cos, "a/1")
        put(cos, "a/2", stream(SMALL))
        simulator.will(order, at=door, times=1 if hangs else 2)
        put(cos, "a/3")
        small(cos, "a/4")
        assert [read(cos, f"a/{number}") for number in (1, 2, 3, 4)] == [CONTENT, SMALL, CONTENT, SMALL]
        assert [cos.size(f"a/{number}") for number in (1, 2, 3, 4)] == [len(CONTENT), 1000, len(CONTENT), 1000]
        cos.delete("a/1")
        cos.delete_below("a")
        assert simulator.objects == {}
        assert len(simulator._orders[door]) < 2  # obeyed; a joining whose answer is lost need not be asked for twice

    def test_is_tried_three_times_and_no_more(self, cos, simulator):
        simulator.will(answer(503), at="put", times=9)
        with pytest.raises(Unwritable, match="503 SlowDown"):
            small(cos)
        assert simulator.requests["put"] == 3

    def test_of_the_network_is_one_too(self, folder):
        with Simulator() as simulator:
            cos = cos_at(bucket_of(simulator), folder)
            small(cos)
        with pytest.raises(Unwritable, match="connection to COS broke"):
            small(cos)
        with pytest.raises(Unreadable, match="connection to COS broke"):
            cos.open("a")

    def test_of_a_server_that_never_answers_takes_no_longer_than_its_time(self, bucket, folder, simulator):
        small(cos_at(bucket, folder))
        simulator.will(hang(), at="head")
        with pytest.raises(Unreadable, match="did not answer in time"):
            cos_at(bucket, folder, timeouts=(10, 0.1), waits=()).size("a")

    def test_that_is_a_slow_network_is_none_while_bytes_go_out(self, bucket, folder, simulator):
        """16 MB at 10 MB a second take longer than the second for connecting, which is what urllib3 gives each block."""
        cos = Cos(Wire(bucket, timeouts=(1, 10), waits=()), lambda: folder)
        simulator.will(slow(10 * MB), at="put")
        put(cos, "a", stream(bytes(16 * MB), size=MB))
        assert simulator.objects["a"].bytes == 16 * MB


class TestAFaultThatStays:
    @pytest.mark.parametrize(
        ("order", "code"),
        [
            (answer(403), "AccessDenied"),
            (answer(403, code="InvalidAccessKeyId"), "InvalidAccessKeyId"),
            (answer(404, code="NoSuchBucket"), "NoSuchBucket"),
        ],
    )
    def test_is_not_tried_again_and_is_no_missing_key(self, cos, simulator, order, code):
        simulator.will(order, at="put")
        simulator.will(order, at="get")
        with pytest.raises(Unwritable, match=code):
            small(cos)
        with pytest.raises(Unreadable, match=code):
            cos.open("a")
        assert simulator.requests == {"put": 1, "get": 1}

    def test_of_a_wrong_key_is_told(self, simulator, folder):
        for wrong, code in (({"secret_key": "wrong"}, "SignatureDoesNotMatch"), ({"name": "other-1250000000"}, "NoSuchBucket")):
            with pytest.raises(Unwritable, match=code):
                small(cos_at(bucket_of(simulator, **wrong), folder))

    def test_leaves_no_parts_behind(self, cos, simulator):
        simulator.will(answer(403), at="complete")
        with pytest.raises(Unwritable, match="AccessDenied"):
            put(cos, "a")
        assert (simulator.objects, simulator.uploads) == ({}, {})

    def test_leaves_the_parts_to_the_lifecycle_rule_where_even_the_abort_fails(self, cos, simulator):
        simulator.will(answer(403), at="part")
        simulator.will(answer(503), at="abort")
        with pytest.raises(Unwritable, match="AccessDenied"):
            put(cos, "a")
        assert (simulator.objects, len(simulator.uploads), simulator.requests["abort"]) == ({}, 1, 1)


class TestPartsThatAreJoined:
    def test_once_are_enough_when_the_answer_was_lost(self, cos, simulator):
        simulator.will(cut_before_answer(), at="complete")
        put(cos, "a")
        assert read(cos, "a") == CONTENT
        assert simulator.requests["complete"] == 1

    def test_may_fail_with_status_200(self, cos, simulator):
        simulator.will(answer(200, code="InternalError"), at="complete")
        put(cos, "a")
        assert (read(cos, "a"), simulator.requests["complete"]) == (CONTENT, 2)

    def test_are_canceled_with_the_put(self, bucket, folder, simulator):
        async def run():
            task = asyncio.create_task(cos_at(bucket, folder).put("a", stream(), content_type="", limit=10**9))
            await asyncio.to_thread(simulator.wait_until, lambda simulator: simulator.requests["part"] == 1)
            task.cancel()
            await asyncio.wait([task])
            return task.cancelled()

        assert asyncio.run(run())
        assert (simulator.objects, simulator.uploads) == ({}, {})


class TestAWrongChecksum:
    @pytest.mark.parametrize(("door", "content"), [("put", SMALL), ("part", CONTENT), ("complete", CONTENT)])
    def test_of_an_upload_never_passes(self, cos, simulator, door, content):
        simulator.will(wrong_checksum(), at=door, times=3)
        with pytest.raises(Unwritable, match="not"):
            put(cos, "a", stream(content))
        assert (simulator.objects, simulator.uploads) == ({}, {})

    @pytest.mark.parametrize("door", ["put", "part"])
    def test_once_is_mended_by_sending_again(self, cos, simulator, door):
        simulator.will(wrong_checksum(), at=door)
        put(cos, "a", stream(SMALL if door == "put" else CONTENT))
        assert cos.size("a")

    def test_of_a_whole_holds_its_last_piece_back(self, cos, simulator):
        put(cos, "a")
        simulator.will(wrong_checksum(), at="get")
        got = bytearray()
        with pytest.raises(Unreadable, match="checksum"):
            collect(cos.open("a"), got)
        assert 0 < len(got) < len(CONTENT)

    def test_is_not_looked_for_in_a_part(self, cos, simulator):
        put(cos, "a")
        simulator.will(wrong_checksum(), at="get")
        assert read(cos, "a", 10, 20) == CONTENT[10:20]


class TestAReadThatIsCut:
    @pytest.mark.parametrize("part", [(), (100, None), (100, 2 * MB)])
    def test_goes_on_where_it_was(self, cos, simulator, part):
        put(cos, "a")
        simulator.will(cut_midway(), cut_midway(), at="get")
        start, end = part or (0, None)
        assert read(cos, "a", *part) == CONTENT[start:end]
        assert simulator.requests["get"] == 3

    def test_again_and_again_fails(self, cos, simulator):
        put(cos, "a")
        simulator.will(cut_midway(), at="get", times=9)
        with pytest.raises(Unreadable, match="again and again"):
            read(cos, "a")
        assert simulator.requests["get"] == 4

    def test_goes_on_with_no_other_object(self, cos, simulator):
        put(cos, "a")
        simulator.will(cut_midway(), at="get")
        pieces = cos.open("a")
        next(pieces)
        put(cos, "a", stream(os.urandom(len(CONTENT))))
        with pytest.raises(Unreadable, match="PreconditionFailed"):
            list(pieces)

    def test_by_its_reader_gives_the_connection_up(self, cos, simulator):
        put(cos, "a")
        for _ in range(40):  # more than the pool keeps
            pieces = cos.open("a")
            next(pieces)
            pieces.close()
        assert read(cos, "a", 0, 5) == CONTENT[:5]


class TestConnections:
    def test_are_kept_for_the_next_call(self, cos, simulator):
        small(cos)
        for _ in range(5):
            assert read(cos, "a") == SMALL
            assert cos.size("a") == 1000
        assert simulator.connections <= 2

    def test_serve_many_threads(self, cos):
        def one(number):
            put(cos, f"a/{number}", stream(CONTENT[number:]))
            return read(cos, f"a/{number}") == CONTENT[number:]

        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(one, range(24)))


class TestALink:
    def test_needs_no_key_of_ours(self, cos):
        put(cos, "a")
        status, headers, body = followed(cos.sign("a", seconds=60))
        assert (status, body, headers["Content-Type"]) == (200, CONTENT, "video/mp4")

    def test_gives_ranges(self, cos):
        put(cos, "a")
        status, headers, body = followed(cos.sign("a", seconds=60), Range="bytes=5-9")
        assert (status, body, headers["Content-Range"]) == (206, CONTENT[5:10], f"bytes 5-9/{len(CONTENT)}")

    @pytest.mark.parametrize("name", ["a b.png", "50%+1.png", "狐狸.png", 'say "x".png'])
    def test_says_type_and_name_as_it_is_told(self, cos, name):
        from django.utils.http import content_disposition_header

        small(cos)
        disposition = content_disposition_header(False, name)
        status, headers, _ = followed(cos.sign("a", seconds=60, content_type="text/plain; charset=utf-8", disposition=disposition))
        assert (status, headers["Content-Type"], headers["Content-Disposition"]) == (200, "text/plain; charset=utf-8", disposition)

    def test_is_for_its_key_and_method_alone(self, cos):
        small(cos)
        assert followed(cos.sign("a", seconds=60, method="HEAD"), "HEAD")[0] == 200
        assert followed(cos.sign("a", seconds=60), "HEAD")[0] == 403
        assert followed(cos.sign("a", seconds=60).replace("/a?", "/b?"))[0] == 403

    def test_holds_for_its_time(self, cos, time_machine):
        small(cos)
        link = cos.sign("a", seconds=60)
        assert followed(link)[0] == 200
        time_machine.move_to(datetime.now(UTC) + timedelta(seconds=61))
        assert followed(link)[0] == 403

    def test_of_a_temporary_key_brings_its_token(self, folder):
        with Simulator(token="temporary+/=") as simulator:
            cos = cos_at(bucket_of(simulator), folder)
            small(cos)
            assert read(cos, "a") == SMALL
            assert followed(cos.sign("a", seconds=60))[2] == SMALL

    def test_leads_to_the_operators_own_domain(self, simulator, bucket, folder):
        small(cos_at(bucket, folder))
        link = cos_at(bucket_of(simulator, domain="cdn.example.org"), folder).sign("a", seconds=60)
        assert link.startswith("https://cdn.example.org/a?q-sign-algorithm=sha1")
        parts = urlsplit(link)
        assert followed(parts._replace(netloc=f"127.0.0.1:{simulator.port}").geturl(), Host="cdn.example.org")[2] == SMALL

    def test_leads_to_the_bucket_itself_by_https_where_nothing_else_is_said(self, simulator, folder):
        link = cos_at(bucket_of(simulator, endpoint=""), folder).sign("outputs/task_1/0", seconds=60)
        assert link.startswith("https://darkroom-1250000000.cos.ap-guangzhou.myqcloud.com/outputs/task_1/0?q-sign-algorithm=sha1")


class TestSecrets:
    @pytest.fixture
    def lines(self):
        """All that is logged, at the most talkative, by our own settings."""
        written = []

        class Keep(logging.Handler):
            def emit(self, record):
                written.append(self.format(record) + repr(vars(record)))

        levels = configured("json", "DEBUG")["loggers"]
        loggers = {name: logging.getLogger(name) for name in ["", *levels]}
        before = {name: logger.level for name, logger in loggers.items()}
        for name, logger in loggers.items():
            logger.setLevel(levels.get(name, {}).get("level", "DEBUG"))
        handler = Keep()
        logging.getLogger().addHandler(handler)
        yield written
        logging.getLogger().removeHandler(handler)
        for name, logger in loggers.items():
            logger.setLevel(before[name])

    def test_reach_no_log_no_error_and_no_repr(self, lines, folder):
        with Simulator(token="tempor4ry") as simulator:
            bucket = bucket_of(simulator)
            cos = cos_at(bucket, folder)
            put(cos, "a")
            read(cos, "a")
            told = [repr(bucket), repr(cos), repr(cos.wire), repr(vars(cos))]
            simulator.will(answer(403), cut_before_answer(), cut_before_answer(), cut_before_answer(), at="put")
            for _ in range(2):
                with pytest.raises(Unwritable) as caught:
                    small(cos)
                told += traceback.format_exception(caught.value)
                assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        for secret in (Simulator.SECRET_KEY, Simulator.SECRET_ID, "tempor4ry", "q-signature"):
            assert not [text for text in [*told, *lines] if secret in text]
        assert any("403 AccessDenied" in line and "req-" in line for line in lines)


class TestTheSdk:
    SCRIPT = "import sys, tasks_app.storage; print('qcloud_cos' in sys.modules)"

    @pytest.mark.parametrize(("chosen", "is_loaded"), [("disk", "False"), ("cos", "True")])
    def test_is_loaded_only_where_it_is_chosen(self, simulator, chosen, is_loaded):
        environment = os.environ | simulator.variables | {"STORAGE": chosen}
        assert subprocess.check_output([sys.executable, "-c", self.SCRIPT], cwd=ROOT, env=environment, text=True).strip() == is_loaded


class TestAProcessKilledWhileItUploads:
    SCRIPT = """
import asyncio, sys
from tests.tasks_app.storage.memory import store_of
async def chunks():
    for _ in range(48):
        yield bytes(1 << 20)
asyncio.run(store_of("cos", *sys.argv[1:]).put("a", chunks(), content_type="", limit=10**12))
"""

    def test_leaves_parts_and_a_draft_that_no_key_leads_to(self, simulator, cos, folder):
        simulator.will(slow(20 * MB), at="part", times=9)
        child = subprocess.Popen([sys.executable, "-c", self.SCRIPT, str(folder), simulator.url], cwd=ROOT)
        simulator.wait_until(lambda simulator: simulator.requests["part"] == 2, timeout=30)
        child.kill()
        child.wait()
        assert cos.size("a") is None
        assert (len(simulator.uploads), len(files_below(folder))) == (1, 1)
        assert [str(draft.path.relative_to(folder)) for draft in cos.old_drafts(before=2**40)] == files_below(folder)

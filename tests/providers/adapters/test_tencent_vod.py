"""VOD's adapter: its words, by the tables of its pages; and its promises, against the simulator."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from providers import dialect, offers, tc3
from providers.adapters import tencent_vod
from providers.adapters.tencent_vod import FACTS, Adapter
from providers.errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Repeated,
    Retired,
    Unauthenticated,
    Unavailable,
)
from providers.outcomes import Accepted, Failed, Finished, Found, Running
from tests.upstreams import answer, fail
from tests.upstreams.tencent_vod import SUB_APP_ID, TencentVod

from .asking import FRAME, LAST, PICTURE, fullest, job
from .asking import asked as asked_of
from .conformance import Conformance

asked = partial(asked_of, "tencent_vod")
MARKS = {"SessionId": "task_1-1", "SessionContext": "task_1-1"}
STORED = {"StorageMode": "Temporary"}


class TestVideos(Conformance):
    SIMULATOR, VENDOR, MODEL = TencentVod, "tencent_vod", "vod/kling-3.0"


class TestPictures(Conformance):
    SIMULATOR, VENDOR, MODEL = TencentVod, "tencent_vod", "vod/kling-image-3.0"


@pytest.fixture
def upstream():
    with TencentVod() as simulator:
        yield simulator


@pytest.fixture
def slow():
    with TencentVod(manual=True) as simulator:
        yield simulator


class TestTheSignature:
    def test_is_that_of_the_pages(self):
        signed = tc3.authorization(
            b'{"JobId":"1387262242604040192"}',
            service="vclm",
            host="vclm.tencentcloudapi.com",
            secret_id="AKIDEXAMPLE0000000000000000000000000",
            secret_key="EXAMPLESECRETKEY0000000000000000",
            now=1767225600,
        )
        assert signed == (
            "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE0000000000000000000000000/2026-01-01/vclm/tc3_request, SignedHeaders=content-type;host, "
            "Signature=0ce5642c817e62fa63163ada885e4fd1815ab69d7986319f7ef2e25cee21b8ae"
        )

    @pytest.mark.parametrize(
        ("keys", "code"),
        [
            ({"secret_id": "AKIDother"}, "AuthFailure.SecretIdNotFound"),
            ({"secret_key": "another"}, "AuthFailure.SignatureFailure"),
            ({"sub_app_id": "7"}, "InvalidParameterValue.SubAppId"),
        ],
    )
    def test_that_is_wrong_opens_nothing(self, upstream, keys, code):
        with pytest.raises(Unauthenticated, match=f"code is {code}"):
            asked(upstream, lambda adapter: adapter.check(), **upstream.credentials | keys)

    @pytest.mark.parametrize(
        ("ahead_s", "body", "code"),
        [(0, b"{}", "MissingParameter"), (0, b"[]", "AuthFailure.SignatureFailure"), (600, b"{}", "AuthFailure.SignatureExpire")],
        ids=["well", "another body", "a fast clock"],
    )
    def test_holds_for_one_body_and_five_minutes(self, upstream, ahead_s, body, code):
        reply = asked(upstream, partial(posted, body, signed=b"{}", ahead_s=ahead_s))
        assert reply.json()["Response"]["Error"]["Code"] == code

    @pytest.mark.parametrize("keys", [{"secret_id": ""}, {"secret_key": ""}, {"sub_app_id": ""}, {"sub_app_id": "app"}], ids=str)
    def test_is_not_made_of_half_the_keys(self, upstream, keys):
        with pytest.raises(Unauthenticated, match="needs a"):
            asked(upstream, lambda adapter: adapter.check(), **upstream.credentials | keys)
        assert upstream.connections == 0


class TestAnOrder:
    @pytest.mark.parametrize(
        ("ordered", "action", "body"),
        [
            (
                job("Kling/3.0"),
                "CreateAigcVideoTask",
                {"ModelName": "Kling", "ModelVersion": "3.0", "Prompt": "a kite", "OutputConfig": STORED, **MARKS},
            ),
            (
                job(
                    "GV/3.1",
                    {"duration": 8, "resolution": "1080p", "aspect_ratio": "9:16", "generate_audio": True}
                    | {"negative_prompt": "rain", "seed": 7.0},
                ),
                "CreateAigcVideoTask",
                {
                    "ModelName": "GV",
                    "ModelVersion": "3.1",
                    "Prompt": "a kite",
                    "NegativePrompt": "rain",
                    "Seed": 7,
                    "OutputConfig": STORED | {"Duration": 8, "Resolution": "1080P", "AspectRatio": "9:16", "AudioGeneration": "Enabled"},
                    **MARKS,
                },
            ),
            (
                job("Hailuo/H3", {"frame_images": [LAST, FRAME], "generate_audio": False}),
                "CreateAigcVideoTask",
                {
                    "ModelName": "Hailuo",
                    "ModelVersion": "H3",
                    "Prompt": "a kite",
                    "FileInfos": [
                        {"Type": "Url", "Category": "Image", "Url": "https://a.example/2.png", "Usage": "LastFrame"},
                        {"Type": "Url", "Category": "Image", "Url": "https://a.example/1.png", "Usage": "FirstFrame"},
                    ],
                    "OutputConfig": STORED | {"AudioGeneration": "Disabled"},
                    **MARKS,
                },
            ),
            (
                job("Kling/3.0", {"n": 3, "resolution": "2k", "images": [PICTURE]}, kind="image.generate"),
                "CreateAigcImageTask",
                {
                    "ModelName": "Kling",
                    "ModelVersion": "3.0",
                    "Prompt": "a kite",
                    "FileInfos": [{"Type": "Url", "Url": "https://a.example/1.png"}],
                    "OutputConfig": STORED | {"OutputImageCount": 3, "Resolution": "2k"},
                    **MARKS,
                },
            ),
            (
                job("OG/image2_low", {"resolution": "2k", "images": [PICTURE], "mask": LAST["image"]}, kind="image.generate"),
                "CreateAigcImageTask",
                {
                    "ModelName": "OG",
                    "ModelVersion": "image2_low",
                    "Prompt": "a kite",
                    "FileInfos": [
                        {"Type": "Url", "Url": "https://a.example/1.png"},
                        {"Type": "Url", "Url": "https://a.example/2.png", "ReferenceType": "mask"},
                    ],
                    "OutputConfig": STORED | {"Resolution": "2K"},
                    **MARKS,
                },
            ),
            (
                job("GG/3.1", {"n": 1, "output_format": "jpeg"}, kind="image.generate"),
                "CreateAigcImageTask",
                {
                    "ModelName": "GG",
                    "ModelVersion": "3.1",
                    "Prompt": "a kite",
                    "OutputConfig": STORED | {"OutputFormat": "jpeg"},
                    **MARKS,
                },
            ),
        ],
        ids=["plain", "all", "frames", "pictures", "a mask", "one picture"],
    )
    def test_is_written_in_its_words_and_taken(self, upstream, ordered, action, body):
        assert (tencent_vod.CREATE[ordered.kind], tencent_vod._written(ordered)) == (action, body)
        assert isinstance(asked(upstream, lambda adapter: adapter.submit(ordered)), Accepted)
        assert upstream.received == {"task_1-1": 1}

    @pytest.mark.parametrize(
        ("ordered", "field"),
        [
            (job("Kling/3.0", {"mode": "pro"}), "mode"),
            (job("Kling/3.0", {"n": 2}), "n"),
            (job("Kling/3.0", {"input_references": []}), "input_references"),
            (job("Kling/3.0", {"frame_images": [FRAME], "aspect_ratio": "1:1"}), "aspect_ratio"),
            (job("Kling/3.0", {"frame_images": [LAST]}), "frame_images"),
            (job("Kling/3.0", {"frame_images": [FRAME, FRAME]}), "frame_images"),
            (job("Kling/3.0", {"frame_images": [FRAME | {"frame_type": "middle"}]}), "frame_images"),
            (job("GG/3.1", {"n": 2}, kind="image.generate"), "n"),
            (job("GG/3.1", {"mask": PICTURE}, kind="image.generate"), "mask"),
            (job("OG/image2_low", {"size": "1024x1024"}, kind="image.generate"), "size"),
            (job("OG/image2_low", {"duration": 5}, kind="image.generate"), "duration"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_of_what_it_cannot_do_is_refused_by_name_and_not_sent(self, upstream, ordered, field):
        with pytest.raises(Invalid) as refused:
            asked(upstream, lambda adapter: adapter.submit(ordered))
        assert (refused.value.field, upstream.connections) == (field, 0)

    def test_for_a_model_without_a_version_is_not_sent(self, upstream):
        with pytest.raises(Retired, match="ModelName/ModelVersion"):
            asked(upstream, lambda adapter: adapter.submit(job("Kling")))
        assert upstream.connections == 0

    @pytest.mark.parametrize("model", offers.of("tencent_vod").models, ids=lambda model: model.name)
    def test_of_each_model_that_we_offer_is_taken_with_all_that_its_schema_has(self, upstream, model):
        plain, full = fullest(model, media=False), fullest(model)
        if "frame_images" in full.input:
            full = replace(full, input=dialect.without(full.input, "aspect_ratio"))
        for ordered in (plain, replace(full, token="task_2-1")):
            assert isinstance(asked(upstream, lambda adapter, ordered=ordered: adapter.submit(ordered)), Accepted)


class TestItsCodes:
    """Each as its pages class it; `submit` where that differs."""

    @pytest.mark.parametrize(
        ("code", "asking", "submit"),
        [
            ("AuthFailure", Unauthenticated, None),
            ("AuthFailure.SignatureExpire", Unauthenticated, None),
            ("UnauthorizedOperation", Unauthenticated, None),
            ("IpNotInWhitelist", Unauthenticated, None),
            ("InvalidParameterValue.SubAppId", Unauthenticated, None),
            ("InvalidParameter", Invalid, None),
            ("InvalidParameterValue", Invalid, None),
            ("InvalidParameterValue.SessionContextTooLong", Invalid, None),
            ("MissingParameter", Invalid, None),
            ("UnknownParameter", Invalid, None),
            ("UnsupportedOperation", Invalid, None),
            ("RequestSizeLimitExceeded", Invalid, None),
            ("InvalidParameter.VoilationContent", Moderated, None),
            ("ActionOffline", Retired, None),
            ("InvalidAction", Retired, None),
            ("NoSuchVersion", Retired, None),
            ("RequestLimitExceeded", RateLimited, None),
            ("RequestLimitExceeded.UinLimitExceeded", RateLimited, None),
            ("ResourceInUse", RateLimited, None),
            ("LimitExceeded", QuotaExceeded, None),
            ("ResourceInsufficient", QuotaExceeded, None),
            ("ResourceNotFound.ServiceNotExist", QuotaExceeded, None),
            ("ResourceNotFound.UserNotExist", QuotaExceeded, None),
            ("FailedOperation.InvalidAccount", QuotaExceeded, None),
            ("ServiceUnavailable", Unavailable, None),
            ("ResourceUnavailable", Unavailable, None),
            ("FailedOperation", Unavailable, OutcomeUnknown),
            ("InternalError", Unavailable, OutcomeUnknown),
            ("InvalidParameterValue.TaskId", NotFound, None),
            ("ResourceNotFound", NotFound, Retired),
            ("InvalidParameterValue.SessionId", Invalid, Repeated),
            ("Unheard.Of", Unavailable, OutcomeUnknown),
        ],
    )
    def test_mean(self, upstream, code, asking, submit):
        upstream.will(answer(200, code=code))
        upstream.will(answer(200, code=code), at="check")
        with pytest.raises(asking) as asked_about:
            asked(upstream, lambda adapter: adapter.check())
        with pytest.raises(submit or asking) as submitted:
            asked(upstream, lambda adapter: adapter.submit(job("Kling/3.0")))
        assert (type(asked_about.value), type(submitted.value)) == (asking, submit or asking)

    @pytest.mark.parametrize("status", [400, 403, 429, 500, 502])
    def test_behind_another_status_are_a_gateways_and_say_nothing(self, upstream, status):
        upstream.will(answer(status, code="InvalidParameter"))
        with pytest.raises(OutcomeUnknown):
            asked(upstream, lambda adapter: adapter.submit(job("Kling/3.0")))

    def test_that_are_the_clients_fault_are_told_in_its_text_and_others_are_not(self, upstream):
        upstream.will(answer(200, code="InvalidParameterValue"), answer(200, code="LimitExceeded"))
        with pytest.raises(Invalid, match="as ordered"):
            asked(upstream, lambda adapter: adapter.submit(job("Kling/3.0")))
        with pytest.raises(QuotaExceeded, match=r"^Our quota at the upstream is used up. Tencent's code is LimitExceeded.$"):
            asked(upstream, lambda adapter: adapter.submit(job("Kling/3.0")))


URL = "https://v.example/1"
TASK = {"TaskId": "7", "Status": "FINISH", "ErrCode": 0, "ErrCodeExt": "", "Progress": 100}
DONE = TASK | {"Output": {"FileInfos": [{"FileType": "mp4", "FileUrl": URL}]}}


def shown(status: str, task: dict | None, kind: str = "AigcVideoTask") -> dict:
    return {"TaskType": kind, "Status": status, kind: task}


class TestATaskAsItIsShown:
    @pytest.mark.parametrize(
        ("said", "outcome"),
        [
            (shown("WAITING", TASK | {"Status": "PROCESSING", "Progress": 0}), Running(0.0)),
            (shown("PROCESSING", TASK | {"Status": "PROCESSING", "Progress": 40}), Running(0.4)),
            (shown("DREAMING", TASK | {"Progress": None}), Running()),
            (shown("PROCESSING", TASK | {"Progress": 101}), Running()),
            (shown("FINISH", DONE), Finished((Found(URL),))),
            (shown("FINISH", DONE, "AigcImageTask"), Finished((Found(URL),))),
        ],
    )
    def test_means(self, said, outcome):
        assert tencent_vod._polled(said, "7") == outcome

    @pytest.mark.parametrize(
        ("said", "error"),
        [
            (shown("ABORTED", None), GenerationFailed),
            (shown("FINISH", DONE | {"ErrCode": 70000}), GenerationFailed),  # it ended, and not well
            (shown("FINISH", TASK | {"ErrCodeExt": "InvalidParameter.VoilationContent"}), Moderated),
            (shown("FINISH", TASK | {"ErrCodeExt": "ContentModerationFailed"}), Moderated),
            (shown("FINISH", TASK | {"ErrCodeExt": "InvalidParameterValue"}), Invalid),
            (shown("FINISH", TASK | {"ErrCodeExt": "InvalidParameter.MediaFormat"}), Invalid),
            (shown("FINISH", TASK | {"ErrCodeExt": "ResourceNotFound"}), Invalid),
            (shown("FINISH", TASK | {"ErrCodeExt": "RequestLimitExceeded"}), GenerationFailed),
            (shown("FINISH", TASK | {"ErrCodeExt": "ResourceInsufficient"}), GenerationFailed),
            (shown("FINISH", TASK | {"ErrCodeExt": "TaskTimeout"}), GenerationFailed),
            (shown("FINISH", TASK), NoOutput),
            (shown("FINISH", TASK | {"Output": {"FileInfos": [7, {"FileUrl": ""}]}}), NoOutput),
        ],
    )
    def test_that_gives_nothing_says_why(self, said, error):
        failed = tencent_vod._polled(said, "7")
        assert isinstance(failed, Failed)
        assert type(failed.error) is error

    @pytest.mark.parametrize("said", [shown("FINISH", DONE | {"TaskId": "8"}), {"Status": "FINISH"}, shown("FINISH", None)])
    def test_that_is_another_is_no_verdict(self, said):
        with pytest.raises(Unavailable):
            tencent_vod._polled(said, "7")

    def test_a_task_beyond_the_models_limit_is_taken_and_ends_by_itself(self):
        with TencentVod(manual=True, parallel=1) as full:
            first, second = (
                asked(full, lambda adapter, token=token: adapter.submit(replace(job("Kling/3.0"), token=token)))
                for token in ("task_1-1", "task_2-1")
            )
            shown = [asked(full, lambda adapter, it=it: adapter.poll(job("", handle=it.handle))) for it in (first, second)]
            assert (shown[0], type(shown[1].error)) == (Running(0.0), GenerationFailed)


class TestALostTask:
    def at(self, token="task_1-1"):
        return replace(job("Kling/3.0", sent_at=datetime.now(UTC)), token=token)

    def ordered(self, upstream, token="task_1-1"):
        return asked(upstream, lambda adapter: adapter.submit(replace(job("Kling/3.0"), token=token)))

    def test_is_found_by_our_token_on_whatever_page_it_is(self):
        with TencentVod(manual=True, page=2) as slow:
            handles = [self.ordered(slow, f"task_{number}-1").handle for number in range(5)]
            found = [asked(slow, lambda adapter, number=number: adapter.find(self.at(token=f"task_{number}-1"))) for number in range(5)]
            assert [accepted.handle for accepted in found] == handles
            assert asked(slow, lambda adapter: adapter.find(self.at(token="task_9-1"))) is None

    def test_is_not_looked_for_in_another_hour(self, slow):
        self.ordered(slow)
        late = job("Kling/3.0", sent_at=datetime.now(UTC) + timedelta(hours=1))
        assert asked(slow, lambda adapter: adapter.find(late)) is None

    def test_that_is_sent_again_is_refused_as_seen(self, slow):
        self.ordered(slow)
        with pytest.raises(Repeated):
            self.ordered(slow)
        assert slow.bought == 1

    def test_is_never_bought_twice_where_the_list_leaves_it_out(self):
        """Whether AIGC tasks are in the list is told nowhere: the refusal holds all the same."""
        with TencentVod(manual=True, lists_aigc=False) as silent:
            self.ordered(silent)
            assert asked(silent, lambda adapter: adapter.find(self.at())) is None
            with pytest.raises(Repeated):
                self.ordered(silent)
            assert silent.bought == 1


class TestStopping:
    def test_a_task_that_waits_stops_and_one_that_runs_goes_on(self, slow):
        waits, runs = (
            asked(slow, lambda adapter, token=token: adapter.submit(replace(job("Kling/3.0"), token=token)))
            for token in ("task_1-1", "task_2-1")
        )
        slow.jobs[runs.handle["id"]].is_begun = True
        stopped = [asked(slow, lambda adapter, it=it: adapter.cancel(job("", handle=it.handle))) for it in (waits, runs)]
        assert stopped == [True, False]
        assert [one.is_canceled for one in slow.jobs.values()] == [True, False]


class TestAnIdFromTheConsole:
    def test_is_a_handle(self, upstream):
        handle = asked(upstream, lambda adapter: adapter.submit(job("Kling/3.0"))).handle
        assert Adapter.handle_of(None, handle["id"]) == handle

    @pytest.mark.parametrize("id", ["", "7", "251007502-Procedure-1", "251007502-AigcVideo-", "../x"])
    def test_that_is_none_is_refused(self, id):
        with pytest.raises(Invalid, match="known by an id"):
            Adapter.handle_of(None, id)


class TestTheSimulatorIsStrict:
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"ModelVersion": "3.0", "Prompt": "a"}, "MissingParameter"),
            ({"ModelName": "Kling", "ModelVersion": "9.0", "Prompt": "a"}, "InvalidParameterValue"),
            ({"ModelName": "Kling", "ModelVersion": "3.0"}, "MissingParameter"),
            ({"ModelName": "Kling", "ModelVersion": "3.0", "Prompt": "a" * 1001}, "InvalidParameterValue"),
            ({"ModelName": "Kling", "ModelVersion": "3.0", "Prompt": "a", "Size": "x"}, "UnknownParameter"),
            ({"ModelName": "Kling", "ModelVersion": "3.0", "Prompt": "a", "SessionId": "x" * 51}, "InvalidParameterValue.SessionIdTooLong"),
            ({"ModelName": "Kling", "ModelVersion": "3.0", "Prompt": "a", "OutputConfig": {"Duration": 2}}, "InvalidParameterValue"),
            ({"ModelName": "OS", "ModelVersion": "2.0", "Prompt": "a", "OutputConfig": {"Resolution": "1080P"}}, "InvalidParameterValue"),
            ({"ModelName": "OS", "ModelVersion": "2.0", "Prompt": "a", "OutputConfig": {"Audio": "on"}}, "UnknownParameter"),
            ({"ModelName": "Kling", "ModelVersion": "3.0", "FileInfos": [{"Type": "Url"}]}, "InvalidParameterValue"),
        ],
    )
    def test_and_answers_in_tencents_codes(self, upstream, body, code):
        reply = asked(upstream, partial(posted, json.dumps({"SubAppId": SUB_APP_ID, **body}).encode()))
        assert (reply.status, reply.json()["Response"]["Error"]["Code"], upstream.bought) == (200, code, 0)

    def test_a_failure_at_the_model_is_told_when_the_task_has_ended(self, upstream):
        upstream.will(fail("moderated"))
        handle = asked(upstream, lambda adapter: adapter.submit(job("Kling/3.0"))).handle
        assert type(asked(upstream, lambda adapter: adapter.poll(job("", handle=handle))).error) is Moderated


async def posted(body: bytes, adapter: Adapter, *, signed: bytes | None = None, ahead_s: int = 0):
    """A body of our own, signed as the adapter signs; with another's signature where `signed` is given."""
    vod, now = adapter._vod, int(time.time()) + ahead_s
    headers = vod._headers("CreateAigcVideoTask", now) | {"Authorization": vod._authorization(signed or body, now)}
    return await vod._http.request("POST", f"{vod._url}/", headers=headers, data=body, timeout=5)


class TestItsFacts:
    def test_promise_only_what_its_pages_do(self):
        assert FACTS.recovery == {"rejects"}
        assert FACTS.cancel == "free_while_queued"
        assert FACTS.batch == 1  # the list tells states only

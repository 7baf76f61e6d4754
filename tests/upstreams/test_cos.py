"""The simulated bucket: as strict as the cloud, judged by Tencent's own SDK and by requests that no SDK would send."""

import http.client
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import md5
from urllib.parse import quote, urlsplit

import pytest
from fastcrc import crc64
from qcloud_cos import CosClientError, CosConfig, CosS3Client, CosServiceError

from . import Cos, answer, cos_signature, cut_before_answer, cut_midway, slow, wrong_checksum

logging.getLogger("qcloud_cos").setLevel(logging.CRITICAL)

MB = 1024 * 1024
CRC = "x-cos-hash-crc64ecma"
KEY_TIME, SIGN_KEY = "1700000000;1700003660", "0db25ecb0965d730c895466246aec4fbe55c7dfa"
HOST = "darkroom-1250000000.cos.ap-guangzhou.myqcloud.com"


@pytest.fixture
def cos() -> Iterator[Cos]:
    with Cos() as running:
        yield running


@pytest.fixture
def sdk(cos):
    """A client of Tencent's, bound to the bucket: sdk("put_object", Key=…)."""
    return bound(cos)


def bound(cos, **more):
    keys = {"SecretId": cos.SECRET_ID, "SecretKey": cos.SECRET_KEY} | more
    client = CosS3Client(CosConfig(Region=cos.region, Scheme="http", IP="127.0.0.1", Port=cos.port, Timeout=5, **keys), retry=0)
    return lambda verb, Bucket=cos.name, **named: getattr(client, verb)(Bucket=Bucket, **named)


def refused(call, *args, **named) -> tuple[int, str]:
    with pytest.raises(CosServiceError) as caught:
        call(*args, **named)
    return caught.value.get_status_code(), caught.value.get_error_code()


def uploaded(sdk, key, *parts) -> str:
    """A multipart upload with these parts, not completed."""
    id = sdk("create_multipart_upload", Key=key)["UploadId"]
    for number, part in enumerate(parts, 1):
        sdk("upload_part", Key=key, Body=part, PartNumber=number, UploadId=id)
    return id


def completed(sdk, key, id, *named):
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in named]
    return sdk("complete_multipart_upload", Key=key, UploadId=id, MultipartUpload={"Part": parts})


def etag(content: bytes) -> str:
    return f'"{md5(content).hexdigest()}"'


def raw(cos, method, path, *, key_time="", body=None, chunked=False, **headers) -> tuple[int, bytes]:
    """A request signed by the documentation's recipe, over its host alone."""
    now = int(time.time())
    claim = cos_signature.Claim(cos.SECRET_ID, key_time or f"{now - 60};{now + 60}", ("host",), (), "")
    text = cos_signature.http_string(claim, method, path.partition("?")[0], {}, {"Host": HOST})
    signature = cos_signature.signature(cos.SECRET_KEY, claim.key_time, text)
    fields = ("sha1", claim.secret_id, claim.key_time, claim.key_time, "host", "", signature)
    signed = "&".join(f"{name}={value}" for name, value in zip(cos_signature.FIELDS, fields, strict=True))
    connection = http.client.HTTPConnection("127.0.0.1", cos.port, timeout=5)
    headers = {"Host": HOST, "Authorization": signed} | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, headers, encode_chunked=chunked)
    answer = connection.getresponse()
    return answer.status, answer.read()


def got(url: str, method: str = "GET") -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    connection.request(method, f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    return answer.status, answer.read()


class TestTheSignatureByTheWorkedExamples:
    @pytest.mark.parametrize(
        ("method", "path", "params", "headers", "expected"),
        [
            (
                "PUT",
                "/out/task 1/中.png",
                {},
                {"Content-Type": "image/png", "Host": HOST, "x-cos-meta-sha256": "ab/cd e", "X-Unlisted": "free"},
                "5928fa421972dfe673fb54e91cf483ec6d2bd711",
            ),
            (
                "GET",
                "/out/a.png",
                {"response-content-disposition": 'attachment; filename="a b.png"', "imageMogr2/thumbnail/320x": ""},
                {"Host": HOST},
                "1149b1194255b8a5d48b151e15c73e3f07460532",
            ),
        ],
    )
    def test_is_the_one_in_them(self, method, path, params, headers, expected):
        listed = tuple(sorted(name.lower() for name in headers if name != "X-Unlisted"))
        claim = cos_signature.Claim("AKIDEXAMPLE", KEY_TIME, listed, tuple(quote(name.lower(), safe="").lower() for name in params), "")
        text = cos_signature.http_string(claim, method, path, params, headers)
        assert cos_signature.signature("SECRETEXAMPLE", KEY_TIME, text) == expected

    def test_its_key_is_the_one_in_them(self):
        assert cos_signature._hmac("SECRETEXAMPLE", KEY_TIME) == SIGN_KEY

    def test_is_the_one_that_the_sdk_makes(self, time_machine):
        time_machine.move_to(1700000060, tick=False)
        client = CosS3Client(CosConfig(Region="ap-guangzhou", SecretId="AKIDEXAMPLE", SecretKey="SECRETEXAMPLE"))
        url = client.get_presigned_url("darkroom-1250000000", "out/a.png", "GET", Expired=3600)
        query = dict(pair.split("=", 1) for pair in urlsplit(url).query.replace("%3B", ";").split("&"))
        claim = cos_signature.claim("", query)
        text = cos_signature.http_string(claim, "GET", "/out/a.png", {}, {"Host": HOST})
        assert claim.signature == cos_signature.signature("SECRETEXAMPLE", KEY_TIME, text)


class TestWhoIsLetIn:
    def test_is_nobody_without_a_signature(self, cos):
        connection = http.client.HTTPConnection("127.0.0.1", cos.port, timeout=5)
        connection.request("GET", "/a")
        answer = connection.getresponse()
        assert (answer.status, b"<Code>AccessDenied</Code>" in answer.read()) == (403, True)

    def test_is_nobody_with_another_key_or_secret(self, cos):
        assert refused(bound(cos, SecretId="AKIDother"), "head_bucket")[0] == 403
        assert refused(bound(cos, SecretKey="other"), "list_objects") == (403, "SignatureDoesNotMatch")
        assert refused(bound(cos, SecretId="AKIDother"), "list_objects") == (403, "InvalidAccessKeyId")

    def test_is_nobody_once_the_signature_is_old_or_before_it_is_new(self, cos):
        now = int(time.time())
        for key_time in (f"{now - 100};{now - 1}", f"{now + 100};{now + 200}"):
            status, body = raw(cos, "GET", "/a", key_time=key_time)
            assert (status, b"Request has expired" in body) == (403, True)

    def test_is_nobody_who_changed_what_was_signed(self, cos, sdk):
        sdk("put_object", Key="a", Body=b"x")
        url = bound(cos)("get_presigned_url", Key="a", Method="GET")
        assert got(url)[0] == 200
        assert got(url, "HEAD")[0] == 403
        assert got(url.replace("/a?", "/b?"))[0] == 403
        assert got(url.replace("q-sign-time=1", "q-sign-time=2").replace("q-key-time=1", "q-key-time=2"))[0] == 403

    def test_must_bring_the_token_of_a_temporary_key(self):
        with Cos(token="temporary") as cos:
            bound(cos, Token="temporary")("put_object", Key="a", Body=b"x")
            assert refused(bound(cos), "put_object", Key="a", Body=b"x") == (403, "AccessDenied")
            assert refused(bound(cos, Token="other"), "put_object", Key="a", Body=b"x") == (403, "AccessDenied")

    def test_asks_for_this_bucket(self, sdk):
        assert refused(sdk, "list_objects", Bucket="other-1250000000") == (404, "NoSuchBucket")


class TestAnObject:
    @pytest.mark.parametrize("content", [b"", b"x", os.urandom(2 * MB + 3)], ids=len)
    def test_is_given_back_as_it_was_put(self, sdk, content):
        put = sdk("put_object", Key="out/a b/中.png", Body=content, ContentType="image/png", Metadata={"x-cos-meta-task": "1"})
        answer = sdk("get_object", Key="out/a b/中.png")
        assert answer["Body"].get_raw_stream().read() == content
        assert put["ETag"] == answer["ETag"] == etag(content)
        assert put[CRC] == answer[CRC] == str(crc64.xz(content))
        assert (answer["Content-Type"], answer["x-cos-meta-task"]) == ("image/png", "1")

    def test_has_its_checksum_by_the_published_check_value(self, sdk):
        assert sdk("put_object", Key="a", Body=b"123456789")[CRC] == "11051210869376104954"

    def test_of_unknown_length_comes_in_chunks(self, cos, sdk):
        sdk("put_object", Key="a", Body=iter([b"abc", b"def"]))
        assert cos.objects["a"].read() == b"abcdef"

    def test_is_not_there_when_its_upload_was_cut(self, cos):
        connection = http.client.HTTPConnection("127.0.0.1", cos.port, timeout=5)
        cos.will(slow(1000), at="put")
        url = bound(cos)("get_presigned_url", Key="a", Method="PUT")
        connection.putrequest("PUT", url.partition(str(cos.port))[2])
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"half")
        cos.wait_until(lambda cos: cos.connections == 1)
        connection.close()
        assert refused(bound(cos), "get_object", Key="a") == (404, "NoSuchKey")
        assert cos.objects == {}

    def test_is_refused_when_its_digest_is_another(self, cos):
        assert raw(cos, "PUT", "/a", body=b"x", Content_MD5="1B2M2Y8AsgTpgAmY7PhCfg==")[0] == 400
        assert cos.objects == {}

    @pytest.mark.parametrize(
        ("asked", "status", "body"),
        [
            ("bytes=2-4", 206, b"cde"),
            ("bytes=7-", 206, b"hij"),
            ("bytes=-2", 206, b"ij"),
            ("bytes=8-99", 206, b"ij"),
            ("bytes=10-", 416, None),
        ],
    )
    def test_is_given_in_ranges(self, cos, sdk, asked, status, body):
        sdk("put_object", Key="a", Body=b"abcdefghij")
        found = raw(cos, "GET", "/a", Range=asked)
        assert found[0] == status
        assert body is None or found[1] == body

    def test_is_given_on_conditions(self, sdk):
        sdk("put_object", Key="a", Body=b"x")
        assert refused(sdk, "get_object", Key="a", IfMatch='"other"') == (412, "PreconditionFailed")
        assert sdk("get_object", Key="a", IfMatch=etag(b"x"))["Body"].get_raw_stream().read() == b"x"

    def test_bears_the_headers_that_a_signed_link_wants(self, cos, sdk):
        sdk("put_object", Key="a", Body=b"x", ContentType="text/html")
        params = {"response-content-type": "image/png"}
        parts = urlsplit(sdk("get_presigned_url", Key="a", Method="GET", Params=params))
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        connection.request("GET", f"{parts.path}?{parts.query}")
        assert connection.getresponse().headers["Content-Type"] == "image/png"
        assert got(parts.geturl().replace("image%2Fpng", "text%2Fhtml"))[0] == 403

    def test_is_known_by_head(self, sdk):
        sdk("put_object", Key="a", Body=b"abc")
        assert sdk("head_object", Key="a")["Content-Length"] == "3"
        assert refused(sdk, "head_object", Key="b") == (404, "NoSuchResource")

    def test_is_gone_once_deleted_and_may_be_deleted_again(self, cos, sdk):
        for key in ("a", "b", "c"):
            sdk("put_object", Key=key, Body=b"x")
        for _ in range(2):
            sdk("delete_object", Key="a")
        sdk("delete_objects", Delete={"Quiet": "true", "Object": [{"Key": "b"}, {"Key": "z"}]})
        assert list(cos.objects) == ["c"]

    def test_is_listed_by_prefix_page_by_page(self, sdk):
        for key in ("in/1", "in/2", "in/3", "out/1"):
            sdk("put_object", Key=key, Body=b"x")
        page = sdk("list_objects", Prefix="in/", MaxKeys=2)
        assert ([one["Key"] for one in page["Contents"]], page["IsTruncated"], page["NextMarker"]) == (["in/1", "in/2"], "true", "in/2")
        assert [one["Key"] for one in sdk("list_objects", Prefix="in/", Marker="in/2")["Contents"]] == ["in/3"]

    @pytest.mark.parametrize(
        ("method", "path", "headers", "status"),
        [
            ("GET", "/" + "k" * 851, {}, 400),
            ("PATCH", "/a", {}, 405),
            ("PUT", "/a", {"x_cos_meta_long": "x" * 2049}, 400),
            ("POST", "/?delete", {}, 400),
        ],
    )
    def test_is_refused_outside_of_the_limits(self, cos, method, path, headers, status):
        assert raw(cos, method, path, body=b"x" if method in ("PUT", "POST") else None, **headers)[0] == status

    def test_needs_a_length_or_chunks(self, cos):
        connection = http.client.HTTPConnection("127.0.0.1", cos.port, timeout=5)
        url = bound(cos)("get_presigned_url", Key="a", Method="PUT")
        connection.putrequest("PUT", url.partition(str(cos.port))[2])
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, b"MissingContentLength" in answer.read()) == (411, True)


class TestAnObjectInParts:
    PARTS = (os.urandom(MB), os.urandom(MB + 7), b"end")

    def test_is_visible_once_it_is_complete_and_not_before(self, cos, sdk):
        id = uploaded(sdk, "a", *self.PARTS)
        assert cos.objects == {}
        done = completed(sdk, "a", id, *enumerate(map(etag, self.PARTS), 1))
        whole = b"".join(self.PARTS)
        assert (cos.objects["a"].read(), cos.uploads) == (whole, {})
        assert done[CRC] == str(crc64.xz(whole))
        assert done["ETag"].endswith('-3"')

    def test_takes_a_part_again(self, cos, sdk):
        id = uploaded(sdk, "a", b"first")
        sdk("upload_part", Key="a", Body=b"again", PartNumber=1, UploadId=id)
        completed(sdk, "a", id, (1, etag(b"again")))
        assert cos.objects["a"].read() == b"again"

    @pytest.mark.parametrize(
        ("parts", "named", "code"),
        [
            (PARTS, [(2, 1), (1, 0), (3, 2)], "InvalidPartOrder"),
            (PARTS, [(1, 0), (3, 2)], "InvalidPart"),
            (PARTS, [(1, 1), (2, 1), (3, 2)], "InvalidPart"),
            ((b"small", b"end"), [(1, 0), (2, 1)], "EntityTooSmall"),
        ],
    )
    def test_is_not_made_of_wrong_parts(self, cos, sdk, parts, named, code):
        id = uploaded(sdk, "a", *parts)
        assert refused(completed, sdk, "a", id, *((number, etag(parts[part])) for number, part in named)) == (400, code)
        assert (cos.objects, list(cos.uploads)) == ({}, [id])

    def test_is_nothing_once_aborted(self, cos, sdk):
        id = uploaded(sdk, "a", b"x")
        assert [part["ETag"] for part in sdk("list_parts", Key="a", UploadId=id)["Part"]] == [etag(b"x")]
        assert [one["UploadId"] for one in sdk("list_multipart_uploads", Prefix="a")["Upload"]] == [id]
        sdk("abort_multipart_upload", Key="a", UploadId=id)
        for call in ("abort_multipart_upload", "list_parts"):
            assert refused(sdk, call, Key="a", UploadId=id) == (404, "NoSuchUpload")

    def test_is_of_one_key(self, sdk):
        id = uploaded(sdk, "a", b"x")
        assert refused(sdk, "upload_part", Key="b", Body=b"x", PartNumber=1, UploadId=id) == (404, "NoSuchUpload")


class TestTheBucketsOwnDocuments:
    LIFECYCLE = {"Rule": [{"ID": "a", "Filter": {"Prefix": "in/"}, "Status": "Enabled", "Expiration": {"Days": "1"}}]}
    CORS = {"CORSRule": [{"ID": "a", "AllowedOrigin": ["https://a.example"], "AllowedMethod": ["GET", "HEAD"], "MaxAgeSeconds": "600"}]}

    def test_are_given_back(self, sdk):
        sdk("put_bucket_lifecycle", LifecycleConfiguration=self.LIFECYCLE)
        sdk("put_bucket_cors", CORSConfiguration=self.CORS)
        assert sdk("get_bucket_lifecycle") == self.LIFECYCLE
        assert sdk("get_bucket_cors") == self.CORS

    def test_are_not_there_at_first(self, sdk):
        assert refused(sdk, "get_bucket_lifecycle") == (404, "NoSuchLifecycleConfiguration")
        assert refused(sdk, "get_bucket_cors") == (404, "NoSuchCORSConfiguration")

    @pytest.mark.parametrize(
        "wrong", [{"Status": "On"}, {"Filter": {"Tag": "x"}}, {"Expiration": {"Days": "0"}}, {"Expires": "1"}, {"Status": None}], ids=str
    )
    def test_hold_nothing_that_is_not_in_the_protocol(self, cos, sdk, wrong):
        rule = {name: value for name, value in (self.LIFECYCLE["Rule"][0] | wrong).items() if value}
        assert refused(sdk, "put_bucket_lifecycle", LifecycleConfiguration={"Rule": [rule]}) == (400, "MalformedXML")
        assert cos.bucket.documents == {}


class TestPagesOfOthers:
    ASKED = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    RULE = {"AllowedOrigin": ["https://a.example"], "AllowedMethod": ["PUT"], "AllowedHeader": ["*"], "MaxAgeSeconds": "600"}

    def asks(self, cos, origin: str, **other) -> tuple[int, str | None]:
        connection = http.client.HTTPConnection("127.0.0.1", cos.port, timeout=5)
        connection.request("OPTIONS", "/uploads/a", headers={"Origin": origin, **self.ASKED, **other})
        response = connection.getresponse()
        return response.status, response.getheader("Access-Control-Allow-Origin")

    def test_are_let_in_by_a_rule_for_their_origin_and_method(self, cos, sdk):
        assert self.asks(cos, "https://a.example") == (403, None)
        sdk("put_bucket_cors", CORSConfiguration={"CORSRule": [self.RULE]})
        assert self.asks(cos, "https://a.example") == (200, "https://a.example")
        assert self.asks(cos, "https://b.example") == (403, None)
        assert self.asks(cos, "https://a.example", **{"Access-Control-Request-Method": "DELETE"}) == (403, None)


class TestOrders:
    def test_an_error_keeps_nothing_and_the_next_request_is_well(self, cos, sdk):
        cos.will(answer(503), answer(500), answer(403), at="put")
        found = [refused(sdk, "put_object", Key="a", Body=b"x" * MB) for _ in range(3)]
        assert found == [(503, "SlowDown"), (500, "InternalError"), (403, "AccessDenied")]
        assert cos.objects == {}
        sdk("put_object", Key="a", Body=b"x")

    def test_completing_may_fail_with_status_200(self, cos, sdk):
        id = uploaded(sdk, "a", b"x")
        cos.will(answer(200, code="InternalError"), at="complete")
        assert refused(completed, sdk, "a", id, (1, etag(b"x"))) == (200, "InternalError")

    @pytest.mark.parametrize("accepts", [True, False])
    def test_a_cut_answer_leaves_the_object_only_where_it_was_accepted(self, cos, sdk, accepts):
        cos.will(cut_before_answer(accepts=accepts), at="put")
        with pytest.raises(CosClientError):
            sdk("put_object", Key="a", Body=b"x")
        assert ("a" in cos.objects) is accepts

    def test_bytes_end_midway(self, cos):
        bound(cos)("put_object", Key="a", Body=b"x" * 1000)
        cos.will(cut_midway(), at="get")
        with pytest.raises(http.client.IncompleteRead) as cut:
            raw(cos, "GET", "/a")
        assert len(cut.value.partial) == 500

    def test_a_checksum_is_wrong(self, cos, sdk):
        cos.will(wrong_checksum(), at="put")
        assert sdk("put_object", Key="a", Body=b"x")[CRC] != str(crc64.xz(b"x"))
        assert sdk("head_object", Key="a")[CRC] == str(crc64.xz(b"x"))


class TestItsOwnProcess:
    def test_says_by_which_variables_it_is_used(self):
        with subprocess.Popen([sys.executable, "-m", "tests.upstreams", "cos"], stdout=subprocess.PIPE, text=True) as process:
            try:
                port = int(process.stdout.readline().rsplit(":", 1)[1])
                said = {process.stdout.readline().strip() for name in Cos().variables if name != "COS_TOKEN"}
                bound(Cos(port=port))("put_object", Key="a", Body=b"x")  # never started: only to ask the other
            finally:
                process.terminate()
        assert {"export STORAGE=cos", f"export COS_ENDPOINT=http://127.0.0.1:{port}"} <= said
        assert process.returncode == 0

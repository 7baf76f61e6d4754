"""The site that we ship, by Debian's nginx in front of the real web tier."""

import gzip
import json
import re
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from socketserver import UnixStreamServer
from threading import Thread

import pytest

from config.env import env
from tasks_app.api.openai import errors
from tasks_app.api.problems import CODES, problem
from tests.deploy.nginx import SITE, Nginx
from tests.deploy.service import Service, listening
from tests.deploy.web import wait_until

TEXT = SITE.read_text(encoding="utf-8")
MB = 1_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def environment(folder):
    return {
        "DARKROOM_ENV": "development",
        "DATABASE_URL": f"sqlite:///{folder}/darkroom.sqlite3",
        "REDIS_URL": "",
        "STORAGE_DIR": f"{folder}/storage",
        "BROKER_DIR": f"{folder}/broker",
        "PUBLIC_URL": "https://localhost",
        "CLIENT_ADDRESS_HEADER": "X-Real-IP",
        "WEB_WORKERS": "1",
        "STREAM_SOCKET": f"{folder}/handover.sock",
    }


@pytest.fixture(scope="module")
def site(folder, environment):
    """nginx, and behind it the web tier on a socket that it was handed."""
    with listening(folder / "web.sock") as listener, Nginx(folder, folder / "web.sock") as proxy:
        web = Service("darkroom-web", environment, log=folder / "web.log", listener=listener)
        web.start()
        yield proxy
        web.stop()


def asked(proxy, path, *, method="GET", headers=None):
    connection = proxy.connect()
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


class TestTheSite:
    def test_is_sound_by_nginx(self, site):
        assert "test is successful" in site.verdict()
        assert "warn" not in site.verdict()

    def test_serves_the_api(self, site):
        status, headers, body = asked(site, "/healthz")
        assert (status, json.loads(body)) == (200, {"status": "ok"})
        assert headers["X-Request-ID"]

    def test_serves_static_files(self, site):
        assert asked(site, "/static/tasks_app/admin.css")[0] == 200

    @pytest.mark.parametrize("file", ["main.js", "wall.css", "icon.svg"])
    def test_sends_them_packed_to_who_unpacks_them(self, site, file):
        status, headers, packed = asked(site, f"/static/studio/{file}", headers={"Accept-Encoding": "gzip"})
        assert (status, headers["Content-Encoding"]) == (200, "gzip")
        plain = asked(site, f"/static/studio/{file}")
        assert "Content-Encoding" not in plain[1]
        assert gzip.decompress(packed) == plain[2]

    def test_sends_what_web_has_packed_as_it_is(self, site):
        status, headers, packed = asked(site, "/api/schema/", headers={"Accept-Encoding": "gzip"})
        assert (status, headers["Content-Encoding"]) == (200, "gzip")
        assert b"openapi: 3" in gzip.decompress(packed)[:20]
        assert len(packed) == int(headers["Content-Length"])

    def test_tells_the_application_of_https(self, site):
        assert "max-age=31536000" in asked(site, "/admin/login/")[1]["Strict-Transport-Security"]

    def test_sends_plain_http_to_https(self, site):
        connection = HTTPConnection("localhost", site.plain_port)
        connection.request("GET", "/admin/?a=1")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Location"]) == (301, "https://localhost/admin/?a=1")


class TestWhatIsStreamed:
    EVENTS, TASK = "/api/v1/account/events", "/api/v1/tasks/task_00000000000000000000000000"

    def test_goes_to_the_stream_tier(self, site, environment):
        folder = site.folder
        with listening(folder / "stream.sock", "darkroom-stream.socket") as listener:
            stream = Service("darkroom-stream", environment, log=folder / "stream.log", listener=listener)
            stream.start()
            assert asked(site, self.EVENTS)[0] == 401
            assert asked(site, self.TASK, headers={"Prefer": "wait=30"})[0] == 401
            assert asked(site, self.TASK)[0] == 401
            stream.stop()
        (folder / "stream.sock").unlink()
        lines = (folder / "stream.log").read_text()
        assert (lines.count(f"GET {self.EVENTS} "), lines.count(f"GET {self.TASK} ")) == (1, 1)

    def test_goes_to_web_where_there_is_no_stream_tier(self, site):
        assert asked(site, self.EVENTS)[0] == 401
        assert asked(site, self.TASK, headers={"Prefer": "wait=30"})[0] == 401
        assert f"GET {self.EVENTS} " in (site.folder / "web.log").read_text()


class TestSizes:
    def test_more_than_an_upload_may_have_reaches_the_api_which_refuses_it_in_its_own_words(self, site):
        most = int(re.search(r"client_max_body_size (\d+)m;", TEXT)[1]) * 1024 * 1024
        assert env["UPLOAD_LIMIT_MB"] * MB < most <= env["UPLOAD_LIMIT_MB"] * MB * 1.2

    def test_an_answer_of_the_largest_result_is_taken_off_the_threads_hands(self):
        most = int(re.search(r"proxy_max_temp_file_size (\d+)m;", TEXT)[1]) * 1024 * 1024
        assert most > env["RESULT_LIMIT_MB"] * MB

    def test_far_more_is_refused_by_nginx_as_the_api_would(self, site):
        connection = site.connect()
        connection.putrequest("POST", "/api/v1/files")
        connection.putheader("Content-Length", str(300 * MB))
        connection.endheaders()
        answer = connection.getresponse()
        problem = json.loads(answer.read())
        assert (answer.status, problem["code"], answer.headers["Content-Type"]) == (413, "too_large", "application/problem+json")

    def test_what_nginx_says_itself_has_the_words_of_the_api(self):
        bodies = [json.loads(body) for body in re.findall(r"return \d+ '(.*)';", TEXT)]
        said = {body["code"]: (body["status"], body["title"]) for body in bodies if "code" in body}
        assert said == {code: CODES[code] for code in ("too_large", "unavailable")}

    def test_below_v1_it_has_the_words_that_the_openai_client_reads(self):
        bodies = {int(status): json.loads(body) for status, body in re.findall(r"return (\d+) '(.*\{\"error\".*)';", TEXT)}
        refusals = [
            problem(code, body["error"]["message"]) for code, body in zip(("too_large", "unavailable"), bodies.values(), strict=True)
        ]
        assert bodies == dict(errors.shown(refusal) for refusal in refusals)


class TestSecretsInAddresses:
    @pytest.mark.parametrize(
        "path",
        [
            "/hooks/plasma/hush-hush/token",
            "/api/v1/outputs/output_1/content?signature=hush-hush",
            "/api/v1/uploads/file_1?signature=hush-hush",
        ],
    )
    def test_are_in_no_line_of_nginx_whatever_fails(self, tmp_path, path):
        with Nginx(tmp_path, tmp_path / "nobody.sock") as proxy:  # nobody listens there, which nginx writes down
            assert asked(proxy, path)[0] == 503
            assert asked(proxy, "/healthz")[0] == 503
            lines = tmp_path / "error.log"
            wait_until(lambda: "/healthz" in lines.read_text(), "nginx wrote of the failure")
        assert "hush-hush" not in lines.read_text()


class OfAnyLength(BaseHTTPRequestHandler):
    """Answers as many bytes of JSON as the query says."""

    def do_GET(self):
        body = json.dumps("a" * (int(self.path.partition("=")[2]) - 2)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Its clients have no address to tell."""


@pytest.fixture
def proxy(tmp_path):
    """nginx, and behind it what answers at any length."""
    with UnixStreamServer(str(tmp_path / "web.sock"), OfAnyLength) as server, Nginx(tmp_path, tmp_path / "web.sock") as proxy:
        Thread(target=server.serve_forever, daemon=True).start()
        yield proxy
        server.shutdown()


class TestTasks:
    @pytest.mark.parametrize(("bytes", "coding"), [(100_000, "gzip"), (3000, None)])
    def test_are_packed_where_they_are_many(self, proxy, bytes, coding):
        _, headers, body = asked(proxy, f"/api/v1/tasks?bytes={bytes}", headers={"Accept-Encoding": "gzip"})
        assert headers["Content-Encoding"] == coding
        assert len(gzip.decompress(body) if coding else body) == bytes

    def test_are_not_packed_for_who_does_not_unpack_them(self, proxy):
        _, headers, body = asked(proxy, "/api/v1/tasks?bytes=100000")
        assert (headers["Content-Encoding"], headers["Vary"], len(body)) == (None, "Accept-Encoding", 100_000)


class TestTheWebTierIsAway:
    def test_a_client_is_told_when_to_come_again(self, tmp_path):
        with Nginx(tmp_path, tmp_path / "nobody.sock") as proxy:
            status, headers, body = asked(proxy, "/api/v1/tasks")
        assert (status, headers["Retry-After"], json.loads(body)["code"]) == (503, "5", "unavailable")

    def test_the_openai_client_is_told_so_in_its_envelope(self, tmp_path):
        with Nginx(tmp_path, tmp_path / "nobody.sock") as proxy:
            status, headers, body = asked(proxy, "/v1/models")
        assert (status, headers["Retry-After"], json.loads(body)["error"]["code"]) == (503, "5", "server_is_overloaded")


class TestMetrics:
    def test_are_for_this_machine_alone(self):
        block = re.search(r"location = /metrics \{(.*?)\}", TEXT, re.S)[1]
        assert re.findall(r"(?:allow|deny) \S+;", block) == ["allow 127.0.0.1;", "allow ::1;", "deny all;"]

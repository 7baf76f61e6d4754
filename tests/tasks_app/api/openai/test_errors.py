"""What /v1 refuses, and which exception of the official client that becomes."""

import openai
import pytest

from accounts import keys
from providers import catalogue
from providers.models import PublicModel
from tests.tasks_app.api.conftest import IMAGE, VIDEO, shown, task_of

from .conftest import FILM, V1, refused

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
WISH = {"model": FILM, "prompt": "a red kite"}


class TestTheClientsException:
    """By the client itself, which never sends these again: it has three tries and takes one."""

    @pytest.fixture
    def raised(self, client_of, acme, offers):
        def ask(call, *, key: str = acme.key) -> openai.APIStatusError:
            with pytest.raises(openai.APIStatusError) as caught:
                call(client_of(key, max_retries=2))
            assert caught.value.request_id
            assert caught.value.response.request.headers["x-stainless-retry-count"] == "0"
            return caught.value

        return ask

    def test_without_a_valid_key(self, raised):
        error = raised(lambda client: client.models.list(), key="dk_nobody")
        assert (type(error), error.status_code, error.code) == (openai.AuthenticationError, 401, "invalid_api_key")

    def test_for_what_is_not_there(self, raised):
        error = raised(lambda client: client.videos.retrieve("video_of_nobody"))
        assert (type(error), error.status_code, error.code) == (openai.NotFoundError, 404, "not_found")

    def test_for_a_model_that_does_not_exist(self, raised):
        error = raised(lambda client: client.videos.create(model="sora-2", prompt="a kite"))
        assert (type(error), error.code, error.param) == (openai.NotFoundError, "model_not_found", "model")

    def test_for_a_wrong_parameter(self, raised):
        error = raised(lambda client: client.videos.create(**WISH, seconds="99"))
        assert (type(error), error.code, error.param, error.type) == (
            openai.BadRequestError,
            "invalid_value",
            "seconds",
            "invalid_request_error",
        )
        assert "seconds must be 15 or less" in str(error)

    def test_for_credits_that_are_out(self, raised, zero):
        error = raised(lambda client: client.videos.create(**WISH), key=zero.key)
        assert (type(error), error.code, error.type) == (openai.RateLimitError, "insufficient_quota", "insufficient_quota")
        assert error.response.headers["x-should-retry"] == "false"

    def test_for_what_the_key_may_not_do(self, raised, acme):
        reader = keys.make(acme.account, "reader", now=acme.clock(), read_only=True)[1]
        error = raised(lambda client: client.videos.create(**WISH), key=reader)
        assert (type(error), error.code) == (openai.PermissionDeniedError, "forbidden_by_key")

    def test_for_a_video_that_is_still_made(self, raised, acme):
        task = task_of(acme, kind="video.generate", model=VIDEO)
        error = raised(lambda client: client.videos.delete(shown(task)))
        assert (type(error), error.code) == (openai.ConflictError, "not_deletable")


class TestARefusal:
    """In OpenAI's envelope, whatever is wrong."""

    @pytest.mark.parametrize(
        ("method", "path", "more", "expected"),
        [
            ("GET", "/nowhere", {}, (404, "not_found", None)),
            ("PUT", "/videos", {}, (405, "method_not_supported", None)),
            ("GET", "/videos?colour=red", {}, (400, "unknown_parameter", "colour")),
            ("GET", "/videos?limit=101", {}, (400, "invalid_value", "limit")),
            ("GET", "/videos?limit=" + "9" * 5000, {}, (400, "invalid_value", "limit")),
            ("GET", "/videos?order=up", {}, (400, "invalid_value", "order")),
            ("GET", "/videos?after=x", {}, (400, "invalid_value", "after")),
            ("POST", "/videos", {"data": b"{"}, (400, "malformed_json", None)),
            ("POST", "/videos", {"data": b"[]"}, (400, "invalid_value", None)),
            ("POST", "/videos", {"data": b"{}"}, (400, "missing_required_parameter", "model")),
            ("POST", "/videos", {"data": b'{"model": {}}'}, (404, "model_not_found", "model")),
            ("POST", "/videos", {"data": b"x", "content_type": "text/plain"}, (400, "unsupported_content_type", None)),
            ("POST", "/videos", {"data": b"x", "content_type": "multipart/form-data"}, (400, "malformed_upload", None)),
            ("POST", "/videos", {"data": b"{}", "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}, (411, "length_required", None)),
            ("POST", "/videos", {"data": b"{}", "HTTP_IDEMPOTENCY_KEY": " "}, (400, "invalid_value", "Idempotency-Key")),
        ],
    )
    def test_names_what_is_wrong(self, v1, method, path, more, expected):
        answer = v1.sends(method, path, **({"content_type": "application/json"} | more))
        assert refused(answer) == expected
        assert answer["x-should-retry"] == "false"
        assert answer["x-request-id"]

    def test_of_a_body_that_is_too_large(self, v1, settings):
        settings.UPLOAD_LIMIT_MB = 1
        answer = v1.post("/videos", b"--x\r\n", content_type="multipart/form-data; boundary=x", Content_Length=str(9 * 1024 * 1024))
        assert refused(answer) == (413, "too_large", None)

    def test_of_too_many_requests_says_when_to_come_again(self, v1, acme):
        limited = keys.make(acme.account, "limited", now=acme.clock(), reads_per_minute=1)[1]
        first, second = (V1(limited).get("/models") for _ in range(2))
        assert (first["x-ratelimit-limit-requests"], first["x-ratelimit-remaining-requests"]) == ("1", "0")
        assert refused(second) == (429, "rate_limit_exceeded", None)
        assert "x-should-retry" not in second
        assert int(second["Retry-After"]) <= 60

    def test_asks_for_a_key_everywhere_but_where_nothing_is(self, offers):
        for path in ("/models", "/videos", "/videos/x", "/videos/x/content"):
            assert refused(V1().get(path)) == (401, "invalid_api_key", None)

    def test_of_a_model_of_another_kind_or_switched_off(self, v1):
        assert refused(v1.post("/videos", {"model": IMAGE, "prompt": "x"})) == (404, "model_not_found", "model")
        PublicModel.objects.filter(name=FILM).update(is_enabled=False)
        catalogue.forget()
        assert refused(v1.post("/videos", WISH)) == (404, "model_not_found", "model")

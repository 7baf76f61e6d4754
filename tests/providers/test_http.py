import asyncio
import socket
import threading
import traceback
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from providers.errors import NotSent, OutcomeUnknown, Unavailable
from providers.http import MAX_BYTES, Http, Part

from .wire import answers, answers_when_told, cuts_at_once, listening, never_reads, self_signed, writes

SECRET = "s3cret"
HEAD = b"HTTP/1.1 200 OK\r\n"
ZEROS = b"\0" * 1024 * 1024


@asynccontextmanager
async def client(**options):
    http = Http("plasma", **options)
    yield http
    await http.close()


async def call(http, url, *, paid=False, timeout=2.0):
    """One call as an adapter makes it, with a secret in each place where one may be."""
    headers = {"Authorization": f"Bearer {SECRET}"}
    return await http.request("POST", f"{url}/jobs?key={SECRET}", headers=headers, json={"key": SECRET}, timeout=timeout, paid=paid)


async def error_of(call):
    """What the call raised; it tells nobody a secret or an address, however it is printed."""
    with pytest.raises((NotSent, OutcomeUnknown, Unavailable)) as caught:
        await call
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    printed = "".join([str(error), repr(error), *traceback.format_exception_only(error)])
    assert SECRET not in printed
    assert "127.0.0.1" not in printed
    return error


def outcome(treat, *, paid, timeout=2.0):
    """(the error, the server) of one call to a server that treats it so."""

    async def run():
        async with listening(treat) as server, client() as http:
            return await error_of(call(http, server.url, paid=paid, timeout=timeout)), server

    return asyncio.run(run())


class TestAForm:
    PARTS = (Part("prompt", "a kite"), Part("picture", b"\x89PNG", "kite.png", "image/png"))

    def sent(self, *parts):
        async def run():
            async with listening(answers()) as server, client() as http:
                await http.request("POST", server.url, form=parts, timeout=2.0, paid=True)
                return server.requests

        ((head, body),) = asyncio.run(run())
        assert "Transfer-Encoding" not in head  # some servers take no chunks
        boundary = head.partition("multipart/form-data; boundary=")[2].partition("\r\n")[0]
        return [part.strip(b"\r\n") for part in body.split(f"--{boundary}".encode())[1:-1]]

    def test_carries_its_fields_and_its_files(self):
        field, file = self.sent(*self.PARTS)
        assert field.endswith(b'Content-Disposition: form-data; name="prompt"\r\n\r\na kite')
        assert file == b'Content-Type: image/png\r\nContent-Disposition: form-data; name="picture"; filename="kite.png"\r\n\r\n\x89PNG'

    def test_is_one_without_a_file_too(self):
        assert len(self.sent(self.PARTS[0])) == 1


class TestAnAnswer:
    def test_is_a_reply_whatever_its_status(self):
        async def run():
            async with (
                listening(answers(b'{"why": "busy"}', status="429 Too Many", headers="Retry-After: 7\r\n")) as server,
                client() as http,
            ):
                return await call(http, server.url, paid=True), server

        reply, server = asyncio.run(run())
        assert (reply.status, reply.headers["retry-after"], reply.json()) == (429, "7", {"why": "busy"})
        head, body = server.requests[0]
        assert head.startswith(f"POST /jobs?key={SECRET} HTTP/1.1\r\n")
        assert f"Authorization: Bearer {SECRET}\r\n" in head
        assert "Content-Type: application/json\r\n" in head
        assert body == b'{"key":"s3cret"}'
        assert SECRET not in repr(reply)

    def test_may_be_as_long_as_the_limit(self):
        async def run():
            async with listening(answers(b"\0" * MAX_BYTES)) as server, client() as http:
                return await http.request("GET", server.url, timeout=10)

        assert len(asyncio.run(run()).body) == MAX_BYTES

    @pytest.mark.parametrize(("paid", "error"), [(True, OutcomeUnknown), (False, Unavailable)])
    def test_that_is_not_json_says_nothing_of_what_it_was(self, paid, error):
        async def run():
            async with listening(answers(f"<html>{SECRET}".encode())) as server, client() as http:
                return await call(http, server.url, paid=paid)

        with pytest.raises(error, match="of status 200 is not JSON") as caught:
            asyncio.run(run()).json()
        assert SECRET not in str(caught.value)
        assert caught.value.__context__ is None

    def test_sets_no_cookie_for_the_next_call(self):
        async def run():
            async with listening(answers(headers="Set-Cookie: a=b\r\n")) as server, client() as http:
                for _ in range(2):
                    await call(http, server.url.replace("127.0.0.1", "localhost"))
                return server

        assert "cookie" not in asyncio.run(run()).requests[1][0].lower()


@pytest.mark.parametrize("paid", [True, False])
class TestTheWireBreaksBeforeAByteIsOut:
    """Nothing was bought, so even a paid call may go elsewhere."""

    def test_when_nobody_listens(self, paid):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            error = self.not_sent(f"http://127.0.0.1:{probe.getsockname()[1]}", paid)
        assert "refused" in error.message

    def test_when_the_name_does_not_resolve(self, paid):
        assert "name does not resolve" in self.not_sent("http://plasma.invalid", paid, timeout=30).message

    def test_when_the_address_is_none(self, paid):
        assert "not a URL" in self.not_sent("http://", paid).message

    def test_when_the_certificate_is_not_trusted(self, paid, tmp_path):
        async def run():
            async with listening(answers(), tls=self_signed(tmp_path)) as server, client() as http:
                return await error_of(call(http, server.url, paid=paid)), server

        error, server = asyncio.run(run())
        assert isinstance(error, NotSent)
        assert "certificate is not trusted" in error.message
        assert server.requests == []

    def test_when_the_other_side_speaks_no_tls(self, paid):
        async def run():
            async with listening(answers()) as server, client() as http:
                return await error_of(call(http, server.url.replace("http:", "https:"), paid=paid))

        assert isinstance(asyncio.run(run()), NotSent)

    def test_when_the_tls_handshake_hangs(self, paid):
        async def run():
            async with listening(never_reads) as server, client() as http:
                return await error_of(call(http, server.url.replace("http:", "https:"), paid=paid, timeout=0.4))

        error = asyncio.run(run())
        assert isinstance(error, NotSent)
        assert "no connection in time" in error.message

    def test_when_no_connection_is_free(self, paid):
        async def run():
            async with listening(answers_when_told()) as server, client(limit=1) as http:
                first = asyncio.create_task(call(http, server.url, paid=paid, timeout=20))
                await server.arrived.wait()
                error = await error_of(call(http, server.url, paid=paid, timeout=0.4))
                server.go_on.set()
                return error, await first, server

        error, first, server = asyncio.run(run())
        assert isinstance(error, NotSent)
        assert first.status == 200
        assert len(server.requests) == 1

    def not_sent(self, url, paid, timeout=2.0):
        async def run():
            async with client() as http:
                return await error_of(call(http, url, paid=paid, timeout=timeout))

        error = asyncio.run(run())
        assert isinstance(error, NotSent)
        return error


@pytest.mark.parametrize(("paid", "expected"), [(True, OutcomeUnknown), (False, Unavailable)])
class TestTheWireBreaksAfterwards:
    """The upstream may have taken the job: a paid call is never NotSent."""

    @pytest.mark.parametrize(
        ("treat", "reason"),
        [
            (cuts_at_once, "cut"),
            (writes(), "cut before an answer"),
            (writes(HEAD), "cut before an answer"),
            (writes(HEAD + b'Content-Length: 100\r\n\r\n{"job":'), "the answer was cut"),
            (writes(HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{"), "the answer was cut"),
            (writes(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"), "cannot be decoded"),
            (writes(b"\x16\x03\x01 what?\r\n\r\n"), "not HTTP"),
            (writes(HEAD + b"Content-Length: four\r\n\r\nabcd"), "not HTTP"),
            (writes(HEAD + b"X: " + b"x" * 70_000 + b"\r\n\r\n"), "not HTTP"),
            (writes(HEAD + b"\r\n", *[ZEROS] * (MAX_BYTES // len(ZEROS)), b"\0"), "longer than 32 MB"),
            (answers(zlib.compress(b"\0" * (MAX_BYTES + 1)), headers="Content-Encoding: deflate\r\n"), "longer than 32 MB"),
            (answers(status="302 Found", headers="Location: /elsewhere\r\n"), "redirect (302)"),
            (answers(status="307 Temporary Redirect", headers="Location: /elsewhere\r\n"), "redirect (307)"),
        ],
    )
    def test_and_the_error_says_how(self, treat, reason, paid, expected):
        error, server = outcome(treat, paid=paid, timeout=10)
        assert type(error) is expected
        assert reason in error.message
        assert len(server.requests) <= 1

    @pytest.mark.parametrize("treat", [writes(then="hang"), writes(HEAD, then="hang"), writes(HEAD + b"\r\n{", then="hang"), never_reads])
    def test_by_silence(self, treat, paid, expected):
        error, _ = outcome(treat, paid=paid, timeout=0.3)
        assert type(error) is expected
        assert "no answer in time" in error.message


class TestAPaidCall:
    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_is_a_post_since_others_could_be_sent_again(self, method):
        with pytest.raises(ValueError, match="A paid call is a POST"):
            asyncio.run(Http("plasma").request(method, "http://127.0.0.1:1", timeout=1, paid=True))


class TestLookingNamesUp:
    def test_needs_none_of_the_loops_own_threads(self):
        """A name server that is silent holds a look-up's thread; in the loop's few it would stop others' names and our own files."""

        async def run():
            busy, let_go = asyncio.Event(), threading.Event()
            loop = asyncio.get_running_loop()
            loop.set_default_executor(ThreadPoolExecutor(1))
            held = loop.run_in_executor(None, lambda: (loop.call_soon_threadsafe(busy.set), let_go.wait(10)))
            await busy.wait()
            try:
                async with listening(answers()) as server, client() as http:
                    return await call(http, f"http://localhost:{server.port}", timeout=5)
            finally:
                let_go.set()
                await held

        assert asyncio.run(run()).status == 200

    def test_that_cannot_be_names_fails_like_those_that_are_not_there(self):
        async def run():
            async with client() as http:
                return await error_of(call(http, f"https://{'a' * 64}.example", paid=True))

        assert isinstance(asyncio.run(run()), NotSent)


class TestConnections:
    def test_are_kept_for_polls(self):
        assert self.used_by(20, paid=False) == 1

    def test_are_never_used_again_for_paid_calls(self):
        assert self.used_by(5, paid=True) == 5

    def used_by(self, calls, *, paid):
        async def run():
            async with listening(answers()) as server, client() as http:
                for _ in range(calls):
                    await call(http, server.url, paid=paid)
                return server

        server = asyncio.run(run())
        assert len(server.requests) == calls
        return server.connections

    @pytest.mark.parametrize("paid", [True, False])
    def test_are_at_most_the_limit_and_the_others_wait_for_one(self, paid):
        async def run():
            async with listening(answers_when_told()) as server, client(limit=3) as http:
                calls = [asyncio.create_task(call(http, server.url, paid=paid, timeout=20)) for _ in range(10)]
                while len(server.requests) < 3:
                    await asyncio.wait_for(server.arrived.wait(), 5)
                    server.arrived.clear()
                server.go_on.set()
                return [reply.status for reply in await asyncio.gather(*calls)], server

        statuses, server = asyncio.run(run())
        assert statuses == [200] * 10
        assert server.most_open == 3

    def test_for_paid_calls_are_not_those_that_polls_wait_for(self):
        async def run():
            async with listening(answers_when_told()) as server, client(limit=1) as http:
                poll = asyncio.create_task(call(http, server.url, timeout=20))
                await server.arrived.wait()
                server.arrived.clear()
                paid = asyncio.create_task(call(http, server.url, paid=True, timeout=20))
                await asyncio.wait_for(server.arrived.wait(), 5)
                server.go_on.set()
                return await asyncio.gather(poll, paid)

        assert [reply.status for reply in asyncio.run(run())] == [200, 200]

    def test_open_anew_on_another_loop_and_after_close(self):
        http = Http("plasma")

        async def run():
            async with listening(answers()) as server:
                statuses = [(await call(http, server.url)).status]
                await http.close()
                return [*statuses, (await call(http, server.url)).status]

        assert asyncio.run(run()) + asyncio.run(run()) == [200] * 4
        assert repr(http) == "Http('plasma')"

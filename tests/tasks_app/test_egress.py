"""Egress: only public https, never a byte more or a second longer than allowed, and the right word for what went wrong."""

import asyncio
import gzip
import os
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from providers.errors import Invalid, NotSent, RateLimited, Unavailable
from tasks_app import egress
from tasks_app.egress import PublicResolver, Timeouts
from tests.upstreams import Receiver, cut_before_answer, hang
from tests.upstreams.receiver import drip, redirect, reply

from .wire import answer, wire

CONTENT = os.urandom(300_000)


async def got(url, **options):
    async with egress.fetch(url, **{"limit": 10**6, **options}) as (content_type, chunks):
        return content_type, b"".join([chunk async for chunk in chunks])


class TestUrlsThatWeMayNotFetch:
    @pytest.mark.parametrize(
        "url",
        [
            "",
            "cat.png",
            "ftp://example.com/a",
            "file:///etc/passwd",
            "data:text/plain,hello",
            "http://example.com/a",
            "https://",
            "https:///a",
            "https://example.com:8443/a",
            "https://example.com:99999/a",
            "https://user@example.com/a",
            "https://user:word@example.com/a",
            "https://:@example.com/a",
            "https://example.com\\@127.0.0.1/",
            "https://[::1",
            "https://[]@",
            "https://example.com/" + "a" * 5000,
        ],
    )
    def test_for_how_they_are_written(self, url):
        with pytest.raises(Invalid):
            egress.check(url)

    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1",
            "127.0.0.1.",
            "10.1.2.3",
            "100.64.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "127.1",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "0x7f000001",
            "2130706433",
            "134744072",
            "example.0x",
            "１２７.0.0.1",
            "①②⑦.⓪.⓪.①",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:8.8.8.8]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[fe80::1]",
            "[fe80::1%25eth0]",
            "[fd00::1]",
        ],
    )
    def test_for_the_address_that_they_name(self, host):
        with pytest.raises(Invalid, match="not public"):
            egress.check(f"https://{host}/a")

    @pytest.mark.parametrize(
        "url", ["https://example.com/a?b=c#d", "https://EXAMPLE.com:443/", "https://8.8.8.8/a", "https://[2606:4700::1111]/"]
    )
    def test_are_not_these(self, url):
        assert egress.check(url).scheme == "https"

    def test_are_none_that_the_operator_allows_and_then_exactly_those(self, settings):
        settings.EGRESS_ALLOW = ["10.0.0.5:9000", "cos.inside:443"]
        assert egress.check("http://10.0.0.5:9000/a").port == 9000
        assert egress.check("https://cos.inside/a").host == "cos.inside"
        for url in ("http://10.0.0.5:9001/a", "http://10.0.0.6:9000/a", "http://user@10.0.0.5:9000/a", "ftp://10.0.0.5:9000/a"):
            with pytest.raises(Invalid):
                egress.check(url)


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            *("0.1.2.3", "10.0.0.1", "100.127.255.255", "127.8.8.8", "169.254.0.1", "172.16.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1"),
            *("192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.251", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
            *(
                "::",
                "::1",
                "::7f00:1",
                "::ffff:8.8.8.8",
                "64:ff9b::808:808",
                "64:ff9b:1::1",
                "100::1",
                "2001::1",
                "2001:db8::1",
                "2002:808:808::1",
            ),
            *("3fff::1", "5f00::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1"),
        ],
    )
    def test_inside_or_special_are_not_public(self, address):
        assert not egress.is_public(address)

    @pytest.mark.parametrize(
        "address",
        ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "193.0.0.1", "223.255.255.255", "2606:4700::1111", "2a00::1"],
    )
    def test_of_the_internet_are(self, address):
        assert egress.is_public(address)


class Flipping(egress.AbstractResolver):
    """A name server of the enemy: each time it is asked it gives the next answer."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [{"hostname": host, "host": one, "port": port, "family": family, "proto": 0, "flags": 0} for one in self.answers.pop(0)]

    async def close(self):
        pass


class TestNames:
    def resolve(self, *answers, host="example.com"):
        return asyncio.run(PublicResolver(Flipping(*answers)).resolve(host, 443))

    def test_that_lead_inside_are_refused(self):
        with pytest.raises(Invalid, match="not public"):
            self.resolve(["10.0.0.1"])

    def test_that_lead_inside_with_one_of_their_addresses_are_refused(self):
        with pytest.raises(Invalid, match="not public"):
            self.resolve(["8.8.8.8", "127.0.0.1"])

    def test_that_change_their_answer_gain_nothing_because_they_are_asked_once(self):
        resolver = Flipping(["8.8.8.8"], ["127.0.0.1"])
        connect_to = asyncio.run(PublicResolver(resolver).resolve("example.com", 443))
        assert [one["host"] for one in connect_to] == ["8.8.8.8"]
        assert resolver.answers == [["127.0.0.1"]]

    def test_that_the_operator_allows_may_lead_inside(self, settings):
        settings.EGRESS_ALLOW = ["cos.inside:443"]
        assert self.resolve(["10.0.0.1"], host="cos.inside")[0]["host"] == "10.0.0.1"

    def test_are_checked_where_the_connection_is_made(self, settings):
        async def run():
            async with wire(settings, allowed=False) as server:
                # Allowed as a URL, so that only the connector's resolver stands between us and the server.
                url = egress.URL(f"http://localhost:{server.port}/")
                with pytest.raises(Invalid, match="not public"):
                    async with egress._session(Timeouts(5, 5, 5)) as session:
                        await egress._followed(session, url)
                return server.connections

        assert asyncio.run(run()) == 0

    def test_of_the_machine_itself_are_refused(self):
        with pytest.raises(Invalid, match="not public"):
            asyncio.run(got("https://localhost/"))


class TestAFile:
    def test_comes_with_its_type_and_every_byte(self, settings):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(CONTENT, Content_Type="image/png")
                return await got(server.url("/a"))

        assert asyncio.run(run()) == ("image/png", CONTENT)

    def test_as_large_as_the_limit_is_taken_and_one_byte_more_is_not(self, settings):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(CONTENT)
                await got(server.url("/a"), limit=len(CONTENT))
                with pytest.raises(Invalid, match="larger than 299999 bytes"):
                    await got(server.url("/a"), limit=len(CONTENT) - 1)

        asyncio.run(run())

    def test_without_a_length_is_measured_as_it_comes(self, settings):
        async def endless(writer):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(bytes(10_000))
                await writer.drain()

        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = endless
                with pytest.raises(Invalid, match="larger than"):
                    await got(server.url("/a"), limit=50_000)

        asyncio.run(run())

    def test_that_comes_compressed_is_refused_because_its_true_size_is_anyones_guess(self, settings):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(gzip.compress(bytes(10**6)), Content_Encoding="gzip")
                with pytest.raises(Invalid, match="compresses"):
                    await got(server.url("/a"))

        asyncio.run(run())


class TestAnswers:
    @pytest.mark.parametrize(
        ("status", "error"),
        [
            *((status, Invalid) for status in (204, 206, 400, 403, 404, 410)),
            *((status, Unavailable) for status in (408, 425, 500, 502, 503)),
            (429, RateLimited),
        ],
    )
    def test_are_faults_for_good_or_for_now(self, settings, status, error):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(status=status)
                await got(server.url("/a"))

        with pytest.raises(error) as caught:
            asyncio.run(run())
        assert type(caught.value) is error

    @pytest.mark.parametrize(
        "bytes_sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"nonsense\r\n\r\n", answer(b"half", length=8), answer(b"", length=-1)]
    )
    def test_that_break_off_may_come_whole_next_time(self, settings, bytes_sent):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = bytes_sent
                await got(server.url("/a"))

        with pytest.raises(Unavailable):
            asyncio.run(run())

    def test_name_no_address_in_what_clients_read(self, settings):
        async def run():
            async with wire(settings) as server:
                server.paths["/secret"] = answer(status=404)
                await got(server.url("/secret"))

        with pytest.raises(Invalid, match="answered 404") as caught:
            asyncio.run(run())
        assert "127.0.0.1" not in str(caught.value)
        assert "secret" not in str(caught.value)


class TestServersThatCannotBeReached:
    def test_because_nobody_listens(self, settings):
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
            settings.EGRESS_ALLOW = [f"127.0.0.1:{port}"]
            with pytest.raises(NotSent):
                asyncio.run(got(f"http://127.0.0.1:{port}/"))

    def test_because_there_is_no_such_name(self):
        with pytest.raises(NotSent):
            asyncio.run(got("https://nobody.invalid/"))

    def test_because_their_certificate_is_not_to_be_trusted(self, settings, self_signed):
        async def run():
            async with wire(settings, tls=self_signed) as server:
                server.paths["/a"] = answer(CONTENT)
                await got(server.url("/a"))

        with pytest.raises(NotSent):
            asyncio.run(run())


class TestServersThatAreSlow:
    async def hang(self, writer):
        await asyncio.Event().wait()

    async def drip(self, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)

    @pytest.mark.parametrize(
        ("behaviour", "timeouts"),
        [("hang", Timeouts(5, 0.05, 5)), ("hang", Timeouts(5, 5, 0.05)), ("drip", Timeouts(5, 5, 0.2))],
        ids=["silent for too long", "no answer in all the time", "a byte now and then"],
    )
    def test_lose_us(self, settings, behaviour, timeouts):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = getattr(self, behaviour)
                await got(server.url("/a"), timeouts=timeouts)

        with pytest.raises(Unavailable):
            asyncio.run(run())


class TestAKey:
    KEY = "sk-nobody-else-may-read-this"

    def fetched(self, url):
        return got(url, headers={"Authorization": self.KEY})

    def test_is_shown_to_the_server_of_the_url_wherever_it_sends_us_within(self, settings):
        async def run():
            async with wire(settings) as server:
                server.paths |= {"/a": answer(status=302, Location="/b"), "/b": answer(CONTENT)}
                assert (await self.fetched(server.url("/a")))[1] == CONTENT
                assert [self.KEY.encode() in head for head in server.heads] == [True, True]

        asyncio.run(run())

    def test_is_shown_to_no_other_server(self, settings):
        async def run():
            async with wire(settings) as server, wire(settings) as other:
                server.paths["/a"] = answer(status=302, Location=other.url("/b"))
                other.paths["/b"] = answer(CONTENT)
                assert (await self.fetched(server.url("/a")))[1] == CONTENT
                assert self.KEY.encode() not in b"".join(other.heads)

        asyncio.run(run())

    @pytest.mark.parametrize("status", [401, 403])
    def test_that_is_refused_proves_nothing_about_the_file(self, settings, status):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(status=status)
                await self.fetched(server.url("/a"))

        with pytest.raises(Unavailable, match="refused our key") as caught:
            asyncio.run(run())
        assert self.KEY not in str(caught.value)


class TestRedirects:
    def test_are_followed_three_times_and_no_more(self, settings):
        async def run():
            async with wire(settings) as server:
                for hop, status in enumerate((301, 302, 307, 308)):
                    server.paths[f"/{hop}"] = answer(status=status, Location=f"/{hop + 1}")
                server.paths["/4"] = answer(b"there")
                assert (await got(server.url("/1")))[1] == b"there"
                with pytest.raises(Invalid, match="more than 3 times"):
                    await got(server.url("/0"))
                assert server.asked == ["/1", "/2", "/3", "/4", "/0", "/1", "/2", "/3"]

        asyncio.run(run())

    @pytest.mark.parametrize(
        "location",
        [
            "http://169.254.169.254/latest",
            "https://10.0.0.1/",
            "//127.0.0.1/",
            "file:///etc/passwd",
            "https://user@example.com/",
            "https://[",
            "https://[]@",
            "",
        ],
    )
    def test_are_checked_like_a_new_url(self, settings, location):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(status=302, Location=location)
                await got(server.url("/a"))

        with pytest.raises(Invalid):
            asyncio.run(run())

    def test_never_reach_a_server_that_is_not_allowed(self, settings):
        async def run():
            async with wire(settings) as server, wire(settings, allowed=False) as inner:
                server.paths["/a"] = answer(status=302, Location=inner.url())
                with pytest.raises(Invalid):
                    await got(server.url("/a"))
                return inner.connections

        assert asyncio.run(run()) == 0

    def test_carry_no_cookie_along(self, settings):
        async def run():
            async with wire(settings) as server:
                server.paths["/a"] = answer(status=302, Location="/b", Set_Cookie="a=b")
                server.paths["/b"] = answer(b"there")
                assert (await got(server.url("/a")))[1] == b"there"
                assert b"cookie" not in server.heads[1].lower()

        asyncio.run(run())


class TestResultsOfOurOwnFunctions:
    @pytest.fixture
    def folder(self, settings, tmp_path):
        settings.FUNCTIONS_DIR = tmp_path / "functions"
        (settings.FUNCTIONS_DIR / "out/one run").mkdir(parents=True)
        (tmp_path / "functions-secret").write_bytes(b"secret")
        return settings.FUNCTIONS_DIR

    def read(self, url):
        async def run():
            async with egress.local_result(url) as (_, chunks):
                return b"".join([chunk async for chunk in chunks])

        return asyncio.run(run())

    def test_are_read_by_a_file_url(self, folder):
        (folder / "out/one run/0.png").write_bytes(CONTENT)
        assert self.read((folder / "out/one run/0.png").as_uri()) == CONTENT

    def test_may_be_links_within_the_folder(self, folder):
        (folder / "out/0.png").write_bytes(CONTENT)
        (folder / "out/link").symlink_to(folder / "out/0.png")
        assert self.read((folder / "out/link").as_uri()) == CONTENT

    @pytest.mark.parametrize(
        "path",
        [
            "../functions-secret",
            "../functions/../functions-secret",
            "%2e%2e/functions-secret",
            "out",
            "missing",
            "",
            "link",
            "pipe",
            "up/x",
            "a%00b",
        ],
    )
    def test_are_plain_files_inside_and_nothing_else(self, folder, path):
        (folder / "link").symlink_to(folder.parent / "functions-secret")
        (folder / "up").symlink_to(folder.parent)
        os.mkfifo(folder / "pipe")
        with pytest.raises(Invalid):
            self.read(f"file://{folder}/{path}")

    @pytest.mark.parametrize("url", ["file://example.com/a", "https://example.com/a", "file:out/0.png", "storage:a"])
    def test_have_a_plain_file_url(self, folder, url):
        with pytest.raises(Invalid):
            self.read(url)


@pytest.fixture
def self_signed(tmp_path):
    """TLS with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    text = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "pem").write_bytes(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    return context


class TestSending:
    """`post`, to a server that takes webhooks."""

    TIMES = Timeouts(connect=5, idle=5, total=5)

    @pytest.fixture
    def receiver(self, settings):
        with Receiver() as receiver:
            settings.EGRESS_ALLOW = [f"127.0.0.1:{receiver.port}"]
            yield receiver

    def sent(self, url, *, keep=100, **headers):
        return asyncio.run(egress.post(url, b"news", headers, keep=keep, timeouts=self.TIMES))

    def test_brings_the_body_and_the_headers_and_gives_what_was_answered(self, receiver):
        receiver.will(reply(418, "short and stout"))
        answered = self.sent(f"{receiver.url}/hooks?a=b", one="two")
        (got,) = receiver.got
        assert (answered.status, answered.body) == (418, b"short and stout")
        assert (got.path, got.body, got.headers["one"]) == ("/hooks", b"news", "two")

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_follows_no_redirect(self, receiver, status):
        receiver.will(redirect("/elsewhere", status))
        answered = self.sent(f"{receiver.url}/hooks")
        assert (answered.status, answered.headers["Location"]) == (status, "/elsewhere")
        assert [one.path for one in receiver.got] == ["/hooks"]

    def test_keeps_no_more_of_an_answer_than_it_was_told(self, receiver):
        receiver.will(reply(200, "x" * 300_000))
        assert self.sent(receiver.url, keep=100).body == b"x" * 100

    def test_waits_for_the_status_and_not_for_a_body_that_drips(self, receiver):
        receiver.will(drip())
        started = time.monotonic()
        answered = self.sent(receiver.url)
        assert (answered.status, set(answered.body)) == (200, {ord(".")})
        assert time.monotonic() - started < egress.ANSWER_WITHIN + 1

    def test_is_done_once_however_the_connection_breaks(self, receiver):
        receiver.will(cut_before_answer())
        with pytest.raises(Unavailable, match="broke off"):
            self.sent(receiver.url)
        assert len(receiver.got) == 1

    def test_says_what_did_not_come_in_time(self, receiver):
        receiver.will(hang())
        with pytest.raises(Unavailable, match="did not answer in time"):
            asyncio.run(egress.post(receiver.url, b"", {}, keep=0, timeouts=Timeouts(5, 5, 0.1)))

    def test_never_reaches_a_server_that_is_not_allowed(self, receiver, settings):
        settings.EGRESS_ALLOW = []
        for url in (receiver.url, f"https://localhost:{receiver.port}/", f"https://127.0.0.1:{receiver.port}/"):
            with pytest.raises(Invalid):
                self.sent(url)
        assert receiver.connections == 0


class TestLookingNamesUp:
    def test_that_cannot_be_names_fails_like_those_that_are_not_there(self):
        with pytest.raises(NotSent):
            asyncio.run(got(f"https://{'a' * 64}.example/"))

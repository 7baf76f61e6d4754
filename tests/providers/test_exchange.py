"""What a witness has of an adapter's calls."""

import asyncio
import logging
from contextlib import asynccontextmanager, suppress

from providers.errors import UpstreamError
from providers.exchange import Overheard, Record, Witness
from providers.http import Http, Part

from .wire import answers, cuts_at_once, listening

SECRET = "s3cret-of-ours"
ORDER = {"prompt": "a kite", "key": SECRET}


@asynccontextmanager
async def called(treat=None):
    """(what an adapter calls through, a server's address)"""
    async with listening(treat or answers(b'{"id": "x"}')) as server:
        http = Http("plasma")
        yield Overheard(http, ["", SECRET]), server.url
        await http.close()


async def order(http, url, **body) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "X-Key": SECRET}
    await http.request("POST", f"{url}/jobs?key={SECRET}", headers=headers, timeout=20.0, paid=True, **(body or {"json": ORDER}))


def recorded(treat=None, **body) -> tuple[Record, str]:
    """The record of one call, and the server's address."""

    async def run():
        async with called(treat) as (http, url):
            witness = Witness()
            with witness.listening(), suppress(UpstreamError):
                await order(http, url, **body)
            return witness, url

    witness, url = asyncio.run(run())
    assert SECRET not in repr(witness)
    return witness.record(), url


class TestARecord:
    def test_has_request_and_answer_and_no_header_and_no_secret(self):
        record, url = recorded()
        assert record.request == f'POST {url}/jobs?key=…\n\n{{\n  "prompt": "a kite",\n  "key": "… (14 characters)"\n}}'
        assert record.answer == 'HTTP 200\n\n{\n  "id": "x"\n}'

    def test_has_what_was_answered_whatever_that_was(self):
        page = b"<html>busy, " + SECRET.encode()
        assert recorded(answers(page, status="503 Busy"))[0].answer == "HTTP 503\n\n<html>busy, …"

    def test_has_no_body_where_there_was_none(self):
        record, url = recorded(answers(b""), data=b"")
        assert record == Record(f"POST {url}/jobs?key=…", "HTTP 200")

    def test_has_no_answer_where_none_came(self):
        record, _ = recorded(cuts_at_once)
        assert ("a kite" in record.request, record.answer) == (True, "")

    def test_of_a_form_names_its_files(self):
        parts = (Part("prompt", "a kite"), Part("image", b"\x89PNG" * 500, "kite.png", "image/png"), Part("token", "abc"))
        record, _ = recorded(form=parts)
        assert all(told in record.request for told in ('"prompt": "a kite"', '"image": "kite.png, image/png, 2,000 bytes"', '"token": "…'))

    def test_of_a_signed_body_is_of_json_as_well(self):
        assert '{\n  "prompt": "a kite"\n}' in recorded(data=b'{"prompt":"a kite"}')[0].request

    def test_says_how_long_a_long_answer_was(self):
        assert recorded(answers(b"busy " * 100_000))[0].answer.endswith("busy … (500,000 bytes in all)")

    def test_that_cannot_be_made_is_none_and_keeps_nobody(self, caplog):
        class Broken(dict):
            def items(self):
                raise RuntimeError(SECRET)

        with caplog.at_level(logging.ERROR):
            assert recorded(json=Broken(a=1))[0] is None
        assert "a call could not be recorded: RuntimeError" in caplog.text
        assert SECRET not in caplog.text


class TestAWitness:
    def test_has_the_last_call_made_while_it_listened(self):
        async def run():
            witness = Witness()
            async with called() as (http, url):
                await order(http, url, json=["before"])
                with witness.listening():
                    await order(http, url, json=["first"])
                    await asyncio.gather(order(http, url, json=["last"]))  # in a task of its own
                await order(http, url, json=["after"])
            return witness.record()

        assert '"last"' in asyncio.run(run()).request

    def test_has_nothing_where_no_call_was_made(self):
        assert Witness().record() is None

    def test_hears_nothing_of_calls_that_others_listen_to(self):
        async def one(http, url, name):
            witness = Witness()
            with witness.listening():
                await order(http, url, json=[name])
            return witness.record()

        async def run():
            async with called() as (http, url):
                return await asyncio.gather(*(one(http, url, f"order {number}") for number in range(5)))

        assert all(f"order {number}" in record.request for number, record in enumerate(asyncio.run(run())))

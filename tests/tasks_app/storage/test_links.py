"""Links that open one object of ours for a day."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.utils import timezone

from tasks_app import ids
from tasks_app.storage import links

ID = ids.new()


def signature(url):
    return parse_qs(urlsplit(url).query)["signature"][0]


class TestASignedLink:
    def test_leads_to_the_content_address_of_its_object(self, settings):
        settings.PUBLIC_URL = "https://darkroom.example"
        assert links.signed_url("file", ID).startswith(f"https://darkroom.example/api/v1/files/{ids.shown('file', ID)}/content?signature=")

    def test_opens_its_object_and_no_other(self):
        signed = signature(links.signed_url("file", ID))
        assert links.is_signed("file", ID, signed)
        assert not links.is_signed("file", ids.new(), signed)
        assert not links.is_signed("output", ID, signed)

    def test_opens_it_for_a_day(self):
        signed = signature(links.signed_url("output", ID))
        for later, holds in ((links.LIVES - timedelta(minutes=1), True), (links.LIVES + timedelta(minutes=1), False)):
            with time_machine.travel(timezone.now() + later):
                assert links.is_signed("output", ID, signed) is holds

    def test_to_an_upload_opens_that_and_nothing_else_for_as_long_as_is_said(self, settings):
        settings.PUBLIC_URL = "https://darkroom.example"
        url, hour = links.upload_url(ID), timedelta(hours=1)
        assert url.startswith(f"https://darkroom.example/api/v1/uploads/{ids.shown('file', ID)}?signature=")
        signed = signature(url)
        assert links.opens_upload(ID, signed, lives=hour)
        assert not links.opens_upload(ids.new(), signed, lives=hour)
        assert not links.is_signed("file", ID, signed)
        assert not links.opens_upload(ID, signature(links.signed_url("file", ID)), lives=hour)
        with time_machine.travel(timezone.now() + timedelta(minutes=61)):
            assert not links.opens_upload(ID, signed, lives=hour)

    @pytest.mark.parametrize("forged", ["", ":", "a:b", "a:b:c", "1tYyXx:" + "A" * 43, "\x00", "字"])
    def test_is_not_guessed(self, forged):
        assert not links.is_signed("file", ID, forged)

    def test_does_not_outlive_the_secret_it_was_made_with(self, settings):
        signed = signature(links.signed_url("file", ID))
        settings.SECRET_KEY = "another"
        assert not links.is_signed("file", ID, signed)

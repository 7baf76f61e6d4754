"""One whole journey with LOG_LEVEL=DEBUG, and none of the secrets on its way stands in a line that was logged or printed."""

import io
import itertools
import logging
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from accounts import keys, sessions
from accounts.models import ApiKey
from config.logging import AboutFilter, JsonFormatter
from providers import credentials
from providers.models import Provider
from tasks_app.models import Attempt, Output
from tasks_app.storage import links
from tasks_app.webhooks import keyring
from tests.cast import START
from tests.upstreams import answer, cut_before_answer, garbage

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "correct-horse-battery-staple"
OLD_CREDENTIAL = "a-credential-of-last-year"


@pytest.fixture
def lines():
    """Everything that is logged, with what our own formatter adds to it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(AboutFilter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def secrets(acme, plasma, grit, in_cos, settings):
    """What must not be seen: what it is → the text."""
    settings.CONTENT = "redirect"
    return {
        "API key": acme.key[keys.PREFIX_LENGTH :],
        "digest of the API key": keys.digest(acme.key),
        "credential of plasma": plasma.KEY,
        "credential of grit": grit.KEY,
        "older credential": OLD_CREDENTIAL,
        "key of the bucket": settings.COS_SECRET_KEY,
        "SECRET_KEY": settings.SECRET_KEY,
        "sealing key": settings.SEALING_KEYS[0],
        "password": PASSWORD,
        "wrong password": PASSWORD[::-1],
    }


def of(key: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {key}"})


def buys(acme, road) -> None:
    """Tasks of both upstreams: one that succeeds, and those whose submits fail in every way that says something."""
    client = of(acme.key)
    for model in ("plasma-image", "plasma-video", "grit-image"):
        made = client.post("/api/v1/tasks", {"model": f"darkroom/{model}", "input": {"prompt": "a fox"}}, content_type="application/json")
        assert made.status_code == 201
    road.runs_dry()


def reads(acme, secrets) -> None:
    """The output, by a link to the bucket and by a link of ours."""
    output = Output.objects.order_by("id").first()
    link = links.signed_url("output", output.id)
    secrets["signature of our link"] = parse_qs(urlsplit(link).query)["signature"][0]
    path = urlsplit(link)
    sent = Client().get(f"{path.path}?{path.query}")
    assert sent.status_code == 302
    secrets["signature of the bucket's link"] = parse_qs(urlsplit(sent["Location"]).query)["q-signature"][0]
    assert of(acme.key).get(path.path).status_code == 302


def uploads(acme, secrets, sts) -> None:
    """By a link to the bucket, and by a link of ours that takes what is put, while STS gives out no keys."""
    wish = {"upload": {"name": "fox.txt", "bytes": 3}}
    for name in ("q-signature", "signature"):
        upload = of(acme.key).post("/api/v1/files", wish, content_type="application/json").json()
        link = urlsplit(upload["url"])
        secrets[f"{name} of an upload's link"] = parse_qs(link.query)[name][0]
        sts.will(garbage(), answer(403), at="GetFederationToken")
    (key,) = sts.given
    secrets |= {"temporary key": key.secret, "its id": key.id, "its token": key.token}
    assert Client().put(f"{link.path}?{link.query}", b"fox", content_type="text/plain").status_code == 204


def is_refused(acme) -> None:
    """A key that is none, one that is revoked, and one in a place where none belongs."""
    assert of(acme.key[:-1] + ("A" if acme.key[-1] != "A" else "B")).get("/api/v1/account").status_code == 401
    assert Client().get(f"/api/v1/tasks?key={acme.key}").status_code == 401
    keys.revoke(ApiKey.objects.get(digest=keys.digest(acme.key)), now=START)
    assert of(acme.key).get("/api/v1/account").status_code == 401


def operates(acme, secrets) -> None:
    """Signs in, after a wrong password, and makes a key."""
    User.objects.create_superuser("olga", password=PASSWORD)
    browser = Client()
    browser.post("/admin/login/", {"username": "olga", "password": PASSWORD[::-1]})
    assert browser.post("/admin/login/", {"username": "olga", "password": PASSWORD}).status_code == 302
    secrets["session"] = browser.cookies["sessionid"].value
    asked = {"_form_submitted": "True", "name": "from the admin"}
    page = browser.post(reverse("admin:accounts_account_new_key", args=[acme.id]), asked, follow=True).content.decode()
    (made,) = set(re.findall(r"dk_[A-Za-z0-9_-]{43}", page))
    secrets["key made in the admin"] = made[keys.PREFIX_LENGTH :]


def looks(acme, secrets) -> None:
    """Signs in to the studio, after a key that is none, and asks there for one more."""
    browser, ours = Client(), {"Sec-Fetch-Site": "same-origin"}
    for key, status in ((acme.key[::-1], 401), (acme.key, 204)):
        assert browser.post("/studio/session", {"key": key}, content_type="application/json", headers=ours).status_code == status
    secrets["session of the studio"] = browser.cookies[sessions.name()].value
    made = browser.post("/api/v1/keys", {"name": "from the studio"}, content_type="application/json", headers=ours)
    secrets["key made in the studio"] = made.json()["key"][keys.PREFIX_LENGTH :]
    secrets["key that is none"] = acme.key[::-1]


def test_no_secret_stands_in_a_log(acme, plasma, grit, road, secrets, sts, lines, capfd):
    plasma.will(answer(401, code=31), answer(500), garbage())
    grit.will(cut_before_answer())
    credentials.rotate(plasma_row(), {"key": OLD_CREDENTIAL}, now=START)
    credentials.rotate(plasma_row(), {"key": plasma.KEY}, now=START)
    ring = keyring.rotated(keyring.fresh(), now=START)
    secrets |= {"webhook secret": ring.secret, "webhook secret before it": ring.old}
    logging.getLogger("darkroom").info("a ring: %s, a key: %s", ring, ApiKey.objects.first(), extra={"sealed": keyring.sealed(ring)})

    buys(acme, road)
    reads(acme, secrets)
    uploads(acme, secrets, sts)
    operates(acme, secrets)
    looks(acme, secrets)
    is_refused(acme)

    seen = lines.getvalue() + "".join(capfd.readouterr())
    assert "/api/v1/tasks" in seen  # the journey was logged
    assert len(min(secrets.values(), key=len)) >= 8
    assert [what for what, secret in secrets.items() if secret in seen] == []
    kept = "".join(itertools.chain(*Attempt.objects.values_list("request", "answer", "ending")))
    assert "a fox" in kept  # what was said to upstreams
    assert [what for what, secret in secrets.items() if secret in kept] == []


def plasma_row():

    return Provider.objects.get(name="plasma")

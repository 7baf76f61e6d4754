"""What the tests of the studio share: the browser, and somebody in front of it."""

import pytest

from tests.browser import chromium

from .studio import a_person


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def studio(browser, client):
    """Somebody at a desk, signed in as the module's client; and nothing went wrong in their page."""
    with a_person(browser, client) as person:
        person.enter()
        yield person
        assert person.troubles() == []

"""What a client is told of an error, and what only an operator reads."""

import pytest

from providers import errors

WITH_WHOM = "Kling's code is 1101."


def leaves(family):
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, family)]


@pytest.mark.parametrize("kind", [*leaves(errors.Refused), *leaves(errors.GenerationFailed)])
def test_what_is_about_the_request_is_told_in_the_upstreams_words(kind):
    assert kind("no kites, please").told == "no kites, please"


@pytest.mark.parametrize("kind", [*leaves(errors.NotAccepted), *leaves(errors.OutcomeUnknown), errors.NotFound])
def test_of_our_dealings_with_an_upstream_a_client_learns_the_trouble_and_not_with_whom(kind):
    error = kind(WITH_WHOM)
    assert error.message == WITH_WHOM
    assert "Kling" not in error.told
    assert error.told

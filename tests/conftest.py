"""The standing cast, for every test."""

from hypothesis import settings

pytest_plugins = ["tests.cast"]

# pytest --hypothesis-profile=long: properties are tried for minutes, not for seconds.
settings.register_profile("long", max_examples=2500)

"""The standing cast, for every test."""

from hypothesis import settings

pytest_plugins = ["tests.cast"]

# pytest --hypothesis-profile=long: properties are tried for minutes, not for seconds.
settings.register_profile("long", max_examples=2500)

# What was tried in full on MariaDB is tried on SQLite with these: each example sends nearly every statement there is.
settings.register_profile("once-more", max_examples=35)

"""The standing cast, for every test."""

pytest_plugins = ["tests.cast"]

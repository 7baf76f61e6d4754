import pytest
from cryptography.fernet import Fernet

from providers.checks import adapters_can_be_loaded, functions_in_the_cloud_have_a_bucket, sealing_keys_are_keys

KEY = Fernet.generate_key().decode()


class TestSealingKeys:
    def test_that_are_fernet_keys_pass(self, settings):
        settings.SEALING_KEYS = [KEY, Fernet.generate_key().decode()]
        assert sealing_keys_are_keys(None) == []

    @pytest.mark.parametrize("wrong", ["", "short", KEY[:-4], "ä" * 44], ids=lambda value: str(len(value)))
    def test_that_are_none_are_counted_and_never_printed(self, settings, wrong):
        settings.SEALING_KEYS = [KEY, wrong]
        (error,) = sealing_keys_are_keys(None)
        assert (error.id, error.msg) == ("providers.E001", "Key 2 of SEALING_KEYS is no Fernet key")
        assert "Fernet.generate_key()" in error.hint

    def test_are_needed(self, settings):
        settings.SEALING_KEYS = []
        (error,) = sealing_keys_are_keys(None)
        assert "SEALING_KEYS is empty" in error.msg


class TestAdapters:
    def test_that_load_pass(self, settings):
        settings.ADAPTERS = ["tests.upstreams.plasma_adapter"]
        assert adapters_can_be_loaded(None) == []

    @pytest.mark.parametrize("module", ["tests.upstreams.smoke_adapter", "providers.errors"])
    def test_that_do_not_are_named(self, settings, module):
        settings.ADAPTERS = [module]
        (error,) = adapters_can_be_loaded(None)
        assert error.id == "providers.E002"
        assert f"The adapter '{module.rpartition('.')[2]}' cannot be loaded" in error.msg


class TestFunctionsInTheCloud:
    @pytest.mark.parametrize(
        ("functions", "storage", "found"), [("local", "disk", []), ("scf", "cos", []), ("scf", "disk", ["providers.E003"])]
    )
    def test_need_a_bucket(self, settings, functions, storage, found):
        settings.FUNCTIONS, settings.STORAGE = functions, storage
        assert [error.id for error in functions_in_the_cloud_have_a_bucket(None)] == found

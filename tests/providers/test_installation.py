"""manage.py providers install NAME: what Darkroom brings along for a vendor."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from providers import built_in, catalogue, credentials, directory, installation, offers, registry
from providers.models import Provider, PublicModel, Route

CHINESE = re.compile("[\u4e00-\u9fff]")
PICTURE = "https://a.example/1.png"
GIVEN = {
    "prompt": "a kite",
    "images": [PICTURE],
    "mask": PICTURE,
    "input_references": [PICTURE],
    "frame_images": [{"image": PICTURE, "frame_type": "first_frame"}],
}


@pytest.fixture
def install(db, capsys):
    """Run the command; returns what it printed."""

    def run(*given):
        call_command("providers", "install", *given)
        catalogue.forget()
        directory.forget()
        return capsys.readouterr().out

    return run


def rows():
    return [list(kind.objects.order_by("id").values()) for kind in (Provider, PublicModel, Route)]


@pytest.mark.parametrize("vendor", offers.names())
class TestEachVendor:
    def test_is_installed_as_an_operator_may_save_it(self, install, vendor):
        install(vendor)
        for row in [*Provider.objects.all(), *PublicModel.objects.all(), *Route.objects.all()]:
            row.full_clean()

    def test_has_an_adapter_that_makes_what_its_models_are(self, vendor):
        facts = registry.adapter_class(vendor).FACTS
        assert {model.kind for model in offers.of(vendor).models} <= facts.kinds

    def test_has_all_that_people_read_in_chinese_too(self, vendor):
        for model in offers.of(vendor).models:
            assert model.title_zh, model.name
            assert CHINESE.search(model.description_zh), model.name

    def test_can_be_priced_with_no_more_than_what_is_required(self, install, vendor):
        install(vendor)
        for model in catalogue.all():
            given = {name: GIVEN[name] for name in model.schema["required"]}
            price = catalogue.price(model, catalogue.validate(model, given))
            assert (price.total > 0, price.outputs) == (True, 1)

    def test_tells_whose_figures_a_price_follows_and_of_when(self, vendor):
        for model in offers.of(vendor).models:
            assert re.fullmatch(r"(.+, 202\d-(0[1-9]|1[0-2]))?", model.price_source)

    def test_installed_again_changes_nothing(self, install, vendor):
        install(vendor)
        before = rows()
        assert "created" not in install(vendor)
        assert rows() == before

    def test_is_not_changed_by_a_dry_run_that_says_what_would_be(self, install, vendor):
        said = install(vendor, "--dry-run")
        assert rows() == [[], [], []]
        assert install(vendor) == said


class TestAProviderThatNeedsCredentials:
    def test_is_switched_off_until_the_operator_has_entered_them(self, install):
        assert install("kling").splitlines()[0] == (
            'provider kling: created, at its own address; enter its credentials {"api_key": "…"} in the admin and switch it on'
        )
        assert directory.routes("kling/3.0") == []
        provider = Provider.objects.get()
        credentials.rotate(provider, {"api_key": "x"}, now=datetime.now(UTC))
        Provider.objects.update(is_enabled=True)
        assert install("kling").splitlines()[0] == "provider kling: kept, at its own address"
        assert [route.upstream_model for route in directory.routes("kling/3.0")] == ["kling-3.0"]

    def test_keeps_all_that_is_the_operators(self, install):
        install("kling")
        Provider.objects.update(base_url="https://api-beijing.klingai.com", max_jobs=9)
        PublicModel.objects.update(price="99", title="Ours", is_enabled=False)
        before = rows()
        assert "model kling/3.0: kept, price 99, disabled" in install("kling")
        assert rows() == before


class TestAPriceOfWhichNobodyToldUsAFigure:
    @pytest.fixture
    def installed(self, db):
        """Install Kling with so many of its five prices without a source; returns what was said."""

        def install(guessed):
            offer = offers.of("kling")
            sources = [*[""] * guessed, *["its price page, 2026-11"] * (len(offer.models) - guessed)]
            models = tuple(replace(model, price_source=source) for model, source in zip(offer.models, sources, strict=True))
            return installation.install(replace(offer, models=models), now=datetime.now(UTC))

        return install

    def test_is_called_an_estimate_before_the_operator_sells_by_it(self, installed):
        said = installed(2)
        assert [line.endswith(" (an estimate)") for line in said[1:-1]] == [True, True, False, False, False]
        assert said[-1] == "2 of 5 prices estimated: check before you sell"

    def test_is_called_so_again_until_the_operator_has_set_another(self, installed):
        assert installed(2)[-1] == installed(2)[-1]
        PublicModel.objects.filter(name="kling/3.0").update(price="99")
        assert installed(2)[-1] == "1 of 5 prices estimated: check before you sell"

    def test_is_not_spoken_of_where_there_is_none(self, installed):
        assert "estimate" not in "".join(installed(0))

    def test_is_none_of_our_own_functions(self, db):
        assert "estimate" not in "".join(built_in.install())


class TestAVendorWithoutAnOffer:
    def test_is_refused_by_name(self, db):
        with pytest.raises(CommandError, match="invalid choice: 'klong'"):
            call_command("providers", "install", "klong")
        with pytest.raises(LookupError, match=r"nothing is brought along for 'klong'; there are .*kling"):
            offers.of("klong")

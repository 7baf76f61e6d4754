"""The generated pages say what the code does."""

from config import pages
from config.env import DECLARED, from_file, read_all
from providers import adapters, offers


class TestTheGeneratedPages:
    def test_the_example_is_what_the_code_declares(self):
        assert pages.EXAMPLE.read_text(encoding="utf-8") == pages.example(), "run: make format"

    def test_the_documentation_is_what_the_code_declares(self):
        assert pages.PAGE.read_text(encoding="utf-8") == pages.page(), "run: make format"

    def test_the_providers_are_what_their_adapters_declare(self):
        assert pages.PROVIDERS.read_text(encoding="utf-8") == pages.providers(), "run: make format"

    def test_every_adapter_is_among_them(self):
        rows = [line for line in pages.providers().splitlines() if line.startswith("| `")]
        assert [line.split("`")[1] for line in rows] == sorted(adapters.BUILT_IN)

    def test_each_provider_says_how_many_of_its_prices_have_a_source(self):
        rows = {line.split("`")[1]: line.split(" | ") for line in pages.providers().splitlines() if line.startswith("| `")}
        for vendor in offers.names():
            sources = [model.price_source for model in offers.of(vendor).models]
            assert rows[vendor][3] == f"{len(sources) - sources.count('')} of {len(sources)}"

    def test_the_example_copied_as_it_stands_changes_nothing(self):
        assert read_all(from_file(pages.EXAMPLE)) == read_all({})

    def test_its_defaults_are_the_codes_when_the_comment_signs_are_taken_away(self, tmp_path):
        file = tmp_path / ".env"
        file.write_text("\n".join(line.removeprefix("#") for line in pages.example().splitlines() if not line.startswith("# ")))
        given = {name: value for name, value in from_file(file).items() if not secret(name)}
        assert read_all(given) == read_all({})

    def test_no_secret_has_a_default_to_copy(self):
        for var in DECLARED:
            if var.secret:
                assert f"#{var.name}=\n" in pages.example()
                assert not var.default or str(var.default) not in pages.example() + pages.page()


def secret(name):
    return next(var.secret for var in DECLARED if var.name == name)

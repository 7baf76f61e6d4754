"""A status that no table has: the job runs, and the log says so once."""

from providers import words
from providers.outcomes import Finished, Running

TABLE = {"done": Finished}


class TestAWord:
    def test_of_the_table_means_what_it_says(self, caplog):
        assert words.meaning("done", TABLE, of="acme-words") is Finished
        assert not caplog.records

    def test_that_is_new_means_running_and_is_told_once(self, caplog):
        said = [words.meaning(word, TABLE, of="acme-words") for word in ("dreaming", "dreaming", "sleeping", None, ["x"])]
        assert set(said) == {Running}
        assert [record.args[1] for record in caplog.records] == ["dreaming", "sleeping", "None", "['x']"]

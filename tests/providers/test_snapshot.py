from providers.snapshot import AGE_S, Snapshot


class Source:
    """Counts how often it was asked."""

    def __init__(self):
        self.last_values = []

    def __call__(self, last):
        self.last_values.append(last)
        return len(self.last_values)


class TestASnapshot:
    def test_is_loaded_once_within_its_age(self):
        snapshot = Snapshot(Source())
        assert [snapshot.get(now=now) for now in (0, 1, AGE_S - 0.01)] == [1, 1, 1]

    def test_is_loaded_again_beyond_it_from_the_last_value(self):
        source = Source()
        snapshot = Snapshot(source)
        assert [snapshot.get(now=now) for now in (0, AGE_S, 2 * AGE_S)] == [1, 2, 3]
        assert source.last_values == [None, 1, 2]

    def test_is_loaded_afresh_once_forgotten(self):
        snapshot = Snapshot(Source())
        snapshot.get(now=0)
        snapshot.forget()
        assert snapshot.get(now=0) == 2

    def test_by_the_real_clock_is_kept(self):
        snapshot = Snapshot(Source())
        assert snapshot.get() == snapshot.get() == 1

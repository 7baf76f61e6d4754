"""Prices made up at random: each fits the schema of these tests, and names the usage `tokens` and `seconds`."""

from hypothesis import strategies as st

DURATIONS = st.floats(1, 30) | st.integers(1, 30)
ARITHMETIC, EQUALITY = st.sampled_from(("+", "-", "*")), st.sampled_from(("==", "!="))
ORDER = EQUALITY | st.sampled_from(("<", "<=", ">", ">="))

NUMBER = (
    st.sampled_from(("tokens", "seconds"))
    | st.sampled_from(("n", "duration", "tokens", "seconds"))
    | st.integers(0, 50).map(str)
    | st.floats(0, 5).map(repr)
)
TEXT = st.sampled_from(("resolution", '"720p"', '"1080p"'))


def _numbers(inner):
    return st.one_of(
        st.tuples(inner, ARITHMETIC, inner).map(lambda parts: "({} {} {})".format(*parts)),
        st.tuples(inner, st.sampled_from(("/", "//", "%")), st.sampled_from(("2", "7", "0.3"))).map(
            lambda parts: "({} {} {})".format(*parts)
        ),
        st.tuples(st.sampled_from(("min", "max")), inner, inner).map(lambda parts: "{}({}, {})".format(*parts)),
        inner.map(lambda one: f"ceil({one})"),
        inner.map(lambda one: f"-{one}"),
        st.tuples(inner, _conditions(inner), inner).map(lambda parts: "({} if {} else {})".format(*parts)),
        st.tuples(_texts(inner)).map(lambda parts: "len({})".format(*parts)),
        st.just("len(images)"),
    )


def _texts(inner):
    chosen = st.tuples(TEXT, _order(inner), TEXT).map(lambda parts: "({} if {} else {})".format(*parts))
    return TEXT | chosen


def _order(inner):
    once = st.tuples(inner, ORDER, inner).map(lambda parts: "{} {} {}".format(*parts))
    twice = st.tuples(inner, ORDER, inner, ORDER, inner).map(lambda parts: "{} {} {} {} {}".format(*parts))
    return once | twice


def _conditions(inner):
    one = _order(inner) | st.just("generate_audio") | st.tuples(_texts(inner), EQUALITY, TEXT).map(lambda parts: "{} {} {}".format(*parts))
    both = st.tuples(one, st.sampled_from(("and", "or")), one).map(lambda parts: "({} {} {})".format(*parts))
    return one | both | one.map(lambda text: f"(not ({text}))")


NUMBERS = st.recursive(NUMBER, _numbers, max_leaves=8)


def inputs():
    return st.fixed_dictionaries(
        {
            "prompt": st.just("a cat"),
            "n": st.integers(1, 4),
            "duration": DURATIONS,
            "resolution": st.sampled_from(("480p", "720p", "1080p")),
            "generate_audio": st.booleans(),
            "images": st.lists(st.just("file_1"), max_size=3),
        }
    )

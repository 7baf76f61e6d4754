"""What an operator may read of what went over a wire."""

import json
import string
from base64 import b64encode

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from providers import hooks
from providers.redaction import LONGEST, LONGEST_STRING, LOOKED_AT, READ_WHOLE, SHORTEST_SECRET, Redactor

KEY = 'sk-Live/0123+"4567\\89'
PICTURE = b64encode(bytes(range(256)) * 3).decode()

secrets = st.text(string.ascii_letters + string.digits + string.punctuation + " é钥", min_size=SHORTEST_SECRET, max_size=80).filter(
    lambda secret: not secret.isspace()
)
texts = st.text(max_size=40) | st.sampled_from(
    ["https://a.example/b?c=", "token: ", "data:image/png;base64,", "Bearer ", "{", '"', PICTURE]
)


def body(content, *secrets: str, size: int = 0) -> str:
    return Redactor(secrets).body(content, size)


class TestASecret:
    """Of one that the redactor was told of, nothing is to be read, whatever stands around it."""

    @given(secret=secrets, before=st.lists(texts), after=st.lists(texts))
    @example(secret=KEY, before=["x" * (LOOKED_AT - 5)], after=["y" * 200_000])
    @example(secret=KEY, before=[PICTURE, "x" * (LONGEST - 200)], after=["y"])
    def test_is_in_no_text(self, secret, before, after):
        text = "".join([*before, secret, *after]).encode(errors="ignore")
        assume(b"\0" not in text)
        assert secret not in body(text, secret)

    @given(data=st.data(), secret=secrets)
    def test_is_in_no_json(self, data, secret):
        holding = st.tuples(texts, texts).map(lambda around: f"{around[0]}{secret}{around[1]}")
        leaves = st.none() | st.integers() | texts | holding
        value = data.draw(st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(texts | holding, inner), max_leaves=20))
        assume(is_sendable(value))
        for content in (value, json.dumps(value).encode(), json.dumps(value, ensure_ascii=False).encode()):
            assert secret not in body(content, secret)

    @pytest.mark.parametrize("known", range(3, len(KEY)))
    def test_is_not_there_in_part_where_a_text_was_cut(self, known):
        """Where we look no further, all but `known` letters of it are to come."""
        string = "a fox " * LONGEST_STRING
        bytes_then_more = f"{'A' * (LOOKED_AT - 1000)} {string}"  # of the bytes a note is left, so what comes then is seen
        for whole, shown_of in ((string, LONGEST_STRING), (bytes_then_more, LOOKED_AT)):
            told = whole[: shown_of - known] + KEY + " " * READ_WHOLE
            for content in ({"said": told}, told.encode()):
                assert KEY[:3] not in body(content, KEY)

    def test_is_not_there_where_only_our_own_marks_would_spell_it(self):
        assert '"id": "x' not in body({"id": "xyz"}, '"id": "x')

    @given(secret=secrets, around=st.lists(texts))
    def test_is_in_no_address(self, secret, around):
        for written in (secret, *spellings(secret)):
            assert written not in Redactor([secret]).address(f"https://api.example/{'/'.join(around)}?a={written}&b=c")

    @pytest.mark.parametrize("spelling", range(4))
    def test_is_in_no_text_as_json_or_an_address_spells_it(self, spelling):
        written = spellings(KEY)[spelling]
        assert written not in body(f'{{"cut": "{written}'.encode(), KEY)

    def test_that_begins_another_leaves_nothing_of_it(self):
        assert body(b"I saw abcdef123456!", "abcdef", "abcdef123456") == "I saw …!"

    def test_too_short_to_be_one_is_no_reason_to_shred_a_text(self):
        assert body(b"10 of 100", "1", "") == "10 of 100"


class TestWhatLooksLikeASecret:
    @pytest.mark.parametrize(
        ("told", "shown"),
        [
            ("see https://cos.example/a.png?q-sign=1&q-ak=2 there", "see https://cos.example/a.png?… (15 characters) there"),
            ("https://ann:hush@cos.example/a", "https://…@cos.example/a"),
            ("https://a.example/b#frag", "https://a.example/b#… (4 characters)"),
            ("Authorization: Bearer abc.def", "Authorization: … …"),
            ("got api_key=abc, and no model", "got api_key=…, and no model"),
            ("'access-token': 'a b'", "'access-token': …"),
            ("foo: token=abc", "foo: token=…"),
            ("eyJhbGciOiJIUzI1NiJ9.e30.abc is late", "… is late"),
            (f"data:image/png;base64,{PICTURE}", f"data:image/png;… ({len(PICTURE) + 7:,} characters)"),
            (f"it was {PICTURE}.", f"it was … ({len(PICTURE):,} characters)."),
        ],
        ids=lambda value: value[:20],
    )
    def test_is_left_out_of_a_text_and_of_json(self, told, shown):
        assert body(told.encode()) == shown
        assert json.loads(body({"said": told})) == {"said": shown}

    def test_is_left_out_of_json_by_its_name(self):
        told = {"token": "abc", "apiKey": "abc", "X-Amz-Signature": "abc", "secret_id": "abc", "key": "abc"}
        assert set(json.loads(body(told)).values()) == {"… (3 characters)"}

    def test_stays_where_it_is_none(self):
        told = {"req_key": "jimeng_t2i", "max_tokens": 5, "design": "oak", "keyframe": "a", "message": "the design: oak, tokens: 5"}
        assert json.loads(body(told)) == told

    def test_is_left_out_where_json_escapes_it(self):
        assert body(rb'{"url":"https:\/\/a.example\/b?st=1\u0026e=2"') == r'{"url":"https:\/\/a.example\/b?… (13 characters)"'

    def test_is_left_out_of_our_address_for_calls(self, settings):
        settings.HOOKS_URL = "https://us.example"
        address = hooks.address("bell", "task_1-1")
        for told in (address, address.replace("/", r"\/"), address.replace("/", "%2F")):
            assert hooks.secret_in(address) not in body(f'{{"call": "{told}'.encode())
            assert hooks.secret_in(address) not in Redactor([]).address(f"https://a.example/?call={told}")

    def test_is_left_out_of_an_address_whose_query_says_what_for(self):
        url = "https://u:p@api.example/?Action=Submit&Version=3&Signature=abc&api_key=def"
        assert Redactor([]).address(url) == "https://…@api.example/?Action=Submit&Version=3&Signature=…&api_key=…"


class TestAText:
    def test_of_json_has_a_line_for_each_value_in_its_own_order_and_script(self):
        assert body('{"b": "城市", "a": [1]}'.encode()) == '{\n  "b": "城市",\n  "a": [\n    1\n  ]\n}'

    def test_of_bytes_says_how_many(self):
        assert body(b"\x89PNG\0", size=12_345) == "… (12,345 bytes)"

    def test_is_cut_where_it_is_long_and_says_by_how_much(self):
        assert body(["ab"] * 1000).startswith('[\n  "ab",')
        assert body(b"ab " * 2000) == "ab " * 1333 + "a… (2,000 more characters)"
        assert body(b"ab " * 3000) == "ab " * 1333 + "a… (9,000 bytes in all)"

    def test_of_a_long_string_in_json_leaves_room_for_others(self):
        assert json.loads(body({"prompt": "a fox " * 500, "n": 1})) == {
            "prompt": ("a fox " * 334)[:2000] + "… (1,000 more characters)",
            "n": 1,
        }

    @given(st.binary(max_size=300) | st.text().map(lambda text: text.encode(errors="surrogatepass")))
    @example(b'"\\ud800"')
    @example(b"[" * 5000 + b"]" * 5000)
    def test_can_be_kept_whatever_came(self, content):
        shown = body(content, KEY)
        shown.encode()
        assert len(shown) < LONGEST + 60

    @given(
        st.recursive(st.none() | st.floats() | st.text(max_size=3000), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
    )
    def test_is_bounded_however_much_was_sent(self, value):
        assert len(body([value] * 9)) < LONGEST + 60


def spellings(secret: str) -> list[str]:
    escaped = json.dumps(secret)[1:-1]
    return [secret, escaped, escaped.replace("/", r"\/"), json.dumps(secret, ensure_ascii=False)[1:-1]]


def is_sendable(value) -> bool:
    """Whether JSON can be sent that holds it."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True

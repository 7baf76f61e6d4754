from datetime import timedelta
from functools import partial

import pytest
from django.db import connection

from accounts import keys
from accounts.key_cache import KeyCache
from accounts.models import ApiKey

pytestmark = pytest.mark.django_db

find = partial(keys.find, cache=KeyCache())  # one that remembers nothing

RANDOM = "abcdefgh-IJKLMNOPQRSTUVWXYZ_0123456789xyzab"


@pytest.fixture
def made(acme, now):
    return keys.make(acme, "ci", now=now, random=lambda bytes: RANDOM)


class TestMakingAKey:
    def test_it_is_dk_and_43_random_characters(self, acme, now):
        rows_and_keys = [keys.make(acme, "ci", now=now) for _ in range(20)]
        assert all(keys.SHAPE.fullmatch(key) for _, key in rows_and_keys)
        assert len({key for _, key in rows_and_keys}) == 20

    def test_it_takes_256_bits_of_the_randomness_given(self, acme, now):
        asked = []
        _, key = keys.make(acme, "ci", now=now, random=lambda bytes: asked.append(bytes) or RANDOM)
        assert (asked, key) == ([32], f"dk_{RANDOM}")

    def test_only_prefix_and_digest_are_kept(self, made, now):
        row, key = made
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM accounts_apikey")
            kept = repr(cursor.fetchall())
        assert key not in kept
        assert key[11:] not in kept
        assert (row.prefix, row.digest, row.created_at) == ("dk_abcdefgh", keys.digest(key), now)

    def test_the_secret_part_is_in_no_text_of_the_row(self, made):
        row, key = made
        assert key[11:] not in f"{row} {row!r} {vars(row)}"

    def test_the_digest_is_sha_256(self):
        assert keys.digest("dk_x") == "beda7f22b39b971e23ce487250e8ad66d03b799a9dd94ddc2417a20e00a38609"


class TestFindingAKey:
    def test_tells_whose_it_is(self, made, acme, now):
        row, key = made
        caller = find(key, now=now)
        assert (caller.account_id, caller.key_id, caller.name) == (acme.id, row.id, "acme")
        assert caller.is_authenticated

    def test_an_unknown_key_belongs_to_nobody(self, made, now):
        assert find("dk_" + "x" * 43, now=now) is None

    @pytest.mark.parametrize("text", ["", "dk_", "dk_short", RANDOM, f"dk_{RANDOM}x", f"dk_{RANDOM}\n", f"sk_{RANDOM}", "dk_" + "é" * 43])
    def test_what_is_no_key_is_refused_without_asking_anyone(self, made, now, text, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert find(text, now=now) is None

    def test_the_case_of_letters_matters(self, made, now):
        assert find(f"dk_{RANDOM.swapcase()}", now=now) is None

    def test_a_disabled_account_may_still_read_what_it_has(self, made, acme, now):
        acme.is_enabled = False
        acme.save(update_fields=["is_enabled"])
        assert find(made[1], now=now) is not None


class TestRevokingAKey:
    def test_ends_it(self, made, now):
        row, key = made
        keys.revoke(row, now=now)
        assert find(key, now=now) is None
        assert ApiKey.objects.get().revoked_at == row.revoked_at == now

    def test_again_keeps_the_first_time(self, made, now):
        row, _ = made
        keys.revoke(row, now=now)
        keys.revoke(row, now=now + timedelta(days=1))
        assert ApiKey.objects.get().revoked_at == now

    def test_leaves_the_accounts_other_keys_alone(self, made, acme, now):
        _, other = keys.make(acme, "laptop", now=now)
        keys.revoke(made[0], now=now)
        assert find(other, now=now) is not None


class TestTheTimeOfLastUse:
    def test_is_noted(self, made, now):
        find(made[1], now=now)
        assert ApiKey.objects.get().last_used_at == now

    def test_is_written_once_a_minute_at_most(self, made, now, django_assert_num_queries):
        find(made[1], now=now)
        with django_assert_num_queries(1):
            find(made[1], now=now + timedelta(seconds=59))
        assert ApiKey.objects.get().last_used_at == now
        find(made[1], now=now + timedelta(seconds=60))
        assert ApiKey.objects.get().last_used_at == now + timedelta(seconds=60)

"""What the doctor says of the store."""

import pytest

from tasks_app.doctor import files
from tests.upstreams import answer


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.STORAGE_DIR = tmp_path


def test_a_bucket_that_does_all_it_promises_is_well(in_cos):
    assert [one.level for one in files.storage()] == ["ok"]


def test_a_missing_right_to_ask_sts_is_named_and_breaks_nothing(in_cos, sts):
    sts.will(answer(403), at="GetFederationToken")
    (verdict,) = files.storage()
    assert (verdict.level, verdict.figure.endswith("the key needs name/sts:GetFederationToken")) == ("warn", True)


def test_what_else_fails_is_told_first(in_cos, sts):
    sts.will(answer(403), at="GetFederationToken")
    in_cos.will(answer(403), at="copy")
    (verdict,) = files.storage()
    assert (verdict.level, verdict.figure) == ("fail", "copy: the storage cannot write: COS answered 403 AccessDenied")

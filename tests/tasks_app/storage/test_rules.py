"""What the bucket is told: ours is added, what others told it stays."""

import pytest

from tasks_app.storage import Unwritable, rules
from tasks_app.storage.rules import Rules
from tests.upstreams import answer

ORIGIN = "https://darkroom.example"
FOREIGN = Rules(
    ({"ID": "backup", "Filter": {"Prefix": "backup/"}, "Status": "Disabled", "Expiration": {"Days": "7"}},),
    ({"ID": "studio", "AllowedOrigin": ["https://other.example"], "AllowedMethod": ["PUT"], "MaxAgeSeconds": "5"},),
)


class TestThePlan:
    def test_ends_unfinished_uploads_after_a_day_wherever_we_write(self):
        found = {rule["Filter"]["Prefix"]: rule for rule in rules.planned(Rules(), [ORIGIN]).lifecycle}
        assert set(found) == {"checks/", "files/", "found/", "functions/", "inputs/", "outputs/", "uploads/"}
        assert {rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] for rule in found.values()} == {"1"}

    def test_lets_no_result_and_no_file_expire(self):
        expires = {rule["Filter"]["Prefix"] for rule in rules.planned(Rules(), [ORIGIN]).lifecycle if "Expiration" in rule}
        assert expires == {"checks/", "found/", "functions/", "inputs/", "uploads/"}

    def test_lets_pages_of_these_origins_read_and_put_by_links_and_no_more(self):
        (cors,) = rules.planned(Rules(), [ORIGIN, "https://studio.example"]).cors
        assert (cors["AllowedOrigin"], cors["AllowedMethod"]) == ([ORIGIN, "https://studio.example"], ["GET", "HEAD", "PUT"])

    def test_leaves_the_rules_of_others_and_takes_the_place_of_our_own(self):
        once = rules.planned(FOREIGN, ["https://old.example"])
        again = rules.planned(once, [ORIGIN])
        assert again == rules.planned(FOREIGN, [ORIGIN])
        assert (again.lifecycle[0], again.cors[0]) == (FOREIGN.lifecycle[0], FOREIGN.cors[0])


class TestTheBucket:
    def test_has_none_at_first(self, cos):
        assert rules.look(cos.wire) == Rules()

    def test_takes_them_and_shows_them_as_they_were_planned(self, cos):
        plan = rules.planned(FOREIGN, [ORIGIN])
        rules.apply(cos.wire, plan)
        assert rules.look(cos.wire) == plan

    def test_that_refuses_them_says_so(self, cos, simulator):
        simulator.will(answer(403), at="put_document")
        with pytest.raises(Unwritable, match="AccessDenied"):
            rules.apply(cos.wire, rules.planned(Rules(), [ORIGIN]))

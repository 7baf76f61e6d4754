"""Reading what the cloud answers with: pure."""

import json

import pytest

from scf_client.client import CloudError, Ended, Unreadable, is_envelope, platform_error, response


class TestAnAnswer:
    def test_is_what_stands_in_response(self):
        assert response({"Response": {"Result": {}, "RequestId": "1"}}) == {"Result": {}, "RequestId": "1"}

    def test_with_an_error_is_a_refusal_by_its_code(self):
        with pytest.raises(CloudError) as refused:
            response({"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "slow"}, "RequestId": "1"}})
        assert refused.value.code == "RequestLimitExceeded"

    @pytest.mark.parametrize("body", [None, [], "x", {}, {"Response": None}, {"response": {}}])
    def test_of_another_shape_is_none_of_the_clouds(self, body):
        with pytest.raises(Unreadable):
            response(body)


class TestAFunctionThatRaised:
    # The call went well all the same; the platform's object stands where the runtime puts it.
    RAISED = json.dumps({"errorCode": -1, "errorMessage": "user code exception caught", "stackTrace": "", "statusCode": 430})

    @pytest.mark.parametrize(
        "result", [{"RetMsg": RAISED, "ErrMsg": "text"}, {"RetMsg": "", "ErrMsg": RAISED}, {"RetMsg": None, "ErrMsg": RAISED}]
    )
    def test_is_told_wherever_it_stands(self, result):
        assert platform_error(result) == Ended(430, "user code exception caught")

    def test_is_told_by_an_older_runtime_without_a_status(self):
        assert platform_error({"RetMsg": '{"errorCode": 1, "errorMessage": "x"}'}) == Ended(0, "x")

    def test_is_told_as_bare_text(self):
        assert platform_error({"RetMsg": "", "ErrMsg": "exited"}) == Ended(0, "exited")

    @pytest.mark.parametrize("result", [{}, {"RetMsg": "", "ErrMsg": ""}, {"RetMsg": '{"ok": true}', "InvokeResult": -1}])
    def test_is_not_told_by_a_number_that_nobody_maintains(self, result):
        assert platform_error(result) is None


class TestAnEnvelope:
    @pytest.mark.parametrize("value", [{"ok": True, "outputs": []}, {"ok": False, "error": {}}])
    def test_is_known(self, value):
        assert is_envelope(value)

    @pytest.mark.parametrize(
        "value", [None, [], "ok", {}, {"ok": True}, {"ok": "true", "outputs": []}, {"ok": False, "error": "x"}, {"errorCode": 1}]
    )
    def test_is_nothing_else(self, value):
        assert not is_envelope(value)

"""Tencent STS (API 2018-08-13), as strict as the cloud: GetFederationToken, for the keys that the simulated bucket honours.

with Cos() as cos, Sts() as sts:                     # or: python -m tests.upstreams sts --port 8907
    sts.will(answer(403), at="GetFederationToken")   # the key is without the right to ask
    sts.will(answer(429), at="GetFederationToken")   # RequestLimitExceeded
    sts.will(hang(), at="GetFederationToken")
    …
    assert sts.given[0].allows == (("name/cos:PutObject", "…:darkroom-1250000000/uploads/file_1"),)
"""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from . import sts_keys, tc3_calls
from .cos import Cos
from .listener import Listener, Refusal
from .orders import Answer, Break, Order
from .rules import text, whole
from .sts_keys import Key
from .tc3_calls import judge, refuse, well

ACTION = "GetFederationToken"
PARAMETERS = {"Name": text(64), "Policy": text(8192), "DurationSeconds": whole(1, 129_600)}
DEFAULT_S = 1800
ORDERED = {
    401: "AuthFailure.SecretIdNotFound",
    403: "AuthFailure.UnauthorizedOperation",
    429: "RequestLimitExceeded",
    500: "InternalError.SystemError",
}


class Sts(Listener):
    """Books: `given`, the keys. `longest_s`: how long one may last, which for an account's own key is less than for a sub-user's.

    `charset`: what its content type says besides; the cloud's says nothing.
    """

    DOORS = (ACTION,)

    def __init__(self, *, region: str = "ap-guangzhou", appid: str = "1250000000", longest_s: int = 7200, port: int = 0):
        super().__init__(port=port)
        self.appid, self.longest_s, self.charset = appid, longest_s, ""
        self.cloud = tc3_calls.Cloud("sts", "2018-08-13", {ACTION}, region, {Cos.SECRET_ID: Cos.SECRET_KEY})
        self.given: list[Key] = []

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which Darkroom asks here, to be put over its bucket's."""
        return {"STS_ENDPOINT": self.url}

    async def _obey(self, request: web.BaseRequest) -> web.StreamResponse:
        _, given = await tc3_calls.read(request, self.cloud)
        self.requests[ACTION] += 1
        order = self._next(ACTION)
        if isinstance(order, Answer | Break):
            return await self._instead(request, order)
        return self._answer(well(self._key(given)))

    def _key(self, given: dict[str, Any]) -> dict[str, Any]:
        judge(given, PARAMETERS, needs=("Name", "Policy"))
        if not re.fullmatch(r"[A-Za-z]+", given["Name"]):
            raise refuse("InvalidParameter.ParamError", "the name has other signs than letters")
        if (lasts_s := given.get("DurationSeconds", DEFAULT_S)) > self.longest_s:
            raise refuse("InvalidParameter.OverTimeError", f"more than {self.longest_s} s")
        expires_at = int(time.time()) + lasts_s
        key = sts_keys.issued(list(self._allowed(given["Policy"])), expires_at=expires_at)
        self.given.append(key)
        credentials = {"Token": key.token, "TmpSecretId": key.id, "TmpSecretKey": key.secret}
        expiration = datetime.fromtimestamp(expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"Credentials": credentials, "ExpiredTime": expires_at, "Expiration": expiration}

    def _allowed(self, policy: str) -> Iterator[tuple[str, str]]:
        """What a policy allows: pairs of an action and a resource; raises Refusal."""
        for statement in _statements(policy):
            for resource in statement["resource"]:
                parts = resource.split(":", 5)
                if len(parts) < 6 or parts[:3] != ["qcs", "", "cos"]:
                    raise refuse("InvalidParameter.ResouceError", "a resource has not its six parts")  # the cloud spells it so
                if parts[4] != f"uid/{self.appid}":
                    raise refuse("InvalidParameter.GrantOtherResource", "[QC_STS] cant grant other resource")
                yield from ((action, resource) for action in statement["action"])

    async def _instead(self, request: web.BaseRequest, order: Order) -> web.StreamResponse:
        refused = partial(self._refused, request)
        return await tc3_calls.misbehave(request, order, codes=ORDERED, refused=refused, whole=self._answer(well({"Credentials": {}})).body)

    def _refused(self, request: web.BaseRequest, refusal: Refusal) -> web.StreamResponse:
        return self._answer(tc3_calls.write_refusal(refusal))

    def _answer(self, told: dict[str, Any]) -> web.Response:
        # HTTP 200 whatever is told, and the bare content type, without which the SDK takes a failure for a success.
        kind = "application/json" + (f"; charset={self.charset}" if self.charset else "")
        return web.Response(body=json.dumps(told).encode(), headers={"Content-Type": kind})


def _statements(policy: str) -> list[dict[str, list[str]]]:
    """Of a policy as it is sent, in URL encoding; raises Refusal."""
    try:
        if "{" in policy:
            raise ValueError("it is not URL-encoded")
        told = json.loads(unquote(policy, errors="strict"))
        statements = told["statement"]
        is_good = told["version"] == "2.0" and bool(statements) and all(_is_statement(one) for one in statements)
    except (ValueError, LookupError, TypeError):
        is_good, statements = False, []
    if not is_good:
        raise refuse("InvalidParameter.StrategyFormatError", "the policy is no policy in URL encoding")
    return statements


def _is_statement(one: dict[str, Any]) -> bool:
    lists = [one["action"], one["resource"]]
    return one["effect"] == "allow" and "principal" not in one and all(part and isinstance(part, list) for part in lists)

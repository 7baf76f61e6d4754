"""Requests to Tencent Cloud, written and signed by its own SDKs, and sent by whoever has an HTTP client.

The SDKs' own ways of sending are not for what costs money: whatever goes wrong on the wire is one error there, never sent or long
since accepted. Both are imported here only, so a process that signs nothing does not pay for them: 10 MB, most of it for COS's. Of
Tencent's other SDK it is the general client, 2 MB; the one of SCF alone would bring 16 MB of classes for what is JSON.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from qcloud_cos import CosConfig, CosS3Client
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.http.request import RequestInternal
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from .account import Account, Bucket

# Both log whole requests at DEBUG, one of them with the key that signs.
for name in ("qcloud_cos", "tencentcloud_sdk_common"):
    logging.getLogger(name).setLevel(logging.CRITICAL)

SERVICE, VERSION = "scf", "2018-04-16"
LINK_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Signed:
    """A request that may be sent as it is, within five minutes; no header and no byte may be changed."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


def scf_client(account: Account, *, timeouts: tuple[float, float] = (3.0, 60.0)) -> CommonClient:
    """The SDK's client: signs, and sends what costs nothing. No retryer (the standard one repeats a call that went well, then fails)
    and no region breaker (it swallows the error of the call, and asks in another region).
    """
    profile = ClientProfile(
        httpProfile=HttpProfile(protocol=_scheme(account), endpoint=_host(account), reqTimeout=timeouts),
        language="en-US",
        disable_region_breaker=True,
        retryer=None,
    )
    return CommonClient(SERVICE, VERSION, Credential(account.secret_id, account.secret_key), account.region, profile)


class ScfSigner:
    def __init__(self, account: Account):
        self._url, self._host = f"{_scheme(account)}://{_host(account)}/", _host(account)
        self._client = scf_client(account)

    def signed(self, action: str, parameters: Mapping[str, Any]) -> Signed:
        """An action of SCF as a request."""
        request = RequestInternal(self._host, "POST", "/", header={})
        # The SDK signs within a call that also sends, so this is its inner half; its version is pinned, and a test holds what comes
        # out against the documentation's example.
        self._client._build_req_inter(action, dict(parameters), request)
        return Signed("POST", self._url, request.header, request.data.encode())


class CosSigner:
    def __init__(self, bucket: Bucket):
        self._bucket, self._host = bucket, f"{bucket.name}.cos.{bucket.region}.myqcloud.com"
        self._url = bucket.endpoint or f"https://{self._host}"
        self._client = CosS3Client(_config(bucket), retry=0)

    def signed(self, method: str, key: str, body: bytes = b"") -> Signed:
        """A request about one object."""
        headers = {"Host": self._host}
        if self._bucket.token:
            headers["x-cos-security-token"] = self._bucket.token
        if body:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        signature = self._client.get_auth(method, self._bucket.name, key, Headers=dict(headers), Params={})
        return Signed(method, f"{self._url}/{quote(key)}", headers | {"Authorization": signature}, body)

    def link(self, key: str, *, seconds: int = LINK_S) -> str:
        """A link by which anyone may GET an object for a while."""
        # The SDK leaves the token of a temporary key out of its links.
        params = {"x-cos-security-token": self._bucket.token} if self._bucket.token else {}
        return self._client.get_presigned_url(self._bucket.name, key, "GET", Expired=seconds, Params=params, Headers={})


def _scheme(account: Account) -> str:
    return urlsplit(account.endpoint).scheme if account.endpoint else "https"


def _host(account: Account) -> str:
    return urlsplit(account.endpoint).netloc if account.endpoint else "scf.tencentcloudapi.com"


def _config(bucket: Bucket) -> CosConfig:
    parts = urlsplit(bucket.endpoint)
    instead: dict[str, Any] = {"IP": parts.hostname, "Port": parts.port, "Scheme": parts.scheme} if bucket.endpoint else {}
    keys = {"SecretId": bucket.secret_id, "SecretKey": bucket.secret_key, "Token": bucket.token or None}
    return CosConfig(Region=bucket.region, **keys, **instead)

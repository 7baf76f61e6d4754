"""Whose functions in the cloud, where, and in which bucket they work: read once, from names that a provider's credentials have."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# What each function is called by: a deploy moves it on to the new version when that is ready, a rollback moves it back.
ALIAS = "live"
# Text is done within seconds, so its caller waits. All else is put off: it may take minutes, can be looked up and can be ended.
AT_ONCE = frozenset({"text_process"})


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of COS, and who we are there; `endpoint`: scheme://host:port that is spoken to instead, as a simulator."""

    name: str
    region: str
    secret_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """An account at SCF; `endpoint` as a bucket's."""

    region: str
    namespace: str
    secret_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    bucket: Bucket
    endpoint: str = ""

    @classmethod
    def read(cls, values: Mapping[str, str]) -> "Account":
        """From a mapping of names such as scf_region and cos_bucket; raises KeyError."""
        names = ("bucket", "region", "secret_id", "secret_key", "token", "endpoint")
        bucket = Bucket(*(values[f"cos_{name}"] for name in names))
        own = {name: values[f"scf_{name}"] for name in ("region", "namespace", "secret_id", "secret_key", "endpoint")}
        return cls(bucket=bucket, **own)


def deployed_name(function: str) -> str:
    """What a function is called on SCF."""
    return f"darkroom-{function.replace('_', '-')}"

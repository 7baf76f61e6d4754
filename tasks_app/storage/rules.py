"""What the bucket itself is told: which left-overs it deletes, and which pages may read from it and put into it by our links.

Ours are known by their ID; the rules of others stay as they are. The plan is pure, `look` and `apply` speak to COS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qcloud_cos import CosS3Client, CosServiceError

from .cos_wire import Wire

Rule = dict[str, Any]

OURS = "darkroom-"
UNFINISHED_DAYS = 1  # an upload that takes a day is that of a process which died
# Prefix → after how many days what lies there goes; our own clean-up comes first, so each is a net. None: never.
PREFIXES: dict[str, int | None] = {
    "checks/": 1,  # of `manage.py storage check`
    "files/": None,
    "functions/": 2,  # orders, results and outputs of functions on SCF, on their way into outputs/; links to them hold for a day
    "found/": 30,  # results on their way into outputs/; no upstream keeps its own for longer
    "inputs/": 2,  # what clients named by URL, for functions on SCF; a try after that fetches it anew
    "outputs/": None,
    "uploads/": 2,  # what clients put by links that hold for an hour, on its way into files/
}
EXPOSED = ["ETag", "Content-Length", "Content-Range", "Accept-Ranges", "Content-Disposition", "x-cos-request-id"]


@dataclass(frozen=True, slots=True)
class Rules:
    """A bucket's lifecycle and CORS rules, as the SDK reads and writes them."""

    lifecycle: tuple[Rule, ...] = ()
    cors: tuple[Rule, ...] = ()


def planned(there: Rules, origins: Sequence[str]) -> Rules:
    """The rules that shall be: those of others, and ours; pages of these `origins` may read, and put where a link lets them."""
    return Rules((*_others(there.lifecycle), *map(_lifecycle, PREFIXES)), (*_others(there.cors), _cors(origins)))


def lines(rules: Rules) -> list[str]:
    """Our rules, a line each, for people."""
    ours = [rule for rule in rules.lifecycle if _is_ours(rule)]
    return [f"lifecycle  {rule['Filter']['Prefix']:<9} {_told(rule)}" for rule in ours] + [
        f"CORS       {' '.join(rule['AllowedMethod'])} from {' '.join(rule['AllowedOrigin'])}" for rule in rules.cors if _is_ours(rule)
    ]


def look(wire: Wire) -> Rules:
    """The rules that are there. Raises Unreadable."""

    def once(client: CosS3Client) -> Rules:
        lifecycle = _document(client.get_bucket_lifecycle, wire.bucket.name)
        cors = _document(client.get_bucket_cors, wire.bucket.name)
        return Rules(tuple(lifecycle.get("Rule", ())), tuple(cors.get("CORSRule", ())))

    return wire.read("the bucket's rules", once)


def apply(wire: Wire, rules: Rules) -> None:
    """Put these rules in place of all that are there. Raises Unwritable."""
    name = wire.bucket.name
    wire.write("the lifecycle rules", lambda client: client.put_bucket_lifecycle(name, {"Rule": list(rules.lifecycle)}))
    wire.write("the CORS rules", lambda client: client.put_bucket_cors(name, {"CORSRule": list(rules.cors)}))


def _document(get: Any, bucket: str) -> dict[str, Any]:
    try:
        return get(bucket)
    except CosServiceError as error:
        if error.get_error_code() in ("NoSuchLifecycleConfiguration", "NoSuchCORSConfiguration"):
            return {}
        raise


def _others(rules: Sequence[Rule]) -> list[Rule]:
    return [rule for rule in rules if not _is_ours(rule)]


def _is_ours(rule: Rule) -> bool:
    return str(rule.get("ID") or "").startswith(OURS)


def _lifecycle(prefix: str) -> Rule:
    days = PREFIXES[prefix]
    return {
        "ID": f"{OURS}{prefix.rstrip('/')}",
        "Filter": {"Prefix": prefix},
        "Status": "Enabled",
        **({"Expiration": {"Days": str(days)}} if days else {}),
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": str(UNFINISHED_DAYS)},
    }


def _cors(origins: Sequence[str]) -> Rule:
    return {
        "ID": f"{OURS}pages",
        "AllowedOrigin": list(origins),
        "AllowedMethod": ["GET", "HEAD", "PUT"],
        "AllowedHeader": ["*"],
        "ExposeHeader": EXPOSED,
        "MaxAgeSeconds": "600",
    }


def _told(rule: Rule) -> str:
    days = rule.get("Expiration", {}).get("Days")
    expires = f"; objects go after {days} d" if days else ""
    return f"unfinished uploads go after {rule['AbortIncompleteMultipartUpload']['DaysAfterInitiation']} d{expires}"

"""replicate: predictions of replicate.com, as its pages described it in November 2026. We speak to the models in FAMILIES.

There is no token. A list of predictions shows what each was asked for, until an hour after its end, so ours is known by its model, its
input and its time. Where the client names no seed we give one that is made of our token: then no other prediction has that input. A list
that holds one whose input is gone proves nothing. A call chooses among those that may be ours: it came to the address of this attempt.

A prediction's files and its input vanish an hour after its end. One that is stopped is charged for the time that it ran.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from .. import dialect, words
from ..dialect import as_it_is
from ..errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Retired,
    Unauthenticated,
    Unavailable,
    UpstreamError,
)
from ..http import Reply
from ..outcomes import CLOCKS_APART, Accepted, Callback, Facts, Failed, Finished, Found, Heard, Job, Polled, Running
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"image.generate", "video.generate"}),
    recovery=frozenset({"lists", "callback"}),
    cancel="billed",
    first_poll=timedelta(seconds=3),
    pace=timedelta(seconds=5),
    submit_timeout=timedelta(seconds=60),
    shows_within=timedelta(minutes=3),  # how soon the list shows a prediction is told nowhere
    results_live=timedelta(hours=1),
    batch=100,
)
BASE_URL = "https://api.replicate.com"
API = "/v1"
TIMEOUT_S = 15.0
MOST_PAGES = 50  # of a hundred predictions each, which are read for one of them

STATUS: dict[str, words.Meaning] = {
    "starting": Running,
    "processing": Running,
    "succeeded": Finished,
    "failed": Failed,
    "canceled": Failed,
    "aborted": Failed,
}
ERRORS: dict[int, type[UpstreamError]] = {
    400: Invalid,
    401: Unauthenticated,
    402: QuotaExceeded,
    403: Unauthenticated,
    404: NotFound,
    422: Invalid,
    429: RateLimited,
}
ERRORS_OF_A_SUBMIT = ERRORS | {404: Retired}  # a submit names no prediction, so it is the model that is not there
# A prediction that ends badly says why in free text only.
MODERATION = re.compile("nsfw|sensitive|safety|moderat|E005", re.IGNORECASE)
PROGRESS = re.compile(r"(\d{1,3})%\|")  # of the bars that models print

ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        base = upstream.base_url.rstrip("/").removesuffix(API) or BASE_URL
        self._base, self._http, self._key = base + API, upstream.http, upstream.credentials.get("api_key")

    async def submit(self, job: Job) -> Accepted | Finished:
        body: dict[str, Any] = {"input": _written(job)}
        if job.callback_url:
            body |= {"webhook": job.callback_url, "webhook_events_filter": ["start", "completed"]}
        path = f"/models/{quote(job.model)}/predictions"
        match await self._ask("POST", path, json=body, timeout=FACTS.submit_timeout.total_seconds(), paid=True):
            case {"id": str(id)} if id:
                return Accepted({"id": id})
        raise OutcomeUnknown("Replicate's answer names no prediction.")

    async def poll(self, job: Job) -> Polled:
        return _polled(await self._shown((job.handle or {})["id"]))

    async def poll_many(self, jobs: Sequence[Job]) -> Mapping[str, Polled]:
        asked = {(job.handle or {})["id"]: job.token for job in jobs}
        match await self._ask("GET", "/predictions"):  # it takes no ids; what is still open is among the newest, most often
            case {"results": [*results]}:
                return {asked[one["id"]]: _polled(one) for one in dialect.of_ids(results, asked)}
        raise Unavailable("Replicate's answer is no list of predictions.")

    async def cancel(self, job: Job) -> bool:
        said = await self._ask("POST", f"/predictions/{quote((job.handle or {})['id'], safe='')}/cancel")
        return isinstance(said, Mapping) and said.get("status") not in ("succeeded", "failed")

    async def check(self) -> None:
        await self._ask("GET", "/account")

    async def find(self, job: Job) -> Accepted | Finished | None:
        if job.sent_at is None:
            raise OutcomeUnknown("Nobody knows when this was sent.")
        made = await self._since(job.sent_at - CLOCKS_APART)
        near = [one for one in made if one.get("model") == job.model and _is_near(one, job.sent_at)]
        expected = _expected(job)
        found = [{"id": one["id"]} for one in near if isinstance(one.get("id"), str) and _has(one, expected)]
        match [handle for handle in found if handle not in job.held]:
            case [*handles] if job.hint in handles:
                return Accepted(job.hint or {})
            case [handle] if _shows_all(job):
                return Accepted(handle)
            case [] if all(isinstance(one.get("input"), Mapping) and one["input"] for one in near):
                return None
        raise OutcomeUnknown("Replicate's list does not tell which prediction is ours.")

    def handle_of(self, id: str) -> Mapping[str, Any]:
        if not ID.fullmatch(id):
            raise Invalid("A prediction of Replicate is known by its id, as in k3v9q2rz5drm80c6x0wb.")
        return {"id": id}

    @staticmethod
    def hear(callback: Callback) -> Heard:
        match callback.json():
            case {"id": str(id), "status": str()} if ID.fullmatch(id):
                return Heard(handle={"id": id})
        return Heard()

    async def _shown(self, id: str) -> Mapping[str, Any]:
        match await self._ask("GET", f"/predictions/{quote(id, safe='')}"):
            case {"id": str(shown)} as prediction if shown == id:
                return prediction
        raise Unavailable("Replicate's answer describes another prediction, or none.")

    async def _since(self, moment: datetime) -> list[Mapping[str, Any]]:
        """Every prediction that was made after this; raises where they do not come to an end."""
        path, found = f"/predictions?created_after={quote(moment.astimezone(UTC).isoformat(), safe='')}", []
        for _ in range(MOST_PAGES):
            match await self._ask("GET", path):
                case {"results": [*results], "next": following} if all(isinstance(one, Mapping) for one in results):
                    found += results
                case _:
                    raise Unavailable("Replicate's answer is no list of predictions.")
            if following is None:
                return found
            if not (isinstance(following, str) and following.startswith(f"{self._base}/")):
                raise Unavailable("Replicate's list goes on at another host.")
            path = following.removeprefix(self._base)
        raise OutcomeUnknown("Replicate's list is too long to be read to its end.")

    async def _ask(self, method: str, path: str, *, timeout: float = TIMEOUT_S, paid: bool = False, json: Any = None) -> Any:
        """An answer that says it is well; raises what any other means."""
        if not self._key:
            raise Unauthenticated("Replicate needs an api_key.")
        headers = {"Authorization": f"Bearer {self._key}"}
        return _read(await self._http.request(method, self._base + path, headers=headers, json=json, timeout=timeout, paid=paid))


# How we write


def _format(value: str) -> str:
    return "jpg" if value == "jpeg" else value


FLUX: dialect.Fields = {
    "prompt": ("prompt", as_it_is),
    "n": ("num_outputs", int),
    "aspect_ratio": ("aspect_ratio", as_it_is),
    "seed": ("seed", int),
    "output_format": ("output_format", _format),
}
SEEDANCE: dialect.Fields = {
    "prompt": ("prompt", as_it_is),
    "duration": ("duration", int),
    "resolution": ("resolution", as_it_is),
    "aspect_ratio": ("aspect_ratio", as_it_is),
    "seed": ("seed", int),
}
# Each takes a seed, or a lost submit could be anybody's.
FAMILIES: dict[str, dialect.Fields] = {
    "black-forest-labs/flux-schnell": FLUX,
    "black-forest-labs/flux-dev": FLUX,
    "bytedance/seedance-1-pro": SEEDANCE,
}
OF_FRAMES = frozenset({"bytedance/seedance-1-pro"})
FRAMES = {"first_frame": "image", "last_frame": "last_frame_image"}


def _written(job: Job) -> dict[str, Any]:
    frames = dialect.frames(job) if job.model in OF_FRAMES else {}
    return _expected(job) | {FRAMES[frame]: url for frame, url in frames.items()}


def _expected(job: Job) -> dict[str, Any]:
    """All of an input but its media, whose addresses are others each time."""
    if job.model not in FAMILIES:
        raise Retired(f"Darkroom does not speak to {job.model}, only to {', '.join(FAMILIES)}.")
    given = {name: value for name, value in job.input.items() if not (job.model in OF_FRAMES and name == "frame_images")}
    return {"seed": _seed(job.token)} | dialect.written(job, given, FAMILIES[job.model])


def _shows_all(job: Job) -> bool:
    """Whether what is expected tells the job from any other: by a seed of our own, or because there is nothing to it but that."""
    return "seed" not in job.input or not job.input.get("frame_images")


def _seed(token: str) -> int:
    """A number of 31 bits by which a prediction shows our token."""
    return int.from_bytes(hashlib.sha256(token.encode()).digest()[:4]) >> 1


# How we read


def _read(reply: Reply) -> Any:
    said = reply.json()
    if 200 <= reply.status < 300:
        return said
    detail = said.get("detail") if isinstance(said, Mapping) else None
    kind = (ERRORS_OF_A_SUBMIT if reply.paid else ERRORS).get(reply.status)
    if kind is None:
        raise dialect.in_doubt(reply.paid)(f"Replicate answered with status {reply.status}.")
    why = dialect.why(kind, vendor="Replicate", code=reply.status, message=detail)
    raise kind(why, retry_after=dialect.number(said.get("retry_after")) if isinstance(said, Mapping) else None)


def _polled(shown: Mapping[str, Any]) -> Polled:
    outcome = words.meaning(shown.get("status"), STATUS, of="replicate")
    if outcome is Running:
        return Running(_progress(shown.get("logs")))
    if outcome is Failed:
        message = str(shown.get("error") or "")[:300]
        return Failed((Moderated if MODERATION.search(message) else GenerationFailed)(message))
    output = shown.get("output")
    urls = [url for url in (output if isinstance(output, list) else [output]) if isinstance(url, str) and url]
    if not urls:
        return Failed(NoOutput("Replicate has removed the result." if shown.get("data_removed") else ""))
    ended_at = _moment(shown.get("completed_at"))
    lives_until = ended_at + FACTS.results_live if ended_at else None
    return Finished(tuple(Found(url=url, lives_until=lives_until) for url in urls), usage=dialect.amounts(shown.get("metrics")))


def _progress(logs: Any) -> float | None:
    found = PROGRESS.findall(logs) if isinstance(logs, str) else []
    return min(int(found[-1]) / 100, 1.0) if found else None


def _is_near(shown: Mapping[str, Any], sent_at: datetime) -> bool:
    """Whether it was made about when ours was sent; one whose time cannot be read may have been."""
    made_at = _moment(shown.get("created_at"))
    return made_at is None or sent_at - CLOCKS_APART <= made_at <= sent_at + FACTS.submit_timeout + CLOCKS_APART


def _has(shown: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    given = shown.get("input")
    return isinstance(given, Mapping) and all(given.get(name) == value for name, value in expected.items())


def _moment(told: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(told)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

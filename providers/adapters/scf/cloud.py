"""Our own functions on Tencent SCF (API 2018-04-16, read 2026-11), results in Tencent COS.

A submit puts a run off (Invoke, Event) and a poll looks into the bucket for its result; the platform is asked (GetAsyncEventStatus, 20
a second for all) only about runs that are late. Text is waited for (InvokeFunction). SCF knows no idempotency: a second submit with
the same token starts a second run, which finds the first one's result or is as good as the first.

Quirks: every answer is HTTP 200, and a function that raised is a call that went well; neither is a verdict on its own. How "no room"
(429, 432, 449) reaches a caller is nowhere said, so it is looked for in the call's error and in the run's.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from scf_client.account import AT_ONCE, Account
from scf_client.client import ENDINGS, BucketAway, Client, CloudError, Ended, Execution, Unreadable

from ...errors import (
    GenerationFailed,
    Interrupted,
    Invalid,
    NoOutput,
    NotSent,
    NotTried,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Refused,
    Retired,
    Unauthenticated,
    Unavailable,
    UpstreamError,
)
from ...outcomes import Accepted, Facts, Failed, Finished, Found, Job, Media, Polled, Running
from .. import Upstream

LINKS_LIVE = timedelta(days=1)
FACTS = Facts(
    kinds=frozenset({"image.generate", "video.generate", "image.stitch", "video.compose", "text.process"}),
    recovery=frozenset({"replays"}),
    cancel="free",
    first_poll=timedelta(seconds=1),
    pace=timedelta(seconds=2),
    submit_timeout=timedelta(seconds=60),
    results_live=LINKS_LIVE,
    bucket_media=True,
)

TIMEOUT_S = 10.0
SILENT = timedelta(seconds=3)  # a run says nothing of its progress before
LATE = timedelta(seconds=60)  # runs without a result that are older than this are asked about
FORGOTTEN = timedelta(seconds=120)  # those that the cloud does not know by then are lost
LOST = "LOST"  # our word, beside the cloud's own
QUESTIONS_A_S = 5.0  # of one process; the cloud takes 20 of the whole account

# While a function is changed, and where that fails, its version before goes on.
SERVING = {"Active", "Updating", "Publishing", "UpdateFailed", "PublishFailed"}

# The cloud's refusals, most special first: a code matches itself and all that it is the beginning of. Nothing was started.
CODES: tuple[tuple[str, type[UpstreamError]], ...] = (
    ("ResourceUnavailable.InsufficientBalance", QuotaExceeded),
    ("FailedOperation.InsufficientBalance", QuotaExceeded),
    ("InvalidParameter.RequestTooLarge", Refused),
    ("InvalidParameter.Payload", Refused),
    ("InvalidParameterValue.ClientContext", Refused),
    ("ResourceNotFound", Retired),  # the function, its alias or its namespace: not deployed
    ("AuthFailure", Unauthenticated),
    ("UnauthorizedOperation", Unauthenticated),
    ("AccessDenied", Unauthenticated),
    ("IpInBlacklist", Unauthenticated),
    ("IpNotInWhitelist", Unauthenticated),
    ("RequestLimitExceeded", RateLimited),
    ("LimitExceeded", RateLimited),
    ("ResourceInsufficient", RateLimited),
    ("ResourceInUse", RateLimited),
    ("ResourceUnavailable", Unavailable),
    ("FailedOperation.FunctionStatusError", Unavailable),  # it is being deployed
    ("FailedOperation.FunctionVersionStatusNotActive", Unavailable),
    ("UnsupportedOperation", Unavailable),
    ("InvalidParameter", Unavailable),  # of the call, not of the task: ours to mend
    ("MissingParameter", Unavailable),
    ("UnknownParameter", Unavailable),
)
# These say no more than that something went wrong, so a submit with one of them may have started a run.
IN_DOUBT = ("InternalError", "ServiceUnavailable", "FailedOperation")

# What the platform's code for an ended run means; any other is Interrupted. More time or memory than a function has, the same
# input would take again; why else a run is cut off, it need not be twice.
NO_ROOM = (429, 432, 449)
STATUSES: dict[int, tuple[type[UpstreamError], str]] = {
    400: (Refused, "The function takes no such event."),
    402: (QuotaExceeded, "The account at the cloud is suspended."),
    406: (Refused, "The input is too large for a function."),
    410: (QuotaExceeded, "The account at the cloud has no balance."),
    433: (GenerationFailed, "The run took longer than its function may."),
    434: (Invalid, "This needs more memory than a function has: ask for a smaller result."),
    **dict.fromkeys(NO_ROOM, (RateLimited, "The cloud has no room for another run.")),
}
# What a function's own error means; any other is GenerationFailed.
ERRORS: dict[str, type[UpstreamError]] = {"invalid_input": Invalid, "out_of_memory": Invalid}


class Cloud:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._account = Account.read(upstream.credentials)
        self._client = Client(self._account, upstream.http)
        self._question_at = 0.0

    async def submit(self, job: Job) -> Accepted | Finished:
        timeout = FACTS.submit_timeout.total_seconds()
        event = {"token": job.token, "kind": job.kind, "input": self._written(job.input)}
        go = self._client.run if job.model in AT_ONCE else self._client.start
        try:
            answer = await go(job.model, event, timeout=timeout)
        except Unreadable as fault:
            raise OutcomeUnknown(f"The cloud's answer cannot be read: {fault}.") from fault
        except BucketAway as fault:
            raise NotSent(str(fault)) from fault
        except CloudError as refusal:
            raise _refused(refusal, submitting=True) from refusal
        if isinstance(answer, Ended):
            raise _ended(answer.status)
        if isinstance(answer, dict):
            return self._finished(answer)
        return Accepted({"token": job.token, "run": answer, "function": job.model, "at": int(time.time())})

    async def poll(self, job: Job) -> Polled:
        handle = job.handle or {}
        if (envelope := await self._result(handle["token"])) is not None:
            return self._verdict(envelope)
        if not self._is_older(handle, LATE):
            return Running(await self._progress(handle))
        execution = await self._execution(handle)
        if execution.state not in (*ENDINGS, LOST):
            return Running(await self._progress(handle))
        # It may have ended between the two questions; what it left counts, whatever the platform says of its end.
        if (envelope := await self._result(handle["token"])) is not None:
            return self._verdict(envelope)
        return Failed(_without_result(execution))

    async def cancel(self, job: Job) -> bool:
        handle = job.handle or {}
        if await self._result(handle["token"]) is not None:
            return False
        with _asking():
            return await self._client.end(handle["function"], handle["run"], timeout=TIMEOUT_S)

    async def check(self) -> None:
        with _asking():
            states = await self._client.states(timeout=TIMEOUT_S)
        # One that is broken keeps its own tasks waiting; the others' must go on.
        if not SERVING & set(states.values()):
            told = ", ".join(f"{name} is {state}" for name, state in sorted(states.items())) or "none is deployed"
            raise Unavailable(f"No function can be used ({told}): run manage.py functions deploy.")

    async def find(self, job: Job) -> Accepted | Finished | None:
        envelope = await self._result(job.token)
        if envelope is None:  # it may still run: SCF can be asked by the id that got lost, and by nothing else
            raise OutcomeUnknown
        return self._finished(envelope)

    # How we write

    def _written(self, value: Any) -> Any:
        """The input as JSON; a function takes a file as {"url"}, a link into our bucket."""
        if isinstance(value, Media):
            if value.key is None:
                raise NotTried("An input file is not in the bucket.")
            return {"url": self._client.bucket.link(value.key)}
        if isinstance(value, Mapping):
            return {name: self._written(item) for name, item in value.items()}
        return [self._written(item) for item in value] if isinstance(value, list | tuple) else value

    # How we read

    async def _result(self, token: str) -> dict[str, Any] | None:
        try:
            return await self._client.bucket.result(token, timeout=TIMEOUT_S)
        except BucketAway as fault:
            raise Unavailable(str(fault)) from fault

    async def _execution(self, handle: Mapping[str, Any]) -> Execution:
        if time.monotonic() < self._question_at:
            return Execution("RUNNING", 0)
        self._question_at = time.monotonic() + 1 / QUESTIONS_A_S
        with _asking():
            execution = await self._client.execution(handle["run"], timeout=TIMEOUT_S)
            if execution:
                return execution
            if not self._is_older(handle, FORGOTTEN):
                return Execution("RUNNING", 0)
            # Another will be begun in its place: should it be there after all, this is its end.
            await self._client.end(handle["function"], handle["run"], timeout=TIMEOUT_S)
        return Execution(LOST, 0)

    async def _progress(self, handle: Mapping[str, Any]) -> float | None:
        return await self._client.bucket.progress(handle["token"], timeout=TIMEOUT_S) if self._is_older(handle, SILENT) else None

    def _is_older(self, handle: Mapping[str, Any], age: timedelta) -> bool:
        return time.time() > handle["at"] + age.total_seconds()

    def _verdict(self, envelope: Mapping[str, Any]) -> Finished | Failed:
        try:
            return self._finished(envelope)
        except UpstreamError as fault:
            return Failed(fault)

    def _finished(self, envelope: Mapping[str, Any]) -> Finished:
        """The outputs of an envelope; raises what its error means."""
        if not envelope["ok"]:
            error = envelope["error"]
            raise ERRORS.get(error["code"], GenerationFailed)(error["message"], field=error.get("field"))
        if not envelope["outputs"]:
            raise NoOutput
        return Finished(tuple(self._found(output) for output in envelope["outputs"]))

    def _found(self, output: Mapping[str, Any]) -> Found:
        lives_until = datetime.now(UTC) + LINKS_LIVE
        return Found(url=self._client.bucket.link(output["key"]), content_type=output["content_type"], lives_until=lives_until)


class _asking:
    """Questions cost nothing and answer nothing where they fail: no verdict on a run."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, CloudError):
            raise _refused(fault, submitting=False) from fault
        if isinstance(fault, Unreadable):
            raise Unavailable(f"The cloud's answer cannot be read: {fault}.") from fault


def _refused(refusal: CloudError, *, submitting: bool) -> UpstreamError:
    """What a refused call means. The cloud's own text may name the account, so only its code is told."""
    told = f"The cloud refused the call: {refusal.code}."
    for code, error in CODES:
        if refusal.code == code or refusal.code.startswith(f"{code}."):
            return error(told)
    if submitting and refusal.code.split(".")[0] in IN_DOUBT:
        return OutcomeUnknown(told)
    return Unavailable(told)


def _ended(status: int) -> UpstreamError:
    """Why a run that was waited for, or was to be begun, has no envelope."""
    if status == 500 or not status:
        return OutcomeUnknown("The cloud failed in the middle of the call.")
    error, message = STATUSES.get(status, (Interrupted, f"The function ended with status {status}."))
    return error(message)


def _without_result(execution: Execution) -> UpstreamError:
    if execution.state == LOST:
        return Interrupted("The run was lost.")
    if execution.state == "ABORTED":
        return Interrupted("The run was ended on request.")
    if execution.state == "FINISHED":
        return Interrupted("The function ended without a result.")
    error = _ended(execution.status) if execution.status else Interrupted("The function's process ended in the middle of the run.")
    return error if isinstance(error, GenerationFailed | Refused) else Interrupted(error.message)

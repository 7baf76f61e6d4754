"""Brings the functions on SCF to what this source says: look, plan, and one step after another.

look    how a function is, and what its alias leads to
plan    pure: the steps from there to what is wanted; none where it is as it shall be, so a deploy that broke off is simply run again
apply   each step; the cloud changes a function in its own time, so each is waited for

Tasks go by the alias, which is moved last: until then, and where a step fails, the version before serves them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import pack
from .account import ALIAS, AT_ONCE, Account, deployed_name
from .client import CloudError
from .control import Control

INIT_S = 90  # to pull the image and to start
LOOKS = 150  # at a function until it is Active
READY, BUSY = "Active", ("Creating", "Updating", "Publishing")
LOG_LINES = 20


class CannotDeploy(Exception):
    """A step did not do what it should; the message says what, and what to do."""


@dataclass(frozen=True)
class Size:
    memory_mb: int
    timeout_s: int


# As long as the deadlines of their models in providers/built_in.py. The memory also bounds what an instance may allocate.
SIZES = {
    "image_stitch": Size(2048, 600),
    "test_card": Size(2048, 1800),
    "text_process": Size(512, 30),
    "video_compose": Size(3072, 3600),
}


@dataclass(frozen=True)
class Config:
    """What a version runs by."""

    image: str
    memory_mb: int
    timeout_s: int
    role: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """A function as it is: the version that comes next, and the one that the alias leads to ("" and None: it leads nowhere)."""

    config: Config
    asynchronous: bool
    live: str
    live_config: Config | None
    reserved_mb: int | None
    retries: int
    status: str = READY


@dataclass(frozen=True)
class Wanted:
    """A function as it shall be."""

    function: str
    config: Config
    asynchronous: bool
    reserved_mb: int
    registry_id: str = ""

    @property
    def name(self) -> str:
        return deployed_name(self.function)


@dataclass(frozen=True)
class Place:
    """Where images are kept, the role that functions have, and how many instances each may have."""

    registry: str
    role: str
    instances: int
    registry_id: str = ""


@dataclass(frozen=True)
class Step:
    """One call that changes something; `says` is for people."""

    action: str
    says: str = field(compare=False)


def wanted(function: str, account: Account, place: Place) -> Wanted:
    """A function as this source says."""
    size, bucket = SIZES[function], account.bucket
    environment = {"COS_BUCKET": bucket.name, "COS_REGION": bucket.region, "MEMORY_MB": str(size.memory_mb)}
    if bucket.endpoint:
        environment["COS_ENDPOINT"] = bucket.endpoint
    config = Config(pack.image(function, place.registry), size.memory_mb, size.timeout_s, place.role, environment)
    return Wanted(function, config, function not in AT_ONCE, size.memory_mb * place.instances, place.registry_id)


def look(control: Control, name: str) -> Found | None:
    """The function as it is; None: there is none."""
    latest = control.found("GetFunction", FunctionName=name, ShowCode="FALSE")
    if latest is None:
        return None
    alias = control.found("GetAlias", FunctionName=name, Name=ALIAS)
    live = str(alias["FunctionVersion"]) if alias else ""
    version = control.found("GetFunction", FunctionName=name, Qualifier=live, ShowCode="FALSE") if live else None
    reserved = control.call("GetReservedConcurrencyConfig", FunctionName=name)
    retries = control.call("GetFunctionEventInvokeConfig", FunctionName=name)["AsyncTriggerConfig"]["RetryConfig"][0]["RetryNum"]
    return Found(
        config=_config(latest),
        asynchronous=latest.get("AsyncRunEnable") == "TRUE",
        live=live,
        live_config=_config(version) if version else None,
        reserved_mb=reserved.get("ReservedMem"),
        retries=retries,
        status=latest["Status"],
    )


def plan(found: Found | None, goal: Wanted) -> list[Step]:
    """The steps from what is there to what is wanted; raises CannotDeploy where none lead there."""
    config = goal.config
    bounds = [
        Step("retries", "never run an event again by itself"),
        Step("reserve", f"reserve {goal.reserved_mb} MB, which is {goal.reserved_mb // config.memory_mb} instances"),
    ]
    publish = [Step("publish", "publish a version"), Step("alias", f"let {ALIAS} lead to it")]
    create = [Step("create", f"create from {config.image}, {config.memory_mb} MB, {config.timeout_s} s"), *bounds, *publish]
    if found is None:
        return create
    if found.status == "CreateFailed":  # it never came to be, and stands in the way of another try
        return [Step("remove", "remove what could not be created"), *create]
    if found.asynchronous != goal.asynchronous:
        how = "with" if goal.asynchronous else "without"
        raise CannotDeploy(f"{goal.name} must be made anew {how} asynchronous execution, which cannot be changed: remove it first.")
    steps = []
    if found.config.image != config.image or found.status.endswith("Failed"):
        steps.append(Step("code", f"take {config.image}"))
    if _settings(found.config) != _settings(config):
        steps.append(Step("configuration", f"{config.memory_mb} MB, {config.timeout_s} s, role and environment"))
    if found.retries:
        steps.append(bounds[0])
    if found.reserved_mb != goal.reserved_mb:
        steps.append(bounds[1])
    return steps + (publish if found.live_config != config else [])


def apply(control: Control, goal: Wanted, steps: Sequence[Step], *, pause: Callable[[], object]) -> Iterator[Step]:
    """Take the steps, one each time the next is asked for; `pause` lies between two looks at a function that is not ready."""
    _wait_ready(control, goal.name, pause, missing_is_fine=True)
    version = ""
    for step in steps:
        if step.action == "publish":
            version = control.call("PublishVersion", FunctionName=goal.name, Description=goal.config.image)["FunctionVersion"]
        elif step.action == "alias":
            point(control, goal.name, version)
        else:
            ACTIONS[step.action](control, goal)
        _wait_ready(control, goal.name, pause, missing_is_fine=step.action == "remove")
        yield step


def point(control: Control, name: str, version: str) -> None:
    """Let the alias lead to a version."""
    about = {"FunctionName": name, "Name": ALIAS, "FunctionVersion": version}
    control.call("UpdateAlias" if control.found("GetAlias", FunctionName=name, Name=ALIAS) else "CreateAlias", **about)


def versions(control: Control, name: str) -> dict[int, str]:
    """The image of each published version."""
    listed = control.call("ListVersionByFunction", FunctionName=name, Limit=100)["Versions"]
    return {int(one["Version"]): one.get("Description") or "" for one in listed if str(one["Version"]).isdecimal()}


def rollback(control: Control, name: str, *, to: int | None = None) -> int:
    """Let the alias lead to version `to`, or to the one before; returns which. Raises CannotDeploy where there is none."""
    alias = control.found("GetAlias", FunctionName=name, Name=ALIAS)
    if alias is None:
        raise CannotDeploy(f"{name} was never deployed: there is nothing to go back from.")
    live, known = int(alias["FunctionVersion"]), versions(control, name)
    chosen = max((number for number in known if number < live), default=None) if to is None else to
    if chosen not in known:
        raise CannotDeploy(f"{name} has no such version; there are {', '.join(map(str, sorted(known)))}, and {live} is live.")
    point(control, name, str(chosen))
    return chosen


def logs(control: Control, name: str, *, run: str | None = None, limit: int = LOG_LINES) -> list[dict[str, Any]]:
    """What the last runs of a function said, or one of them."""
    return control.call("GetFunctionLogs", FunctionName=name, FunctionRequestId=run, Limit=limit, Order="desc", OrderBy="start_time")[
        "Data"
    ]


def remove(control: Control, name: str) -> bool:
    """Whether there was such a function, which is gone by now."""
    return control.found("DeleteFunction", FunctionName=name) is not None


def _create(control: Control, goal: Wanted) -> None:
    flag = "TRUE" if goal.asynchronous else "FALSE"
    try:
        control.call(
            "CreateFunction",
            FunctionName=goal.name,
            Description="Darkroom",
            Runtime="CustomImage",
            Type="Event",
            Code={"ImageConfig": _image(goal)},
            InitTimeout=INIT_S,
            AsyncRunEnable=flag,
            TraceEnable=flag,
            **_parameters(goal.config),
        )
    except CloudError as refusal:
        if not refusal.code.startswith("ResourceInUse.Function"):  # an answer that got lost: it is there
            raise


def _code(control: Control, goal: Wanted) -> None:
    control.call("UpdateFunctionCode", FunctionName=goal.name, Code={"ImageConfig": _image(goal)})


def _configuration(control: Control, goal: Wanted) -> None:
    control.call("UpdateFunctionConfiguration", FunctionName=goal.name, **_parameters(goal.config))


def _reserve(control: Control, goal: Wanted) -> None:
    control.call("PutReservedConcurrencyConfig", FunctionName=goal.name, ReservedConcurrencyMem=goal.reserved_mb)


def _retries(control: Control, goal: Wanted) -> None:
    control.call("UpdateFunctionEventInvokeConfig", FunctionName=goal.name, AsyncTriggerConfig={"RetryConfig": [{"RetryNum": 0}]})


ACTIONS: dict[str, Callable[[Control, Wanted], object]] = {
    "remove": lambda control, goal: remove(control, goal.name),
    "create": _create,
    "code": _code,
    "configuration": _configuration,
    "reserve": _reserve,
    "retries": _retries,
}


def _image(goal: Wanted) -> dict[str, Any]:
    kind = {"ImageType": "enterprise", "RegistryId": goal.registry_id} if goal.registry_id else {"ImageType": "personal"}
    return {**kind, "ImageUri": goal.config.image, "ImagePort": pack.PORT}


def _parameters(config: Config) -> dict[str, Any]:
    variables = [{"Key": key, "Value": value} for key, value in sorted(config.environment.items())]
    return {
        "MemorySize": config.memory_mb,
        "Timeout": config.timeout_s,
        "Role": config.role,
        "Environment": {"Variables": variables},
    }


def _settings(config: Config) -> tuple[Any, ...]:
    return config.memory_mb, config.timeout_s, config.role, dict(config.environment)


def _config(told: Mapping[str, Any]) -> Config:
    """From an answer of GetFunction."""
    variables = {one["Key"]: one["Value"] for one in (told.get("Environment") or {}).get("Variables") or ()}
    image = (told.get("ImageConfig") or {}).get("ImageUri") or ""
    return Config(image, told["MemorySize"], told["Timeout"], told.get("Role") or "", variables)


def _wait_ready(control: Control, name: str, pause: Callable[[], object], *, missing_is_fine: bool = False) -> None:
    """Return when the function is not being changed any more; raises CannotDeploy where a change failed, or takes too long."""
    for _ in range(LOOKS):
        told = control.found("GetFunction", FunctionName=name, ShowCode="FALSE")
        if told is None and missing_is_fine:
            return
        status = told["Status"] if told else "Creating"
        if status == READY:
            return
        if status not in BUSY and not missing_is_fine:
            raise CannotDeploy(f"{name} is {status}: {_reasons(told or {})}. The version before still serves; mend it, and deploy again.")
        if status not in BUSY:  # left so by a deploy before; its steps are taken again
            return
        pause()
    raise CannotDeploy(f"{name} is still not {READY}: run the deploy again in a while.")


def _reasons(told: Mapping[str, Any]) -> str:
    reasons = [f"{one.get('ErrorCode')} {one.get('ErrorMessage')}" for one in told.get("StatusReasons") or ()]
    return "; ".join(reasons) or told.get("StatusDesc") or "the cloud says no more"

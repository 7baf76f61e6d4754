"""Tencent SCF (API 2018-04-16), as strict as the cloud: signatures verified, parameters checked, limits kept, errors by their codes.
It really runs our functions, each as the HTTP server of its image.

with Cos() as cos, Scf() as scf:                     # or: python -m tests.upstreams scf --port 8906
    cos.trust(scf.role)                              # the functions' role may use the bucket
    scf.will(cut_before_answer(), at="Invoke")       # the run is begun, and nobody is told
    scf.will(answer(429), at="Invoke")               # RequestLimitExceeded
    scf.will(fail("432"), at="Invoke")               # the platform has no room, told as a run's result
    scf.will(fail("lost"), at="Invoke")              # accepted, and never run
    scf.will(twice(), at="Invoke")                   # delivered two times
    …
    assert [one.state for one in scf.executions.values()] == ["FINISHED"]
"""

import asyncio
import hmac
import json
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web

from . import scf_parameters, tc3, tc3_calls
from .listener import Listener, Refusal
from .orders import Answer, Break, Fate, Order, Say, Twice
from .scf_books import LATEST, Config, Function
from .scf_instances import Execution, Images, Instance, Role
from .scf_parameters import ACTIONS

VERSION = "2018-04-16"
LONGEST_BODY, LONGEST_CALL, LONGEST_EVENT = 10 * 1024 * 1024, 6 * 1024 * 1024, 128 * 1024
LONGEST_TIMEOUT, LONGEST_ASYNCHRONOUS = 900, 86_400
FUNCTION_NAME_LENGTH, ENVIRONMENT_BYTES = 60, 4096
SIZES = (64, *range(128, 3073, 128))
ORDERED = {401: "AuthFailure.SecretIdNotFound", 403: "UnauthorizedOperation.CAM", 429: "RequestLimitExceeded", 500: "InternalError.System"}
SLOW_ACTIONS, MOST_A_SECOND = ("GetAsyncEventStatus", "TerminateAsyncEvent"), 20
FORBIDDEN_NAMES = ("SCF_", "QCLOUD_", "TENCENTCLOUD_")


class Scf(Listener):
    """Books: `functions` by name, `executions` by id.

    `charset`: what its content type says besides; the cloud's says nothing. `tells_id`: whether an answer names the call, as it should.
    """

    DOORS = tuple(ACTIONS)
    SECRET_ID, SECRET_KEY = "AKIDfunctions", "simulated-functions-key"

    def __init__(self, *, region: str = "ap-guangzhou", charset: str = "", port: int = 0):
        super().__init__(port=port)
        self.region, self.charset, self.tells_id, self.role = region, charset, True, Role()
        self.functions: dict[str, Function] = {}
        self.executions: dict[str, Execution] = {}
        self.running = set[asyncio.Task[None]]()  # one for each process at work
        self._asked: list[float] = []
        self._images, self._idle = Images(), defaultdict[tuple[str, str], list[Instance]](list)
        self._instances: list[Instance] = []

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which Darkroom has its functions here."""
        return {
            "FUNCTIONS": "scf",
            "SCF_REGION": self.region,
            "SCF_SECRET_ID": self.SECRET_ID,
            "SCF_SECRET_KEY": self.SECRET_KEY,
            "SCF_ENDPOINT": self.url,
        }

    def kill(self, id: str) -> None:
        """End a run's process, as want of memory would; to be called from a test."""
        instance = self.executions[id].instance
        assert instance is not None, "it has not begun"
        self._loop.call_soon_threadsafe(instance.kill)

    def rest(self) -> None:
        """Kill what still runs, forget all runs, and obey no more orders; to be called from a test."""
        self.behave()
        asyncio.run_coroutine_threadsafe(self._rest(), self._loop).result(30)
        self.executions.clear()
        self.requests.clear()

    async def _rest(self) -> None:
        while self.running:
            for execution in self.executions.values():
                if execution.instance and not execution.is_over:
                    execution.instance.kill()
            await asyncio.wait(self.running, timeout=0.1)

    def so_far(self) -> str:
        runs = [f"{one.function} {one.state} {one.code} {one.answer[:300]} {one.log[-500:]}" for one in self.executions.values()]
        return f"{super().so_far()}, runs {runs}"

    async def serve(self, on_start: Callable[[], object]) -> None:
        try:
            await super().serve(on_start)
        finally:
            for instance in self._instances:
                instance.kill()

    # From a request to its door

    async def _obey(self, request: web.BaseRequest) -> web.StreamResponse:
        body = b"".join([piece async for piece in request.content.iter_any()])
        headers = {name.lower(): value for name, value in request.headers.items()}
        action = headers.get("x-tc-action", "")
        self.requests[action] += 1
        order = self._next(action)
        given = self._checked(request, headers, action, body)
        self._check_rate(action)
        is_broken = isinstance(order, Break)
        if isinstance(order, Answer) or (isinstance(order, Break) and not order.accepts):
            return await self._instead(request, order)
        answer = await getattr(self, f"_{action}")(given, order)
        return await self._instead(request, order, answer) if is_broken else self._answer(answer)

    def _checked(self, request: web.BaseRequest, headers: dict[str, str], action: str, body: bytes) -> dict[str, Any]:
        """The call's parameters; raises Refusal. In the order in which the cloud looks."""
        if (request.method, request.path, request.query_string) != ("POST", "/", ""):
            raise refuse("UnsupportedProtocol", "only POST / is spoken here")
        if headers.get("content-type") != "application/json" or not body:
            raise refuse("UnsupportedProtocol", f"no JSON under content type {headers.get('content-type')}")
        if len(body) > LONGEST_BODY:
            raise refuse("RequestSizeLimitExceeded", f"{len(body)} bytes")
        self._check_signature(headers, body)
        if action not in ACTIONS:
            raise refuse("InvalidAction", f"The action `{action}` is not found.")
        if headers.get("x-tc-version") != VERSION:
            raise refuse("NoSuchVersion", f"The version `{headers.get('x-tc-version')}` is not found.")
        if headers.get("x-tc-region") != self.region:
            raise refuse("UnsupportedRegion", f"there is nothing in {headers.get('x-tc-region')}")
        try:
            given = json.loads(body)
            scf_parameters.check(given, ACTIONS[action])
        except ValueError:
            raise refuse("InvalidParameter", "the body is no JSON") from None
        except scf_parameters.Wrong as fault:
            raise refuse(fault.code, str(fault)) from None
        return given

    def _check_signature(self, headers: dict[str, str], body: bytes) -> None:
        timestamp = headers.get("x-tc-timestamp", "")
        if not timestamp.isdecimal() or abs(int(timestamp) - time.time()) > tc3.WINDOW_S:
            raise refuse("AuthFailure.SignatureExpire", "the timestamp is more than five minutes off")
        try:
            claim = tc3.claim(headers.get("authorization", ""))
        except tc3.Malformed as fault:
            raise refuse("AuthFailure.InvalidAuthorization", str(fault)) from None
        if claim.secret_id != self.SECRET_ID:
            raise refuse("AuthFailure.SecretIdNotFound", "there is no such key")
        expected = tc3.signature(self.SECRET_KEY, claim, timestamp=timestamp, headers=headers, body=body)
        if (claim.service, claim.date) != ("scf", tc3.date_of(timestamp)) or not hmac.compare_digest(expected, claim.signature):
            raise refuse("AuthFailure.SignatureFailure", "the signature is not that of this request")

    def _check_rate(self, action: str) -> None:
        if action not in SLOW_ACTIONS:
            return
        now = time.monotonic()
        self._asked = [at for at in self._asked if at > now - 1]
        if len(self._asked) >= MOST_A_SECOND:
            raise refuse("RequestLimitExceeded", f"more than {MOST_A_SECOND} a second")
        self._asked.append(now)

    async def _instead(self, request: web.BaseRequest, order: Answer | Break, answer: dict[str, Any] | None = None) -> web.StreamResponse:
        refused = partial(self._refused, request)
        return await tc3_calls.misbehave(request, order, codes=ORDERED, refused=refused, whole=self._answer(answer or {}).body)

    def _refused(self, request: web.BaseRequest, refusal: Refusal) -> web.StreamResponse:
        return self._answer({"Error": {"Code": refusal.code, "Message": refusal.message}})

    def _answer(self, told: dict[str, Any]) -> web.Response:
        # HTTP 200 whatever is told, and the bare content type, without which the SDK takes a failure for a success.
        about = {"RequestId": str(uuid.uuid4())} if self.tells_id else {}
        body = json.dumps({"Response": {**told, **about}}).encode()
        kind = "application/json" + (f"; charset={self.charset}" if self.charset else "")
        return web.Response(body=body, headers={"Content-Type": kind})

    # Runs

    async def _Invoke(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        kind = given.get("InvocationType") or "RequestResponse"
        if kind not in ("RequestResponse", "Event"):
            raise refuse("InvalidParameterValue.InvokeType", kind)
        text = given.get("ClientContext") or "{}"
        if kind == "RequestResponse":
            return await self._waited_for(given, text, order)
        execution, function, config = self._begun(given, text, LONGEST_EVENT)
        if refusal := _no_room(order) or self._full(function, config):
            return {"Result": _result(execution, refusal)}
        if isinstance(order, Fate) and order.error == "lost":
            return {"Result": _result(execution)}
        self.executions[execution.id] = execution
        for _ in range(2 if isinstance(order, Twice) else 1):
            self._start(execution, function, config)
        return {"Result": _result(execution)}

    async def _InvokeFunction(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        return await self._waited_for(given, given.get("Event") or "{}", order)

    async def _waited_for(self, given: dict[str, Any], text: str, order: Order | None) -> dict[str, Any]:
        execution, function, config = self._begun(given, text, LONGEST_CALL)
        if refusal := _no_room(order) or self._full(function, config):
            return {"Result": _result(execution, refusal)}
        self.executions[execution.id] = execution
        await asyncio.shield(self._start(execution, function, config))  # whoever hangs up does not end it
        if len(execution.answer.encode()) > LONGEST_CALL:
            return {"Result": _result(execution, _platform_error(407, "the result is too large"))}
        if execution.state == "FINISHED":
            return {"Result": _result(execution) | {"RetMsg": execution.answer}}
        return {"Result": _result(execution, _platform_error(execution.code, "function failed"))}

    def _begun(self, given: dict[str, Any], text: str, longest: int) -> tuple[Execution, Function, Config]:
        function = self._function(given)
        found = function.version(given.get("Qualifier") or LATEST)
        if found is None:
            raise refuse("ResourceNotFound.Qualifier", f"there is no {given['Qualifier']}")
        if function.status not in ("Active", "Updating", "Publishing", "UpdateFailed", "PublishFailed"):
            raise refuse("FailedOperation.FunctionStatusError", f"the function is {function.status}")
        if len(text.encode()) > longest:
            raise refuse("InvalidParameter.RequestTooLarge", f"the event has more than {longest} bytes")
        try:
            event = json.loads(text)
        except ValueError:
            raise refuse("InvalidParameter.Payload", "the event is no JSON") from None
        return Execution(str(uuid.uuid4()), function.name, found[0], event), function, found[1]

    def _full(self, function: Function, config: Config) -> str:
        """What the platform says where the function's reserved concurrency is used up."""
        running = sum(not one.is_over for one in self.executions.values() if one.function == function.name)
        if function.reserved is not None and (running + 1) * config.memory > function.reserved:
            return _platform_error(432, "concurrency exceeded")
        return ""

    def _start(self, execution: Execution, function: Function, config: Config) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._carry_out(execution, function, config))
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        task.add_done_callback(lambda _: self.changed())
        return task

    async def _carry_out(self, execution: Execution, function: Function, config: Config) -> None:
        execution.deliveries += 1
        instance = execution.instance = self._instance(execution, function, config)
        headers = {"X-Scf-Request-Id": execution.id, "X-Scf-Memory": str(config.memory), "X-Scf-Timeout": str(config.timeout * 1000)}
        about = {"Name": function.name, "Namespace": function.namespace, "Version": execution.version, "Region": self.region}
        headers |= {f"X-Scf-{name}": value for name, value in about.items()} | (self.role.headers if config.role else {})
        try:
            answer = await instance.invoke(json.dumps(execution.event).encode(), headers, timeout_s=config.timeout)
            ended = "FINISHED", 0
            execution.answer = answer.decode()
            self._idle[function.name, execution.version].append(instance)
        except TimeoutError:
            ended = "FAILED", 433
        except (aiohttp.ClientError, OSError):
            ended = "FAILED", 439
        execution.log = instance.log()
        if ended[0] == "FAILED":
            instance.kill()
        if not execution.is_over:
            execution.state, execution.code = ended
        self.changed()

    def _instance(self, execution: Execution, function: Function, config: Config) -> Instance:
        idle = self._idle[function.name, execution.version]
        while idle:
            if (instance := idle.pop()).is_alive:
                return instance
        name, home = self._images.folder(config.image["ImageUri"])
        platform = {
            "TENCENTCLOUD_RUNENV": "SCF",
            "TENCENTCLOUD_REGION": self.region,
            "SCF_FUNCTIONNAME": function.name,
            "SCF_FUNCTIONVERSION": execution.version,
            "SCF_NAMESPACE": function.namespace,
        }
        instance = Instance(name, home, config.environment | platform)
        self._instances.append(instance)
        return instance

    async def _GetAsyncEventStatus(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        execution = self._execution(given)
        state = order.status if isinstance(order, Say) else execution.state
        code = 200 if state == "FINISHED" else 0 if state == "RUNNING" else execution.code
        return {"Result": {"Status": state, "StatusCode": code, "InvokeRequestId": execution.id}}

    async def _TerminateAsyncEvent(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        execution = self._execution(given)
        if execution.function != self._function(given).name:
            raise refuse("ResourceNotFound.AsyncEvent", "it is a run of another function")
        if execution.is_over:
            raise refuse("FailedOperation.AsyncEventStatus", f"it is {execution.state}")
        execution.state, execution.code = "ABORTED", 499
        if execution.instance:
            execution.instance.kill()
        return {}

    def _execution(self, given: dict[str, Any]) -> Execution:
        execution = self.executions.get(given["InvokeRequestId"])
        function = self.functions.get(execution.function) if execution else None
        if execution is None or function is None or not (function.asynchronous and function.traced):
            raise refuse("ResourceNotFound.AsyncEvent", "there is no such run of a function that executes asynchronously and is traced")
        return execution

    async def _GetFunctionLogs(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        function, id = self._function(given), given.get("FunctionRequestId")
        found = [one for one in self.executions.values() if one.function == function.name and id in (None, one.id)]
        shown = [_logged(one) for one in found[given.get("Offset") or 0 :][: given.get("Limit") or 20]]
        return {"TotalCount": len(found), "Data": shown}

    # Functions

    async def _CreateFunction(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        name = given["FunctionName"]
        if name in self.functions:
            raise refuse("ResourceInUse.FunctionName", f"{name} is there")
        if len(name) > FUNCTION_NAME_LENGTH or not name.replace("-", "").replace("_", "").isalnum():
            raise refuse("InvalidParameterValue.FunctionName", name)
        if given.get("Runtime") != "CustomImage":
            raise refuse("InvalidParameterValue.Runtime", f"an image is no {given.get('Runtime') or 'Python2.7'}")
        flags = {flag: given.get(flag) or "FALSE" for flag in ("AsyncRunEnable", "TraceEnable")}
        if set(flags.values()) - {"TRUE", "FALSE"}:
            raise refuse("InvalidParameterValue.AsyncRunEnable", "it is TRUE or FALSE")
        config = Config(given["Code"]["ImageConfig"]).changed(given)
        self._check(config, asynchronous=flags["AsyncRunEnable"] == "TRUE")
        function = Function(name, given.get("Namespace") or "default", config, *(value == "TRUE" for value in flags.values()))
        function.fails = isinstance(order, Fate)
        self.functions[name] = function
        return {}

    async def _UpdateFunctionCode(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        return self._updated(given, order)

    async def _UpdateFunctionConfiguration(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        return self._updated(given, order)

    def _updated(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        function = self._ready(given)
        config = function.config.changed(given)
        self._check(config, asynchronous=function.asynchronous)
        function.begin("Updating", fails=isinstance(order, Fate))
        if not function.fails:  # a failed update leaves the old code running
            function.config = config
        return {}

    def _check(self, config: Config, *, asynchronous: bool) -> None:
        """Raise Refusal unless a function may be so."""
        if config.image["ImageType"] not in ("personal", "enterprise"):
            raise refuse("InvalidParameterValue.ImageType", config.image["ImageType"])
        if config.image["ImageType"] == "enterprise" and not config.image.get("RegistryId"):
            raise refuse("InvalidParameterValue.RegistryId", "an enterprise registry has an id")
        if config.memory not in SIZES:
            raise refuse("InvalidParameterValue.Memory", f"{config.memory} MB")
        if not 1 <= config.timeout <= (LONGEST_ASYNCHRONOUS if asynchronous else LONGEST_TIMEOUT):
            raise refuse("InvalidParameterValue.Timeout", f"{config.timeout} s")
        if sum(len(name) + len(value) for name, value in config.environment.items()) > ENVIRONMENT_BYTES:
            raise refuse("InvalidParameterValue.EnvironmentExceededLimit", "more than 4 KB")
        if any(name.startswith(FORBIDDEN_NAMES) for name in config.environment):
            raise refuse("InvalidParameterValue.EnvironmentSystemProtect", "a name is the platform's")
        try:
            self._images.folder(config.image["ImageUri"])
        except LookupError as fault:
            raise refuse("ResourceNotFound.ImageConfig", f"there is no image {fault}") from None

    async def _GetFunction(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        function = self._function(given)
        function.looked_at()
        found = function.version(given.get("Qualifier") or LATEST)
        if found is None:
            raise refuse("ResourceNotFound.Qualifier", f"there is no {given['Qualifier']}")
        flags = {"AsyncRunEnable": function.asynchronous, "TraceEnable": function.traced}
        reasons = [{"ErrorCode": "ImagePull", "ErrorMessage": "the image cannot be pulled"}] if "Failed" in function.status else []
        about = {"FunctionName": function.name, "Namespace": function.namespace, "Status": function.status, "StatusReasons": reasons}
        about |= {"FunctionVersion": found[0], "Runtime": "CustomImage", "Type": "Event", "Qualifier": found[0]}
        return about | found[1].shown() | {flag: "TRUE" if is_on else "FALSE" for flag, is_on in flags.items()}

    async def _ListFunctions(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        space, search = given.get("Namespace") or "default", given.get("SearchKey") or ""
        found = [one for one in self.functions.values() if one.namespace == space and search in one.name]
        shown = found[given.get("Offset") or 0 :][: given.get("Limit") or 20]
        listed = [{"FunctionName": one.name, "Namespace": space, "Status": one.status, "Runtime": "CustomImage"} for one in shown]
        return {"Functions": listed, "TotalCount": len(found)}

    async def _DeleteFunction(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        del self.functions[self._function(given).name]
        return {}

    # Versions and aliases

    async def _PublishVersion(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        function = self._ready(given)
        number = function.publish(given.get("Description") or "")
        function.begin("Publishing", fails=False)
        return {"FunctionVersion": number, "MemorySize": function.config.memory, "Namespace": function.namespace}

    async def _ListVersionByFunction(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        function = self._function(given)
        versions = {LATEST: function.config, **function.versions}
        listed = [{"Version": number, "Description": one.description, "Status": "Active"} for number, one in versions.items()]
        shown = listed[given.get("Offset") or 0 :][: given.get("Limit") or 20]
        return {"FunctionVersion": [one["Version"] for one in shown], "Versions": shown, "TotalCount": len(listed)}

    async def _CreateAlias(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        function = self._function(given)
        if given["Name"] in function.aliases:
            raise refuse("ResourceInUse.Alias", given["Name"])
        return self._pointed(function, given)

    async def _UpdateAlias(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        function = self._function(given)
        self._alias(function, given)
        return self._pointed(function, given)

    async def _GetAlias(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        function = self._function(given)
        return {"Name": given["Name"], "FunctionVersion": self._alias(function, given)}

    def _alias(self, function: Function, given: dict[str, Any]) -> str:
        if given["Name"] not in function.aliases:
            raise refuse("ResourceNotFound.Alias", given["Name"])
        return function.aliases[given["Name"]]

    def _pointed(self, function: Function, given: dict[str, Any]) -> dict[str, Any]:
        if given["FunctionVersion"] not in (LATEST, *function.versions):
            raise refuse("ResourceNotFound.FunctionVersion", given["FunctionVersion"])
        function.aliases[given["Name"]] = given["FunctionVersion"]
        return {}

    # Bounds

    async def _PutReservedConcurrencyConfig(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        function, memory = self._function(given), given["ReservedConcurrencyMem"]
        if memory < function.config.memory:
            raise refuse("InvalidParameterValue.ReservedConcurrencyMem", f"{memory} MB are less than one instance")
        function.reserved = memory
        return {}

    async def _GetReservedConcurrencyConfig(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        return {"ReservedMem": self._function(given).reserved}

    async def _DeleteReservedConcurrencyConfig(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        self._function(given).reserved = None
        return {}

    async def _UpdateFunctionEventInvokeConfig(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        function, config = self._function(given), given["AsyncTriggerConfig"]
        if not 0 <= config["RetryConfig"][0]["RetryNum"] <= 2 or not 60 <= config.get("MsgTTL", 21600) <= 21600:
            raise refuse("InvalidParameterValue.AsyncTriggerConfig", "0 to 2 retries, kept for 60 to 21600 s")
        function.retries = config["RetryConfig"][0]["RetryNum"]
        function.retention_s = config.get("MsgTTL", function.retention_s)
        return {}

    async def _GetFunctionEventInvokeConfig(self, given: dict[str, Any], order: Order | None) -> dict[str, Any]:
        function = self._function(given)
        return {"AsyncTriggerConfig": {"RetryConfig": [{"RetryNum": function.retries}], "MsgTTL": function.retention_s}}

    def _function(self, given: dict[str, Any]) -> Function:
        function = self.functions.get(given["FunctionName"])
        if function is None or function.namespace != (given.get("Namespace") or "default"):
            raise refuse("ResourceNotFound.Function", f"there is no function {given['FunctionName']}")
        return function

    def _ready(self, given: dict[str, Any]) -> Function:
        """A function that may be changed; raises Refusal while another change is not done."""
        function = self._function(given)
        if not function.is_ready:
            raise refuse("FailedOperation.FunctionStatusError", f"the function is {function.status}")
        return function


def refuse(code: str, message: str) -> Refusal:
    return Refusal(200, code, message)


def _no_room(order: Order | None) -> str:
    """The platform's error where a run is ordered to find no room, as in fail("432")."""
    if isinstance(order, Fate) and order.error.isdecimal():
        return _platform_error(int(order.error), "as ordered")
    return ""


def _platform_error(code: int, message: str) -> str:
    return json.dumps({"errorCode": -1, "errorMessage": message, "requestId": "", "stackTrace": "", "statusCode": code})


def _result(execution: Execution, message: str = "") -> dict[str, Any]:
    about = {"Log": "", "RetMsg": message, "ErrMsg": "", "MemUsage": 0, "Duration": 0, "BillDuration": 0}
    return about | {"FunctionRequestId": execution.id, "InvokeResult": -1 if message else 0}


def _logged(execution: Execution) -> dict[str, Any]:
    code = 2 if not execution.is_over else 0 if execution.state == "FINISHED" else execution.code
    return {
        "FunctionName": execution.function,
        "RequestId": execution.id,
        "StartTime": datetime.fromtimestamp(execution.began_at, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "RetCode": code,
        "RetMsg": execution.answer,
        "InvokeFinished": int(execution.is_over),
        "Duration": 0.0,
        "BillDuration": 0,
        "MemUsage": 0,
        "Log": execution.log,
        "Level": "",
        "Source": "",
        "RetryNum": 0,
    }

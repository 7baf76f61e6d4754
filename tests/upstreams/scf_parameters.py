"""The actions of SCF that are simulated, with every parameter that they take: str, int, bool, a nested table, or a list of one.

A name that ends in "!" must be there. What is not in a table is refused, as the cloud refuses it.
"""

from typing import Any

NAME = {"FunctionName!": str, "Namespace": str}
IMAGE = {"ImageType!": str, "ImageUri!": str, "RegistryId": str, "Command": str, "Args": str, "ImagePort": int}
ENVIRONMENT = {"Variables": [{"Key!": str, "Value!": str}]}
SIZE = {"Description": str, "MemorySize": int, "Timeout": int, "InitTimeout": int, "Environment": ENVIRONMENT, "Role": str}
LOGS = {"ClsLogsetId": str, "ClsTopicId": str}
PAGE = {"Offset": int, "Limit": int}

ACTIONS: dict[str, dict[str, Any]] = {
    "Invoke": {
        **NAME,
        "InvocationType": str,
        "Qualifier": str,
        "ClientContext": str,
        "LogType": str,
        "RoutingKey": str,
    },
    "InvokeFunction": {**NAME, "Qualifier": str, "Event": str, "LogType": str, "RoutingKey": str},
    "GetAsyncEventStatus": {"InvokeRequestId!": str},
    "TerminateAsyncEvent": {**NAME, "InvokeRequestId!": str, "GraceShutdown": bool},
    "CreateFunction": {
        **NAME,
        **SIZE,
        **LOGS,
        "Code!": {"ImageConfig!": IMAGE},
        "Runtime": str,
        "Type": str,
        "AsyncRunEnable": str,
        "TraceEnable": str,
    },
    "UpdateFunctionCode": {**NAME, "Code": {"ImageConfig!": IMAGE}, "Publish": str},
    "UpdateFunctionConfiguration": {**NAME, **SIZE, **LOGS, "Publish": str},
    "GetFunction": {**NAME, "Qualifier": str, "ShowCode": str},
    "ListFunctions": {"Namespace": str, "SearchKey": str, "Order": str, "Orderby": str, **PAGE},
    "DeleteFunction": {**NAME, "Qualifier": str},
    "PublishVersion": {**NAME, "Description": str},
    "ListVersionByFunction": {**NAME, **PAGE, "Order": str, "OrderBy": str},
    "CreateAlias": {**NAME, "Name!": str, "FunctionVersion!": str, "Description": str},
    "UpdateAlias": {**NAME, "Name!": str, "FunctionVersion!": str, "Description": str},
    "GetAlias": {**NAME, "Name!": str},
    "PutReservedConcurrencyConfig": {**NAME, "ReservedConcurrencyMem!": int},
    "GetReservedConcurrencyConfig": NAME,
    "DeleteReservedConcurrencyConfig": NAME,
    "UpdateFunctionEventInvokeConfig": {**NAME, "AsyncTriggerConfig!": {"RetryConfig!": [{"RetryNum!": int}], "MsgTTL": int}},
    "GetFunctionEventInvokeConfig": {**NAME, "Qualifier": str},
    "GetFunctionLogs": {
        **NAME,
        **PAGE,
        "Order": str,
        "OrderBy": str,
        "Filter": {"RetCode": str},
        "Qualifier": str,
        "FunctionRequestId": str,
        "StartTime": str,
        "EndTime": str,
    },
}


class Wrong(Exception):
    """A parameter that must not be, or must; the code is the cloud's."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def check(given: Any, table: dict[str, Any], path: str = "") -> None:
    """Raise Wrong unless `given` has what the table wants, and nothing else."""
    if not isinstance(given, dict):
        raise Wrong("InvalidParameter", f"{path or 'the body'} is no object")
    known = {name.rstrip("!"): shape for name, shape in table.items()}
    if unknown := sorted(given.keys() - known.keys()):
        raise Wrong("UnknownParameter", f"The parameter `{path}{unknown[0]}` is not recognized.")
    if missing := [name[:-1] for name in table if name.endswith("!") and given.get(name[:-1]) is None]:
        raise Wrong("MissingParameter", f"The request is missing a required parameter `{path}{missing[0]}`.")
    for name, value in given.items():
        if value is not None:
            _check_value(value, known[name], f"{path}{name}")


def _check_value(value: Any, shape: Any, path: str) -> None:
    if isinstance(shape, dict):
        check(value, shape, f"{path}.")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise Wrong("InvalidParameter", f"{path} is no list")
        for place, one in enumerate(value):
            _check_value(one, shape[0], f"{path}.{place}")
    elif not isinstance(value, shape) or (shape is int and isinstance(value, bool)):
        raise Wrong("InvalidParameter", f"{path} is not of type {shape.__name__}")

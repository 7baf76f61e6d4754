"""What the running MySQL or MariaDB and Redis should be set to, looked at by `manage.py check --deploy --database default`.

deploy/mysql/darkroom.cnf and deploy/redis/darkroom.conf set all of it; this is for servers of somebody else's making, where it warns.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import redis
from django.conf import settings
from django.core.checks import Tags, Warning, register
from django.db import connections
from redis.backoff import NoBackoff
from redis.retry import Retry

MB = 1024 * 1024
PATIENCE_S = 2.0
CONNECTIONS = 75  # 18 of the web tier, 9 of each of five workers, 2 of beat, and ten for commands and backups


class Need(NamedTuple):
    """A server's variable, whether a value of it will do, what follows where it does not, and the line that would be right."""

    variable: str
    is_met: Callable[[str], bool]
    otherwise: str
    hint: str
    id: str


OF_MYSQL = (
    Need(
        "innodb_flush_log_at_trx_commit",
        lambda value: value == "1",
        "A power cut forgets tasks that were accepted, and what was about to be bought.",
        "innodb_flush_log_at_trx_commit = 1",
        "tasks_app.W004",
    ),
    Need(
        "max_connections",
        lambda value: int(value) >= CONNECTIONS,
        f"One server of ours opens up to {CONNECTIONS} connections, and those beyond are refused.",
        f"max_connections = {CONNECTIONS} or more",
        "tasks_app.W005",
    ),
    Need(
        "max_allowed_packet",
        lambda value: int(value) >= 16 * MB,
        "A task's input may have 8 MB, and twice that in SQL.",
        "max_allowed_packet = 16M or more",
        "tasks_app.W006",
    ),
    Need(
        "innodb_buffer_pool_size",
        lambda value: int(value) >= 256 * MB,
        "Open tasks and their indexes do not stay in memory, so each look for work reads the disk.",
        "innodb_buffer_pool_size = 512M",
        "tasks_app.W007",
    ),
)
OF_REDIS = (
    Need(
        "maxmemory",
        lambda value: int(value) > 0,
        "Nothing bounds Redis, so what fills it takes the memory of everything beside it.",
        "maxmemory 96mb",
        "tasks_app.W009",
    ),
    Need(
        "maxmemory_policy",
        lambda value: not value.startswith("allkeys-"),
        "A full Redis throws wake-ups away.",
        "maxmemory-policy volatile-ttl",
        "tasks_app.W010",
    ),
)


@register(Tags.database, deploy=True)
def mysql_is_set_right(app_configs, databases=None, **kwargs) -> list[Warning]:
    chosen = [connections[alias] for alias in databases or ()]
    return [fault for connection in chosen if connection.vendor == "mysql" for fault in (*_of_mysql(connection), *_of_its_log(connection))]


@register(Tags.database, deploy=True)
def redis_is_set_right(app_configs, databases=None, **kwargs) -> list[Warning]:
    """Asked by INFO, which hosted ones answer where they refuse CONFIG."""
    if not settings.REDIS_URL:
        return []
    times = {"socket_connect_timeout": PATIENCE_S, "socket_timeout": PATIENCE_S}
    try:
        with redis.Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), **times) as client:
            found = client.info("memory")
    except redis.RedisError as fault:
        hint = "Wake-ups, caches and limits are missing, and tasks wait some seconds longer."
        return [Warning(f"Redis does not answer: {type(fault).__name__}.", hint=hint, id="tasks_app.W011")]
    return unmet(OF_REDIS, {name: str(value) for name, value in found.items()})


def unmet(needs: tuple[Need, ...], found: Mapping[str, str]) -> list[Warning]:
    return [
        Warning(f"{need.variable} is {found[need.variable]}. {need.otherwise}", hint=f"Set {need.hint}", id=need.id)
        for need in needs
        if not need.is_met(found[need.variable])
    ]


def _of_mysql(connection) -> list[Warning]:
    return unmet(OF_MYSQL, _variables(connection, [need.variable for need in OF_MYSQL]))


def _of_its_log(connection) -> list[Warning]:
    """FULL writes whole rows, inputs and all, at each poll: at 500 polls a second 760 GB a day, where MINIMAL writes 6."""
    found = _variables(connection, ["log_bin", "binlog_row_image"])
    if found["log_bin"] != "1" or found.get("binlog_row_image") == "MINIMAL":
        return []
    return [
        Warning(
            f"binlog_row_image is {found['binlog_row_image']}. The binary log gets whole rows, inputs and all, at each poll.",
            hint="Set binlog_row_image = MINIMAL, or skip-log-bin where no replica and no backup reads it.",
            id="tasks_app.W008",
        )
    ]


def _variables(connection, names: list[str]) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"@@GLOBAL.{name}" for name in names))
        return {name: str(value) for name, value in zip(names, cursor.fetchone(), strict=True)}

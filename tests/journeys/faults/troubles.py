"""Every trouble, in the order in which they come."""

from . import deaths, backup, bucket, clients, cloud, deadlines, disk, hours, inward, mariadb, receivers, redis, releases, wire  # isort: skip
from .trouble import TROUBLES

__all__ = [
    "TROUBLES",
    "backup",
    "bucket",
    "clients",
    "cloud",
    "deadlines",
    "deaths",
    "disk",
    "hours",
    "inward",
    "mariadb",
    "receivers",
    "redis",
    "releases",
    "wire",
]

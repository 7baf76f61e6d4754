"""Every trouble, in the order in which they come."""

from . import deaths, disk, hours, mariadb, receivers, redis, wire  # isort: skip
from .trouble import TROUBLES

__all__ = ["TROUBLES", "deaths", "disk", "hours", "mariadb", "receivers", "redis", "wire"]

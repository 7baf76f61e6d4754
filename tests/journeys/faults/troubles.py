"""Every trouble, in the order in which they come."""

from . import deaths, clients, disk, hours, mariadb, receivers, redis, wire  # isort: skip
from .trouble import TROUBLES

__all__ = ["TROUBLES", "clients", "deaths", "disk", "hours", "mariadb", "receivers", "redis", "wire"]

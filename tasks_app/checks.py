"""What must be so of a database before a table is made in it or a row written: looked at by `manage.py migrate`, and so by `up`."""

from django.core.checks import Error, Tags, register
from django.db import connections

CHARSET = "SELECT DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()"
TABLES = "SELECT DISTINCT TABLE_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND CHARACTER_SET_NAME <> 'utf8mb4'"


@register(Tags.database)
def text_can_be_in_any_language(app_configs, databases=None, **kwargs) -> list[Error]:
    """Another character set than utf8mb4 refuses the first Chinese prompt with error 1366, at night."""
    chosen = [connections[alias] for alias in databases or ()]
    return [
        fault for connection in chosen if connection.vendor == "mysql" for fault in (*_of_new_tables(connection), *_of_tables(connection))
    ]


def _of_new_tables(connection) -> list[Error]:
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(CHARSET)
        (charset,) = cursor.fetchone()
    if charset == "utf8mb4":
        return []
    return [
        Error(
            f"New tables of the database {name} would keep text as {charset}, which has no Chinese and no emoji.",
            hint=f"ALTER DATABASE `{name}` CHARACTER SET utf8mb4;",
            id="tasks_app.E002",
        )
    ]


def _of_tables(connection) -> list[Error]:
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        tables = sorted(table for (table,) in cursor.fetchall())
    if not tables:
        return []
    return [
        Error(
            f"Tables of the database {connection.settings_dict['NAME']} do not keep all text as utf8mb4: {', '.join(tables)}.",
            # Not CONVERT TO: it would make keys that are equal only to the letter equal in any case.
            hint="Make a database with CHARACTER SET utf8mb4, migrate there, and copy the rows over.",
            id="tasks_app.E003",
        )
    ]

"""`manage.py slow_queries`: the slow query log, digested."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tasks_app.management.slow_log import Query, digested, fingerprint, in_file

LOG = """\
/usr/sbin/mariadbd, Version: 10.11.19-MariaDB. started with:
Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock
Time                Id Command  Argument
# Time: 261125 22:00:01
# User@Host: darkroom[darkroom] @ localhost []
# Thread_id: 7  Schema: darkroom  QC_hit: No
# Query_time: 0.500000  Lock_time: 0.000011  Rows_sent: 1  Rows_examined: 1000
# Rows_affected: 0  Bytes_sent: 70
use darkroom;
SET timestamp=1764108001;
SELECT * FROM t
 WHERE name = 'it''s a secret' AND n IN (1, 2, 3);
# Time: 261125 22:00:02
# User@Host: darkroom[darkroom] @ localhost []
# Query_time: 1.500000  Lock_time: 0.000011  Rows_sent: 1  Rows_examined: 3000
SET timestamp=1764108002;
SELECT * FROM t WHERE name = "other" AND n IN (4);
# User@Host: darkroom[darkroom] @ localhost []
# Query_time: 0.200000  Lock_time: 0.000011  Rows_sent: 0  Rows_examined: 0
SET timestamp=1764108003;
INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y'), (3, 'z');
"""


def said(*words: str) -> list[str]:
    out = io.StringIO()
    call_command("slow_queries", *words, stdout=out)
    return out.getvalue().splitlines()


class TestAFingerprint:
    @pytest.mark.parametrize(
        ("sql", "without"),
        [
            ("SELECT 1 FROM t  WHERE a = 'x' ;", "SELECT ? FROM t WHERE a = ?"),
            (r"SELECT * FROM t WHERE a = 'it\'s' AND b = 0x1F", "SELECT * FROM t WHERE a = ? AND b = ?"),
            ("SELECT * FROM t WHERE n IN (1, 2,\n3)", "SELECT * FROM t WHERE n IN (?)"),
            ("SELECT /* why */ * FROM t1 WHERE x = -1.5e3", "SELECT * FROM t1 WHERE x = -?"),
            ("INSERT INTO t VALUES (1, 'a'), (2, 'b')", "INSERT INTO t VALUES (?), …"),
        ],
    )
    def test_is_the_statement_without_its_values(self, sql, without):
        assert fingerprint(sql) == without


class TestADigest:
    def test_adds_up_what_differs_in_values_alone_the_dearest_first(self):
        dear, cheap = digested(in_file(LOG.splitlines(keepends=True)))
        assert (len(dear.seconds), dear.total_s, dear.p95_s, dear.rows_each) == (2, 2.0, 1.5, 2000)
        assert (cheap.fingerprint, cheap.total_s) == ("INSERT INTO t (a, b) VALUES (?), …", 0.2)

    def test_p95_leaves_out_the_worst_twentieth(self):
        (digest,) = digested(Query(number / 100, 0, "SELECT 1") for number in range(1, 101))
        assert digest.p95_s == 0.95


class TestTheCommand:
    def test_reads_a_file_and_shows_no_value(self, tmp_path):
        (tmp_path / "slow.log").write_text(LOG)
        head, dear, cheap = said(str(tmp_path / "slow.log"))
        assert head.split() == ["count", "total", "s", "P95", "s", "rows", "each", "statement"]
        assert dear.split()[:5] == ["2", "2.00", "1.500", "2,000", "SELECT"]
        assert not [word for word in ("secret", "other") if word in dear + cheap]

    def test_names_a_file_that_cannot_be_read(self, tmp_path):
        with pytest.raises(CommandError, match="No such file"):
            said(str(tmp_path / "none.log"))


class TestAServer:
    @pytest.fixture(autouse=True)
    def server(self, db):
        if connection.vendor != "mysql":
            pytest.skip("SQLite has no slow query log")
        yield
        self.run("SET GLOBAL slow_query_log = 0", "SET GLOBAL log_output = 'FILE'", "SET GLOBAL long_query_time = 10")

    def run(self, *statements: str) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def test_whose_log_is_off_says_how_to_switch_it_on(self):
        self.run("SET GLOBAL slow_query_log = 0")
        with pytest.raises(CommandError, match="SET GLOBAL slow_query_log = 1"):
            said()

    @pytest.mark.parametrize("output", ["TABLE", "FILE"])
    def test_is_read_where_it_writes(self, output):
        self.run(f"SET GLOBAL log_output = '{output}'", "SET GLOBAL slow_query_log = 1")
        # A connection that was open before keeps what it had, until it is opened anew.
        self.run("SET SESSION slow_query_log = 1", "SET SESSION long_query_time = 0")
        self.run("SELECT 'a secret', SLEEP(0.05)", "SELECT 'another', SLEEP(0.05)", "SET SESSION long_query_time = 10")
        line = next(line for line in said() if line.endswith("SELECT ?, SLEEP(?)"))
        count, total, p95, *_ = line.split()
        assert int(count) >= 2
        assert float(total) >= 0.1
        assert float(p95) >= 0.05

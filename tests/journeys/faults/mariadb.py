"""MariaDB restarted, cut off, locked up, full, read-only, frozen."""

import subprocess

import MySQLdb
from MySQLdb.cursors import Cursor

from .between import Between
from .stage import administrator, ports_of
from .trouble import Scene, trouble

OURS = "SELECT id FROM information_schema.processlist WHERE user = 'darkroom'"


def cut(cursor: Cursor) -> None:
    cursor.execute(OURS)
    for (id,) in cursor.fetchall():
        try:
            cursor.execute(f"KILL {id}")
        except MySQLdb.OperationalError:
            continue  # it has just ended by itself


@trouble(tasks=120, over_s=15.0)
def mariadb_is_restarted_under_load(scene: Scene) -> None:
    """As for an upgrade: no 201 is lost, no outcome is."""
    scene.while_clients_post(lambda: scene.stage.mariadb.restart(), every_s=(2.0, 4.0))


@trouble(short=True)
def every_connection_to_mariadb_is_cut_again_and_again(scene: Scene) -> None:
    """In mid-transaction, at COMMIT, between two statements: all or nothing, and then once."""
    with administrator(scene.stage) as cursor:
        scene.while_clients_post(lambda: cut(cursor), every_s=(0.05, 0.8), most=40)


@trouble(tasks=100, over_s=20.0)
def the_accounts_rows_are_locked_for_seconds(scene: Scene) -> None:
    """Longer than a lock is waited for (5 s): requests and outcomes are tried again, whole."""
    with administrator(scene.stage) as cursor:

        def hold() -> None:
            cursor.execute("BEGIN")
            cursor.execute("SELECT id FROM accounts_account ORDER BY id FOR UPDATE")
            scene.moment(2.0, 8.0)
            cursor.execute("ROLLBACK")

        scene.while_clients_post(hold, every_s=(0.5, 2.0))


@trouble(tasks=100, over_s=20.0)
def the_providers_rows_are_locked_for_seconds(scene: Scene) -> None:
    """Nothing is submitted meanwhile, and no slot is counted twice after."""
    with administrator(scene.stage) as cursor:

        def hold() -> None:
            cursor.execute("BEGIN")
            cursor.execute("SELECT id FROM providers_provider ORDER BY id FOR UPDATE")
            scene.moment(2.0, 8.0)
            cursor.execute("ROLLBACK")

        scene.while_clients_post(hold, every_s=(0.5, 2.0))


@trouble(tasks=120, over_s=15.0)
def deadlocks_are_forced_on_tasks_and_accounts(scene: Scene) -> None:
    """A rival that has written so much that MariaDB gives way to it locks accounts, then tasks: whole transactions are tried again."""
    with administrator(scene.stage) as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS rival (n INT)")

        def cross() -> None:
            cursor.execute("BEGIN")
            cursor.execute("INSERT INTO rival SELECT seq FROM seq_1_to_500")
            try:
                cursor.execute("SELECT id FROM accounts_account WHERE name = 'acme' FOR UPDATE")
                scene.moment(0.05, 0.3)
                cursor.execute("SELECT id FROM tasks_app_task WHERE finished_at IS NULL ORDER BY id DESC FOR UPDATE")
            except MySQLdb.OperationalError:
                pass  # this time it was the rival who had to give way
            cursor.execute("ROLLBACK")

        scene.while_clients_post(cross, every_s=(0.02, 0.2), most=100)


@trouble(tasks=80, over_s=10.0)
def mariadb_is_read_only_for_seconds(scene: Scene) -> None:
    """As after a fail-over to a replica: posts are answered 503, outcomes wait."""
    scene.moment(1.0, 2.0)
    with administrator(scene.stage) as cursor:
        cursor.execute("SET GLOBAL read_only = 1")
        scene.moment(4.0, 8.0)
        cursor.execute("SET GLOBAL read_only = 0")


@trouble(tasks=80, over_s=12.0)
def others_take_every_connection_of_mariadb(scene: Scene) -> None:
    """Posts are answered 503, workers wait, and all goes on once there is room."""
    scene.moment(1.0, 2.0)
    with administrator(scene.stage) as cursor:
        cursor.execute("SET GLOBAL max_connections = 10")
        others = [_idle(scene) for _ in range(30)]
        for _ in range(5):
            cut(cursor)
            scene.moment(1.0, 2.0)
        for other in others:
            other.kill()
            other.wait()
        cursor.execute("SET GLOBAL max_connections = 300")


def _idle(scene: Scene) -> subprocess.Popen:
    """A client that tries for a connection and keeps it."""
    command = ["mariadb", "--no-defaults", "--user=root", f"--socket={scene.stage.mariadb.folder / 's'}", "-e", "SELECT SLEEP(60)"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@trouble(tasks=100, over_s=15.0)
def mariadb_is_frozen_with_its_connections_open(scene: Scene) -> None:
    """A machine that hangs: what waits for it waits, and nothing is done twice."""
    scene.moment(1.0, 2.0)
    scene.stage.mariadb.freeze()
    scene.moment(5.0, 9.0)
    scene.stage.mariadb.thaw()


ENGINE = (
    "tasks_app_task",
    "tasks_app_attempt",
    "tasks_app_taskevent",
    "tasks_app_output",
    "accounts_account",
    "accounts_ledgerentry",
)
REFUSES = """
    CREATE TRIGGER fire_{table}_{event} BEFORE {event} ON {table} FOR EACH ROW
    BEGIN
        DECLARE number INT DEFAULT ELT(1 + FLOOR(RAND() * 3), 1213, 1205, 1020);
        IF RAND() < 0.01 THEN SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = number, MESSAGE_TEXT = 'as ordered'; END IF;
    END
"""


@trouble(tasks=100, over_s=10.0)
def mariadb_refuses_statements_for_passing_reasons(scene: Scene) -> None:
    """1213, 1205, 1020 at any statement, one row in a hundred: whole transactions are tried again, and each happens once."""
    names = [(table, event) for table in ENGINE for event in ("INSERT", "UPDATE")]
    with administrator(scene.stage) as cursor:
        for table, event in names:
            cursor.execute(REFUSES.format(table=table, event=event))
        scene.load.join()
        scene.moment(2.0, 4.0)
        for table, event in names:
            cursor.execute(f"DROP TRIGGER fire_{table}_{event}")


@trouble(tasks=100, over_s=10.0)
def mariadb_checks_what_was_read(scene: Scene) -> None:
    """innodb_snapshot_isolation, as MariaDB 11 has it on: at READ COMMITTED, which Darkroom sets for itself, nothing changes."""
    with administrator(scene.stage) as cursor:
        cursor.execute("SET GLOBAL innodb_snapshot_isolation = 1")
        cut(cursor)  # a connection keeps what it began with
        scene.load.join()
        scene.moment(2.0, 3.0)
        cursor.execute("SET GLOBAL innodb_snapshot_isolation = 0")
        cut(cursor)


@trouble(as_in="nothing happens")
def a_snapshot_is_held_open(scene: Scene) -> None:
    """A backup, or a console that somebody forgot: tasks take their usual time."""
    with administrator(scene.stage) as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        cursor.execute("SELECT COUNT(*) FROM tasks_app_task")
        scene.load.join()
        cursor.execute("ROLLBACK")


def lead_through_a_wire_that_breaks(scene: Scene) -> None:
    """Web and workers start anew, with a wire to MariaDB that will break at COMMIT."""
    stage = scene.stage
    scene.between = Between(stage.mariadb.port).__enter__()
    url = stage.environment["DATABASE_URL"].replace(f":{stage.mariadb.port}/", f":{scene.between.port}/")
    for server in (stage.web, *stage.workers):
        server.stop()
        server.environment = stage.environment | {"DATABASE_URL": url}
        server.start()
    asks = scene.between.askers
    scene.wait_for("workers have begun", lambda: all(asks & ports_of(worker.pid) for worker in stage.workers), within_s=60)


@trouble(first=lead_through_a_wire_that_breaks, tasks=120, over_s=10.0)
def connections_to_mariadb_are_cut_at_commit(scene: Scene) -> None:
    """Before the server has seen it, and after, before its answer is back: what was committed is not done again, what was not is."""
    stage, between = scene.stage, scene.between
    between.share = 0.15
    scene.load.join()
    scene.moment(3.0, 5.0)
    between.share = 0.0
    for server in (stage.web, *stage.workers):
        server.stop()
        server.environment = stage.environment
        server.start()
    between.__exit__()
    scene.notes.append(f"{between.cuts['before']} cut before the commit, {between.cuts['after']} after")

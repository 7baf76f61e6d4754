"""Redis emptied, gone, frozen."""

import socket
import time

from .judge import still_open
from .trouble import Scene, trouble


def flush(scene: Scene) -> None:
    with socket.create_connection(("127.0.0.1", scene.stage.redis.port), timeout=5) as connection:
        connection.sendall(b"FLUSHALL\r\n")
        connection.recv(16)


@trouble()
def redis_is_emptied_again_and_again(scene: Scene) -> None:
    """FLUSHALL loses wake-ups, and nothing else."""
    scene.while_clients_post(lambda: flush(scene), every_s=(0.05, 0.5), most=100)


def go_away(scene: Scene) -> None:
    """Workers have been idle for so long that nobody has looked for a task when the first one comes."""
    scene.stage.redis.kill()
    scene.moment(5.0, 7.0)


@trouble(first=go_away, as_in="nothing happens", adds_s=5.0)
def redis_is_away_all_the_time(scene: Scene) -> None:
    """A task takes less than 5 s more: workers look by themselves."""
    scene.load.join()
    scene.wait_for("all tasks are over", lambda: not still_open(scene.stage), within_s=60)


def restart_workers_without_redis(scene: Scene) -> None:
    began = time.monotonic()
    scene.stage.redis.kill()
    for worker in scene.stage.workers:
        worker.stop()
    ended = time.monotonic()
    for worker in scene.stage.workers:
        worker.start()
    scene.stage.wait_for_workers()
    scene.notes.append(f"both workers ended within {ended - began:.1f} s, and had begun again {time.monotonic() - ended:.1f} s later")


@trouble(first=restart_workers_without_redis, as_in="nothing happens", adds_s=5.0)
def workers_have_started_while_redis_was_away(scene: Scene) -> None:
    """They work as without it: a task takes less than 5 s more."""
    scene.load.join()
    scene.wait_for("all tasks are over", lambda: not still_open(scene.stage), within_s=60)


@trouble(tasks=120, over_s=15.0)
def redis_is_frozen_with_its_connections_open(scene: Scene) -> None:
    """No request waits for it for more than a moment."""
    scene.moment(0.5, 1.5)
    scene.stage.redis.freeze()
    scene.load.join()
    scene.moment(2.0, 8.0)
    scene.stage.redis.thaw()


@trouble(tasks=120, over_s=15.0)
def redis_is_frozen_now_and_then(scene: Scene) -> None:
    """As a machine that swaps."""

    def stumble() -> None:
        scene.stage.redis.freeze()
        scene.moment(0.2, 2.0)
        scene.stage.redis.thaw()

    scene.while_clients_post(stumble, every_s=(0.1, 1.0), most=30)


@trouble()
def redis_takes_no_writes_for_want_of_memory(scene: Scene) -> None:
    """Wake-ups are lost, tasks are accepted and go on."""
    with socket.create_connection(("127.0.0.1", scene.stage.redis.port), timeout=5) as connection:
        connection.sendall(b"CONFIG SET maxmemory 1\r\n")
        connection.recv(16)
        scene.load.join()
        connection.sendall(b"CONFIG SET maxmemory 0\r\n")
        connection.recv(16)

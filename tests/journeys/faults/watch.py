"""How long a dead worker's tasks stand still: a look at the leases, four times a second, from before its death until the last has moved."""

import threading
import time
from contextlib import suppress
from subprocess import CalledProcessError

from .stage import Stage

MOVES_WITHIN_S = 30.0  # a lease of 26 s, and a look; ours come four times a second
HELD = "SELECT LOWER(HEX(id)), lease_token FROM tasks_app_task WHERE lease_token <> 0"


class Watch(threading.Thread):
    """`killed()` right after a death; `moved_s` tells for each how many seconds the last of the leases of that moment lived on."""

    def __init__(self, stage: Stage):
        super().__init__(daemon=True)
        self._stage = stage
        self._open: list[tuple[float, set]] = []
        self._lock, self._over = threading.Lock(), threading.Event()
        self.moved_s: list[float] = []

    def killed(self) -> None:
        began, held = time.monotonic(), self._held()
        if held:
            with self._lock:
                self._open.append((began, held))

    def run(self) -> None:
        while not self._over.wait(0.25):
            if self._open and (now_held := self._held()) is not None:
                self._look(now_held)

    def end(self) -> None:
        """All tasks are over by now, so nothing stands still."""
        self._over.set()
        self.join()
        self._look(set())

    def _look(self, now_held: set) -> None:
        with self._lock:
            for one in list(self._open):
                if not one[1] & now_held:
                    self._open.remove(one)
                    self.moved_s.append(time.monotonic() - one[0])

    def _held(self) -> set | None:
        with suppress(CalledProcessError):
            return {tuple(line) for line in self._stage.sql(HELD)}
        return None

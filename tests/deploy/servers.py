"""MariaDB and Redis with the settings that deploy/ has for them; private, as all of tests/servers.py."""

from tests.deploy.web import ROOT
from tests.servers import MariaDB, Redis, as_root, found


class PlannedMariaDB(MariaDB):
    """With deploy/mysql/darkroom.cnf; only its places are its own."""

    def command(self) -> list[str]:
        places = {
            "datadir": self._data,
            "socket": self._socket,
            "pid-file": self.folder / "pid",
            "tmpdir": self._own_tmp,
            "port": self.port,
        }
        places["slow-query-log-file"] = self.folder / "slow.log"
        options = [f"--{name}={place}" for name, place in places.items()]
        return [found("mariadbd"), f"--defaults-file={ROOT / 'deploy/mysql/darkroom.cnf'}", *as_root(), *options]


class PlannedRedis(Redis):
    """With deploy/redis/darkroom.conf."""

    def command(self) -> list[str]:
        program, *options = super().command()
        places = options[: options.index("--save")] + options[options.index("--dir") :]
        return [program, str(ROOT / "deploy/redis/darkroom.conf"), *places]

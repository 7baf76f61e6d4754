"""The stream tier: `gunicorn -c deploy/stream.conf.py config.asgi`. Each value has its reason beside it."""

import resource
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # gunicorn's own script does not look here

from gunicorn.glogging import Logger  # noqa: E402

from config.env import env  # noqa: E402
from config.logging import FORMATTERS  # noqa: E402

chdir = str(ROOT)
bind = env["STREAM_BIND"]
if bind.startswith("unix:"):
    Path(ROOT, bind.removeprefix("unix:")).parent.mkdir(parents=True, exist_ok=True)
worker_class = "config.stream_worker.Worker"
# Said here, because gunicorn would take what it finds.
asgi_loop = "uvloop"
# One event loop holds all streams: it is idle nearly always, and streams that share a process share its queries and its memory.
workers = 1
# A worker whose loop hangs for this long is replaced.
timeout = 30
# Streams end at once when they are told to, and waits are answered; this is for clients that read slowly.
graceful_timeout = 5
# nginx keeps no connections to it, and what web hands on ends with its answer.
keepalive = 2
# Thousands of clients come again within seconds after a restart.
backlog = 2048
# As in web.
limit_request_line = limit_request_field_size = 8190
limit_request_fields = 64
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm"
# One path for every instance of this user; signals do all that we need.
control_socket_disable = True
# Requests are logged by config/middleware.py, with the account.
accesslog = None


def on_starting(server):
    """Each stream is a descriptor, and the soft limit is 1,024 nearly everywhere."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Lines(Logger):
    """gunicorn's own lines, in the form of all others."""

    def setup(self, cfg):
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(FORMATTERS[env["LOG_FORMAT"]]())


logger_class = Lines

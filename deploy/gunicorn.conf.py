"""The web tier: `gunicorn -c deploy/gunicorn.conf.py config.wsgi`. Each value has its reason beside it."""

import gc
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # gunicorn's own script does not look here

from gunicorn.glogging import Logger  # noqa: E402

from config.env import env  # noqa: E402
from config.logging import FORMATTERS  # noqa: E402
from config.memory import MB, resident_bytes  # noqa: E402
from tasks_app import counting  # noqa: E402

CONNECTION_REQUESTS = 50
LOOKED_AT_EVERY = 32  # requests: a look at the memory costs 10 µs, and six turns at Python's lock
MEMORY_LIMIT = env["WEB_MEMORY_LIMIT_MB"] * MB

chdir = str(ROOT)
bind = env["WEB_BIND"]
worker_class = "config.web_worker.Worker"
# Threads x workers is the pool of database connections: 3 x 6 = 18, which cannot be exceeded. More of them write more tasks in one
# transaction: with 6 instead of 4, POSTs of 100 clients on one account went from 706/s to 1,349/s.
workers = env["WEB_WORKERS"]
threads = env["WEB_THREADS"]
# A worker that shows no life for this long is replaced; its main thread shows it, however long a request waits.
timeout = 30
# A deploy or a recycling lets requests finish for this long.
graceful_timeout = 30
# Clients and a proxy in front keep their connections; 5 s is longer than a client's pause between two calls.
keepalive = 5
# Beyond this the kernel refuses, and the client knows at once that we are full.
backlog = 256
# Addresses hold filters, headers a key and a cookie: twice what the longest of ours need. Bodies have limits where they are read.
limit_request_line = limit_request_field_size = 8190
limit_request_fields = 64
# Recycle against slow leaks, at different times so that the three never go together. No replacement for the memory limit.
max_requests = 20000
max_requests_jitter = 2000
# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm"
# Three workers and their parent after 1,200 requests to the API hold 282 MB (PSS) when each loads the application for
# itself, 264 when the parent has loaded it, and 214 when what it loaded is frozen too (when_ready).
preload_app = True
# It would be one path for every instance of this user; signals do all that we need.
control_socket_disable = True
# Requests are logged by config/middleware.py, with the account; gunicorn would spend as long on its line as on ours.
accesslog = None


class Lines(Logger):
    """gunicorn's own lines, in the form of all others."""

    def setup(self, cfg):
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(FORMATTERS[env["LOG_FORMAT"]]())


logger_class = Lines


def when_ready(server):
    """Load in the parent what a request needs, views with all that they import; none of it is ever given back.

    A collection in a child that touched these objects would copy their pages, so they are frozen.
    """
    from django.conf import settings
    from django.urls import get_resolver

    if settings.configured:  # else the application is not Django's, or not loaded yet
        get_resolver().url_patterns  # noqa: B018 it is read to be loaded
    gc.collect()
    gc.freeze()


def on_starting(server):
    """What the workers count is counted together (tasks_app/counting.py)."""
    counting.open_folder()


def on_exit(server):
    counting.close_folder()


def pre_fork(server, worker):
    """A connection that the parent opened must not be spoken on by a child: two would read each other's answers."""
    from django.conf import settings
    from django.db import connections

    if settings.configured:  # else the application is not Django's, or not loaded yet
        connections.close_all()


def post_fork(server, worker):
    counting.take_place()
    # A request makes some hundred objects: by Python's own threshold of 700, every second one would have them searched for cycles.
    gc.set_threshold(20_000, 10, 10)


def post_worker_init(worker):
    from django.conf import settings

    if settings.configured:  # else the application is not Django's
        from config.wsgi import look_at_one_connection

        look_at_one_connection()


def pre_request(worker, req):
    """End a connection after so many requests: its client's next one goes to the worker that has most time.

    Without that, clients that keep their connections stay with whoever took them: while two workers are replaced, with the third.
    """
    if req.req_number >= CONNECTION_REQUESTS:
        req.force_close()


def post_request(worker, req, environ, resp):
    """Retire a worker above its memory limit: it takes no new connection, answers what it has begun, and is replaced."""
    if worker.nr % LOOKED_AT_EVERY or not worker.alive:
        return
    if (resident := resident_bytes()) > MEMORY_LIMIT:
        worker.log.warning("retiring at %d MB, above WEB_MEMORY_LIMIT_MB=%d", resident // MB, MEMORY_LIMIT // MB)
        worker.alive = False
